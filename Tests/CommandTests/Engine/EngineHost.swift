import Docker
import Glibc
import Machine
import TestKit

/// A host whose volumes are those of a real engine: keys, state and backups of its own, and a configuration that takes only
/// the volumes it names, for the engine is shared with other tests.
struct EngineHost: Sendable {
    var demo: DemoHost
    let engine: Engine

    var folder: String { demo.folder }
    var holdfast: CommandRunner { demo.holdfast }
}

/// A host for one test, gone afterwards; its configuration takes nothing yet.
func withEngineHost<Result: Sendable>(
    isolation: isolated (any Actor)? = #isolation, _ body: (EngineHost) async throws -> Result
) async throws -> Result {
    try await withDemoHost { demo in
        try await withEngine { engine in
            let host = EngineHost(demo: demo, engine: engine)
            try host.configure { _ in }
            return try await body(host)
        }
    }
}

// MARK: - Configuration

/// What such a host's `holdfast.yml` says.
struct EngineConfiguration {
    var include: [String] = []
    /// Lines of `backup.volumes`: `max_downtime: 1s`.
    var volumes: [String] = []
    var files: [(name: String, path: String)] = []
    /// Entries of `backup.databases`, each as the file has it after its dash.
    var databases: [String] = []
    /// Lines put at the end as they are.
    var more: [String] = []
    var recipients: [String]
    var socket: String

    fileprivate init(_ host: EngineHost) {
        recipients = ["\(host.demo.keys.owner.fingerprint)"]
        socket = host.engine.socket
    }

    fileprivate func yaml(_ host: EngineHost) -> String {
        func list(_ words: [String]) -> String { "[" + words.map { "\"\($0)\"" }.joined(separator: ", ") + "]" }
        var lines = [
            "backup:", "  directory: \(host.demo.backups)", "  encryption:", "    recipients: \(list(recipients))",
            "    keyring: \(host.demo.ring)", "  volumes:", "    include: \(list(include))",
        ]
        lines += volumes.map { "    " + $0 }
        if !files.isEmpty { lines.append("  files:") }
        lines += files.map { "    - { name: \($0.name), path: \"\($0.path)\" }" }
        if !databases.isEmpty { lines.append("  databases:") }
        lines += databases.map { "    - " + $0 }
        lines += ["docker: { socket: \"\(socket)\" }", "state: \(host.demo.state)"]
        return (lines + more).joined(separator: "\n") + "\n"
    }
}

extension EngineHost {
    /// Writes `holdfast.yml` anew.
    func configure(_ change: (inout EngineConfiguration) -> Void) throws {
        var configuration = EngineConfiguration(self)
        change(&configuration)
        try demo.write("holdfast.yml", configuration.yaml(self))
    }
}

// MARK: - What tests do on it

extension EngineHost {
    /// Backs up, with these arguments, and expects that to go well.
    ///
    /// - Returns: the name of the new point.
    @discardableResult
    func backup(_ arguments: String...) async throws -> String {
        let outcome = try await holdfast.run([CommandRunner.binary, "backup", "--json"] + arguments)
        guard outcome.status == 0, let point = try outcome.json()["point"].string else {
            throw TestKitError(description: "the backup failed: \(outcome)")
        }
        return point
    }

    /// Restores without a question, and expects nothing of how that goes.
    func restore(_ arguments: String...) async throws -> CommandRunner.Outcome {
        try await holdfast.run([CommandRunner.binary, "restore"] + arguments + ["--yes", "--key", demo.privateKey])
    }

    /// Starts a backup that the test goes on beside.
    func startBackup(_ arguments: String...) throws -> Running {
        try holdfast.start([CommandRunner.binary, "backup"] + arguments)
    }

    /// A container as it is now.
    func look(_ container: Container) async throws -> Container { try await engine.container(container.id) }

    /// Runs a shell command in a container, and gives what it prints.
    @discardableResult
    func run(in container: Container, _ command: String) async throws -> String {
        let result = try await engine.exec(container.id, ["sh", "-c", command])
        guard result.succeeded else { throw TestKitError(description: "\(command): \(result.text) \(result.errors)") }
        return result.text
    }

    /// Runs `docker` against this host's engine.
    @discardableResult
    func docker(_ arguments: String...) async throws -> CommandRunner.Outcome { try await docker(arguments) }

    /// Runs `docker` against this host's engine.
    @discardableResult
    func docker(_ arguments: [String]) async throws -> CommandRunner.Outcome {
        var runner = CommandRunner()
        runner.environment["DOCKER_CONFIG"] = getenv("DOCKER_CONFIG").map { String(cString: $0) } ?? folder + "/docker"
        runner.environment["HOME"] = folder
        return try await runner.run(["docker", "--host", "unix://\(engine.socket)"] + arguments)
    }

    /// Writes a file into a volume.
    func write(_ text: String, to path: String, in volume: Volume) throws {
        try demo.write("\(volume.mountpoint)/\(path)", text, mode: 0o644)
    }

    /// A file of a volume; nil if it is not there.
    func read(_ path: String, in volume: Volume) -> String? { try? demo.read("\(volume.mountpoint)/\(path)") }

    /// Names in a volume's own folder that a restore left there.
    func staging(of volume: Volume) throws -> [String] {
        let folder = volume.mountpoint.split(separator: "/").dropLast().joined(separator: "/")
        return try demo.names("/" + folder).filter { $0.hasPrefix(".holdfast-") }
    }
}

/// Looks every 20 ms until `condition` holds.
///
/// - Throws: when it still does not after 30 s.
func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    for _ in 0..<1500 {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    throw TestKitError(description: "waited in vain: \(what)")
}

// MARK: - A gpg that does as the test likes

extension EngineHost {
    /// This host with a `gpg` in front of the real one.
    ///
    /// - Parameters:
    ///   - script: shell lines that are run first; `$barrier` is a folder of the test.
    ///   - deed: the option of gpg with which it has to be called for that.
    func shimmed(_ script: String, when deed: String = "--encrypt") async throws -> EngineHost {
        let real = try await demo.shell("command -v gpg").split(separator: "\n").first ?? "gpg"
        try makeFolders(barrier)
        try demo.write(
            "shim/gpg",
            """
            #!/bin/sh
            barrier=\(barrier)
            case " $* " in *" \(deed) "*)
            \(script)
            esac
            exec \(real) "$@"

            """, mode: 0o755)
        var shimmed = self
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        shimmed.demo.holdfast.environment["PATH"] = "\(folder)/shim:\(path)"
        return shimmed
    }

    /// This host with a gpg that waits before it encrypts, until ``open()``: a backup stands still in the middle.
    func stuck() async throws -> EngineHost {
        try await shimmed(
            """
            : >$barrier/reached
            while [ ! -e $barrier/open ] && kill -0 $PPID 2>/dev/null; do sleep 0.02; done
            """)
    }

    /// Waits until it stands still.
    func reached() async throws { try await eventually("gpg is called") { demo.has("barrier/reached") } }

    /// Lets it go on.
    func open() throws { try demo.write("barrier/open", "") }

    private var barrier: String { folder + "/barrier" }
}

// MARK: - Containers

extension ContainerPlan {
    /// Counts its starts and stops, a line each, in `starts` of a folder of the host.
    mutating func countsStarts(in folder: String) {
        binds.append("\(folder):/count")
        command = [
            "sh", "-c",
            "echo start >>/count/starts; trap 'echo stop >>/count/starts; exit 0' TERM; while :; do sleep 0.2 & wait $!; done",
        ]
    }
}
