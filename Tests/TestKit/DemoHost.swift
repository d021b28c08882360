package import Glibc
internal import Machine
internal import OpenPGP

/// A small host without an engine, all of it below one short folder: volumes, a compose project, keys, configuration, state.
///
///     volumes/n8n_data/_data/   volumes/web_data/_data/   compose/      what is backed up
///     ring/                     the host's keyring: public halves only
///     backups/   state/   holdfast.yml
///     stick/private.asc         the owner's, off the host
package struct DemoHost: Sendable {
    /// Where all of it lies.
    package let folder: String
    package let keys: DemoKeys
    /// Runs `holdfast` on this host.
    package var holdfast: CommandRunner

    package var backups: String { folder + "/backups" }
    package var state: String { folder + "/state" }
    package var volumes: String { folder + "/volumes" }
    package var ring: String { folder + "/ring" }
    package var config: String { folder + "/holdfast.yml" }
    package var privateKey: String { folder + "/stick/private.asc" }

    /// Where a volume's data lies.
    package func data(_ volume: String = "n8n_data") -> String { "\(volumes)/\(volume)/_data" }

    init(folder: String, keys: DemoKeys) {
        self.folder = folder
        self.keys = keys
        holdfast = CommandRunner(
            environment: [
                "HOLDFAST_CONFIG": folder + "/holdfast.yml", "GNUPGHOME": folder + "/user", "HOME": folder + "/home",
            ], folder: folder)
    }
}

/// How far a demo host is before the test begins.
package enum DemoStage: Sendable {
    /// Data, configuration and signing key; no restore point yet.
    case ready
    /// Two restore points of everything; between them, and after the second, the data has changed.
    case backedUp
}

/// A host for one test, gone afterwards. At most a few are there at a time, so that a suite does not start two hundred
/// processes at once.
///
/// - Parameter queues: false for a host that stays for so long that others would wait for it in vain.
package func withDemoHost<Result: Sendable>(
    _ stage: DemoStage = .ready, queues: Bool = true, isolation: isolated (any Actor)? = #isolation,
    _ change: (inout DemoConfiguration) -> Void = { _ in }, _ body: (DemoHost) async throws -> Result
) async throws -> Result {
    let template = try await DemoTemplates.shared.folder(stage)
    let keys = try await DemoTemplates.shared.keys()
    if queues { await Gate.shared.enter() }
    do {
        let result = try await withTemporaryFolder { folder in
            let host = DemoHost(folder: folder, keys: keys)
            try await host.shell("cp -a \(template)/. \(folder)/")
            try host.configure(change)
            return try await body(host)
        }
        if queues { await Gate.shared.leave() }
        return result
    } catch {
        if queues { await Gate.shared.leave() }
        throw error
    }
}

// MARK: - Configuration

/// What a demo host's `holdfast.yml` says.
package struct DemoConfiguration {
    package var directory: String
    package var state: String
    package var recipients: [String]
    /// Nil: the user's own keyring, `user/`.
    package var keyring: String?
    package var compression = "zstd"
    package var volumesRoot: String?
    package var include = ["*"]
    package var exclude: [String] = []
    package var allowEmpty: [String] = []
    /// More lines of `backup.volumes`: `max_downtime: 1s`.
    package var volumes: [String] = []
    package var files: [(name: String, path: String)]
    /// Entries of `backup.databases`, each as the file has it after its dash.
    package var databases: [String] = []
    /// More lines of the `backup` section: `retention: { keep_last: 3 }`.
    package var backup: [String] = []
    package var dockerSocket = "/nowhere/docker.sock"
    /// Lines put at the end as they are.
    package var more = ""

    init(_ host: DemoHost) {
        directory = host.backups
        state = host.state
        recipients = [host.keys.owner.fingerprint.description]
        keyring = host.ring
        volumesRoot = host.volumes
        files = [("compose", host.folder + "/compose")]
    }

    var yaml: String {
        func list(_ words: [String]) -> String { "[" + words.map { "\"\($0)\"" }.joined(separator: ", ") + "]" }
        var lines = ["backup:", "  directory: \(directory)", "  encryption:", "    recipients: \(list(recipients))"]
        if let keyring { lines.append("    keyring: \(keyring)") }
        lines += ["  compression: \(compression)", "  volumes:", "    include: \(list(include))"]
        if let volumesRoot { lines.append("    root: \(volumesRoot)") }
        lines += ["    exclude: \(list(exclude))", "    allow_empty: \(list(allowEmpty))"]
        lines += volumes.map { "    " + $0 }
        if !files.isEmpty { lines.append("  files:") }
        for file in files { lines.append("    - { name: \(file.name), path: \"\(file.path)\" }") }
        if !databases.isEmpty { lines.append("  databases:") }
        lines += databases.map { "    - " + $0 }
        lines += backup.map { "  " + $0 }
        lines += ["docker: { socket: \"\(dockerSocket)\" }", "state: \(state)", more]
        return lines.joined(separator: "\n") + "\n"
    }
}

extension DemoHost {
    /// Writes `holdfast.yml` anew; `change` says how it differs from the usual one.
    package func configure(_ change: (inout DemoConfiguration) -> Void = { _ in }) throws {
        var configuration = DemoConfiguration(self)
        change(&configuration)
        try write("holdfast.yml", configuration.yaml)
    }
}

// MARK: - What tests do on it

extension DemoHost {
    /// Backs up, and expects that to go well.
    ///
    /// - Returns: the name of the new point.
    @discardableResult
    package func backup(_ arguments: String...) async throws -> String {
        let outcome = try await holdfast.run([CommandRunner.binary, "backup", "--json"] + arguments)
        guard outcome.status == 0, let point = try outcome.json()["point"].string else {
            throw TestKitError(description: "the backup failed: \(outcome)")
        }
        return point
    }

    /// Restores without a question, and expects nothing of how that goes.
    package func restore(_ arguments: String...) async throws -> CommandRunner.Outcome {
        try await holdfast.run([CommandRunner.binary, "restore"] + arguments + ["--yes", "--key", privateKey])
    }

    /// Names of the published points, oldest first.
    package func points() throws -> [String] { try names("backups").filter { $0.hasSuffix("Z") } }

    /// A file of a point, by the item it holds.
    package func archive(_ item: String = "volume.n8n_data", of point: String) -> String {
        "\(backups)/\(point)/\(item).tar.zst.gpg"
    }

    /// Everything below the host's folder that nobody has finished, or that belongs to a restore: `.partial`, staging.
    package func leftovers() throws -> [String] {
        try find().filter { path in
            let name = path.split(separator: "/").last ?? ""
            return name.hasSuffix(".partial") || name.hasPrefix(".holdfast-")
        }
    }

    /// What `journal.jsonl` still owes; empty when all is well.
    package var journal: String { (try? read("state/journal.jsonl")) ?? "" }

    /// Runs a shell script in the host's folder, and expects it to go well.
    @discardableResult
    package func shell(_ script: String, input: [UInt8] = []) async throws -> String {
        let outcome = try await tools.run(["bash", "-c", "set -e -o pipefail\n" + script], input: input)
        guard outcome.status == 0 else { throw TestKitError(description: "\(script)\n\(outcome)") }
        return outcome.output
    }

    /// Runs programs that are not `holdfast`, with the owner's keyring as GNUPGHOME.
    package var tools: CommandRunner {
        var tools = holdfast
        tools.environment["GNUPGHOME"] = folder + "/owner"
        return tools
    }

    /// Takes private keys into the owner's keyring, `owner/`, for stock gpg; `body` runs with its agent.
    @discardableResult
    package func withOwner<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async throws -> Result {
        try await shell("gpg --batch -q --import stick/private.asc")
        do {
            let result = try await body()
            try await shell("gpgconf --homedir \(folder)/owner --kill all")
            return result
        } catch {
            try await shell("gpgconf --homedir \(folder)/owner --kill all")
            throw error
        }
    }
}

// MARK: - Files

extension DemoHost {
    /// Paths in these are below the host's folder, unless they begin with a slash.
    package func path(_ path: String) -> String { path.hasPrefix("/") ? path : "\(folder)/\(path)" }

    /// Writes a file and the folders above it.
    package func write(_ path: String, _ text: String, mode: mode_t = 0o600) throws {
        try write(path, Array(text.utf8), mode: mode)
    }

    package func write(_ path: String, _ bytes: [UInt8], mode: mode_t = 0o600) throws {
        let whole = self.path(path)
        try makeFolders(whole.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/"))
        let file = try Descriptor.open(whole, O_WRONLY | O_CREAT | O_TRUNC)
        try file.write(bytes)
        guard fchmod(file.raw, mode) == 0 else { throw MachineError.call("chmod", whole) }
    }

    package func read(_ path: String) throws -> String { String(decoding: try bytes(path), as: UTF8.self) }

    package func bytes(_ path: String) throws -> [UInt8] {
        try Descriptor.open(self.path(path), O_RDONLY).readAll(limit: 1 << 30)
    }

    package func names(_ path: String) throws -> [String] { try Descriptor.folder(self.path(path)).names() }

    package func has(_ path: String) -> Bool { access(self.path(path), F_OK) == 0 }

    package func remove(_ path: String) throws {
        let whole = self.path(path)
        let slash = whole.lastIndex(of: "/") ?? whole.startIndex
        try Descriptor.open(String(whole[..<slash]), O_RDONLY | O_DIRECTORY).removeTree(
            String(whole[slash...].dropFirst()))
    }

    package func status(_ path: String) throws -> stat {
        var status = stat()
        guard lstat(self.path(path), &status) == 0 else { throw MachineError.call("look at", path) }
        return status
    }

    /// All paths below `path`, seen from the host's folder, links not followed.
    package func find(_ path: String = "") throws -> [String] {
        var found: [String] = []
        for name in try names(path.isEmpty ? folder : path) {
            let below = path.isEmpty ? name : "\(path)/\(name)"
            found.append(below)
            // Names that are no UTF-8, and paths longer than the kernel takes, are not followed.
            if let status = try? status(below), status.st_mode & S_IFMT == S_IFDIR { found += try find(below) }
        }
        return found
    }

    /// What lies in a folder, to be compared.
    package func snapshot(_ path: String) throws -> TreeSnapshot { try TreeSnapshot(of: self.path(path)) }
}

// MARK: - What all hosts of a process are copied from

/// Keys of every kind, made once: making them is the slowest part of a test.
package struct DemoKeys: Sendable {
    package let owner: ThrowAwayKeys.Key
    package let other: ThrowAwayKeys.Key
    package let expired: ThrowAwayKeys.Key
    package let revoked: ThrowAwayKeys.Key
    package let signOnly: ThrowAwayKeys.Key
    /// Two keys with the address `twin@example.org`.
    package let twins: [ThrowAwayKeys.Key]
    /// Its private half needs ``passphrase``.
    package let locked: ThrowAwayKeys.Key

    package static let passphrase = "correct horse battery staple"

    /// Makes them; the host's keyring is copied to `ring`.
    fileprivate init(ring: String) async throws {
        self = try await withKeyring { maker in
            let keys = DemoKeys(
                owner: try await maker.make(),
                other: try await maker.make(userID: "Other <other@example.org>"),
                expired: try await maker.make(.expired, userID: "Expired <expired@example.org>"),
                revoked: try await maker.make(.revoked, userID: "Revoked <revoked@example.org>"),
                signOnly: try await maker.make(.signOnly, userID: "Signer <signer@example.org>"),
                twins: [
                    try await maker.make(userID: "Twin One <twin@example.org>"),
                    try await maker.make(userID: "Twin Two <twin@example.org>"),
                ],
                locked: try await maker.make(userID: "Locked <locked@example.org>", passphrase: Self.passphrase))
            let copied = try await CommandRunner().run([
                "bash", "-c", "mkdir -m 700 \(ring) && cp \(maker.folder)/host/*.kbx \(ring)/",
            ])
            guard copied.status == 0 else { throw TestKitError(description: "no keyring: \(copied)") }
            return keys
        }
    }

    private init(
        owner: ThrowAwayKeys.Key, other: ThrowAwayKeys.Key, expired: ThrowAwayKeys.Key, revoked: ThrowAwayKeys.Key,
        signOnly: ThrowAwayKeys.Key, twins: [ThrowAwayKeys.Key], locked: ThrowAwayKeys.Key
    ) {
        self.owner = owner
        self.other = other
        self.expired = expired
        self.revoked = revoked
        self.signOnly = signOnly
        self.twins = twins
        self.locked = locked
    }
}

/// Folders that hosts are copied from; gone when the process ends.
private actor DemoTemplates {
    static let shared = DemoTemplates()

    private var making: [DemoStage: Task<String, any Error>] = [:]
    private var makingKeys: Task<DemoKeys, any Error>?
    private var root: String?

    func folder(_ stage: DemoStage) async throws -> String {
        if let task = making[stage] { return try await task.value }
        let keys = try await self.keys()
        let path = "\(try rootFolder())/\(stage)"
        if let task = making[stage] { return try await task.value }
        let task = Task {
            let host = DemoHost(folder: path, keys: keys)
            switch stage {
            case .ready: try await Self.makeReady(host, ring: try rootFolder() + "/ring")
            case .backedUp: try await Self.backUp(host, from: try await folder(.ready))
            }
            return path
        }
        making[stage] = task
        return try await task.value
    }

    func keys() async throws -> DemoKeys {
        if let makingKeys { return try await makingKeys.value }
        let ring = try rootFolder() + "/ring"
        let task = Task { try await DemoKeys(ring: ring) }
        makingKeys = task
        return try await task.value
    }

    private func rootFolder() throws -> String {
        if let root { return root }
        var template = Array("/tmp/hf-kit-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw MachineError.call("make a folder", "/tmp") }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        root = path
        rootToRemove = path
        atexit { try? Descriptor.folder("/tmp").removeTree(String(rootToRemove.dropFirst("/tmp/".count))) }
        return path
    }

    private static func makeReady(_ host: DemoHost, ring: String) async throws {
        try makeFolders(host.folder)
        try makeFolders(host.folder + "/home")
        try makeFolders(host.folder + "/user")
        try makeFolders(host.folder + "/owner")
        try await host.shell("cp -a \(ring) ring")
        try host.write("stick/private.asc", host.keys.owner.secret)
        try host.write("volumes/n8n_data/_data/config.json", "{\"encryptionKey\": \"first\"}\n", mode: 0o640)
        try host.write("volumes/n8n_data/_data/nodes/deep/module.js", String(repeating: "module\n", count: 20_000))
        try host.write("volumes/web_data/_data/index.html", "<h1>first</h1>\n", mode: 0o644)
        try host.write("compose/docker-compose.yml", "services: {}\n")
        try host.write("compose/.env", "PASSWORD=first\n")
        try host.configure()
        let made = try await host.holdfast("init", "--signing-key-only", "--config", host.config)
        guard made.status == 0 else { throw TestKitError(description: "init failed: \(made)") }
    }

    private static func backUp(_ host: DemoHost, from ready: String) async throws {
        try makeFolders(host.folder)
        try await host.shell("cp -a \(ready)/. ./")
        try host.configure()
        try await host.backup()
        try host.write("volumes/n8n_data/_data/config.json", "{\"encryptionKey\": \"second\"}\n", mode: 0o640)
        try host.write("volumes/n8n_data/_data/new", "since the first point\n")
        try host.write("compose/.env", "PASSWORD=second\n")
        try await host.backup()
        try host.write("volumes/n8n_data/_data/config.json", "{\"encryptionKey\": \"third\"}\n", mode: 0o640)
        try host.write("volumes/n8n_data/_data/unsaved", "in no point\n")
        try host.write("compose/.env", "PASSWORD=third\n")
    }
}

// Written once, before the handler that reads it is set.
nonisolated(unsafe) private var rootToRemove = ""

/// Lets a few in at a time.
private actor Gate {
    static let shared = Gate(places: availableCores() + 2)

    private var places: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int) { self.places = places }

    func enter() async {
        if places > 0 {
            places -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func leave() {
        if waiting.isEmpty { places += 1 } else { waiting.removeFirst().resume() }
    }
}

extension ThrowAwayKeys.Key {
    /// The fingerprint's 40 digits.
    package var digits: String { fingerprint.description }
    /// The id by which packets name the key that was encrypted to.
    package var packetID: String { "\(keyID)" }
}
