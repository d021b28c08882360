internal import Machine

/// How the system's gpg is run: always by the same options, never with the user's own, never on a terminal, never on
/// the network.
package struct GnuPG: Sendable {
    /// Names looked up in `PATH`, or paths; tests bring programs of their own.
    package var executable: String
    package var gpgconf: String
    /// Seconds that a call which handles no stream may take.
    private let patience: Double

    package init(executable: String = "gpg", gpgconf: String = "gpgconf", patience: Double = 300) {
        self.executable = executable
        self.gpgconf = gpgconf
        self.patience = patience
    }

    /// Before everything else. A user's `encrypt-to`, `default-key` or `keyserver` must not change what we do;
    /// `trust-model always` stands for the fingerprint that we pin ourselves.
    static let options = [
        "--no-options", "--batch", "--no-tty", "--status-fd", "2", "--no-greeting", "--display-charset", "utf-8",
        "--no-auto-key-locate", "--disable-dirmngr", "--no-auto-check-trustdb", "--trust-model", "always",
        "--no-encrypt-to", "--compress-algo", "none",
    ]

    /// Whether gpg may start an agent. Only what needs a private key may.
    enum Agent { case none, allowed }

    /// A call of gpg; `home` nil is the user's default keyring.
    func process(home: String?, agent: Agent, _ arguments: [String]) -> ChildProcess {
        var all = Self.options
        if let home { all = ["--homedir", home] + all }
        if agent == .none { all.append("--no-autostart") }
        return ChildProcess(executable, all + arguments)
    }

    /// Runs gpg to its end with its output collected; the caller judges the report.
    ///
    /// - Throws: `openpgp.no-gpg` when it could not be started.
    func run(
        home: String?, agent: Agent = .none, _ arguments: [String], input: [UInt8]? = nil, limit: Int = 16 << 20
    ) async throws -> Report {
        let process = process(home: home, agent: agent, arguments)
        let run = { @Sendable in
            try await withDeadline(patience) {
                Report(
                    try await process.run(input: input.map { .bytes($0) } ?? .nothing, output: .collected(limit: limit))
                )
            } late: {
                OpenPGPError(
                    .gpgFailed, "gpg did not end within \(durationText(patience)); it was ended.",
                    remedy: "See what the machine is busy with (`top`, `dmesg`), then run the command again.")
            }
        }
        return try await Self.starting {
            guard agent == .allowed else { return try await run() }
            // Not to be cancelled in the middle: an agent that is only just starting hears nobody who tells it to end, and
            // would stay. All such calls are short.
            let report = try await Task { try await run() }.value
            if Task.isCancelled { throw Interrupted() }
            return report
        }
    }

    /// Says by its own error that gpg itself is missing.
    static func starting<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as MachineError where error.code == "machine.cannot-run" {
            throw OpenPGPError.noGPG(error)
        }
    }

    /// The version of the gpg that is installed: `2.2.40`.
    package func version() async throws -> String {
        let report = try await run(home: nil, ["--version"])
        guard report.outcome.succeeded, let line = report.outcome.text.split(separator: "\n").first,
            let version = line.split(separator: " ").last
        else { throw OpenPGPError.failed(.noGPG, "tell its version", report, remedy: "Install GnuPG 2.2 or later.") }
        return String(version)
    }

    /// Runs `body` with a GNUPGHOME in memory (0700, tmpfs) that nobody else uses; afterwards its agent is ended and all
    /// of it is gone, on every way out.
    ///
    /// - Parameter agent: whether calls with that home may have started one.
    func withThrowAwayHome<Result: Sendable>(
        _ agent: Agent = .none, _ body: (String) async throws -> Result
    ) async throws -> Result {
        let folder = try SecretFolder()
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(folder.path)) } catch { result = .failure(error) }
        if agent == .allowed { endAgent(home: folder.path) }
        folder.wipe()
        return try result.get()
    }
}
