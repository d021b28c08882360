import Docker
import Glibc
import Machine
import OpenPGP
import Recovery
import RestorePoints
import Settings
import Synchronization
import TestKit

/// A host for one test: folders of its own, no engine, a clock that stands still, and what it was told.
struct TestSite: Sendable {
    let folder: String
    let told = Told()

    var state: StateFolder { StateFolder(folder + "/state") }
    var backups: String { folder + "/backups" }
    var volumes: String { folder + "/volumes" }
    var runs: String { state.path + "/runs" }
    var restores: String { state.path + "/restores" }

    /// What it is now on this host.
    static let now = Timestamp(seconds: 1_766_286_000)

    /// The site, with these folders under `backup.files`.
    func site(files: [Settings.FilesSource] = [], volumesRoot: String? = nil, at now: Timestamp = TestSite.now) -> Site
    {
        let backup = Settings.Backup(
            directory: backups, volumes: Settings.Volumes(root: volumesRoot), files: files)
        let told = told
        return Site(
            settings: Settings(backup: backup, state: state.path, file: folder + "/holdfast.yml"), recipients: [],
            engine: .absent(RecoveryError.failed("no-engine", "There is no engine in this test.")),
            keyring: Keyring(home: folder + "/ring"), state: state, clock: StandingClock(moment: now), version: "test",
            report: { told.add($0) })
    }

    /// Takes the lock, as every command does first.
    func lock(_ command: String = "test") async throws -> (HeldLock, putRight: [String]) {
        try await HeldLock.take(for: command, site())
    }

    /// Makes a folder below the host's, with one file in it.
    @discardableResult
    func make(_ path: String, holding text: String) throws -> UInt64 {
        let whole = "\(folder)/\(path)"
        try makeFolders(whole)
        try Descriptor.folder(whole).publish("file", Array(text.utf8), replacing: true)
        return UInt64(try Descriptor.folder(whole).status().st_ino)
    }

    /// What the one file of such a folder holds; nil if the folder is not there.
    func text(_ path: String) -> String? { try? read("\(path)/file") }

    /// Reads a file, by its path below the host's folder.
    func read(_ path: String) throws -> String {
        String(decoding: try Descriptor.open("\(folder)/\(path)", O_RDONLY).readAll(limit: 1 << 20), as: UTF8.self)
    }

    /// Writes a file, by its path below the host's folder.
    func write(_ path: String, _ text: String) throws {
        try makeFolders(parent(of: "\(folder)/\(path)"))
        let file = try Descriptor.open("\(folder)/\(path)", O_WRONLY | O_CREAT | O_TRUNC)
        try file.write(text)
    }

    func has(_ path: String) -> Bool { access("\(folder)/\(path)", F_OK) == 0 }

    private func parent(of path: String) -> String { String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) }
}

/// A host that is there for one test.
func withTestSite<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: (TestSite) async throws -> Result
) async throws -> Result {
    try await withTemporaryFolder { folder in
        for name in ["state", "backups", "volumes"] { try makeFolders("\(folder)/\(name)") }
        return try await body(TestSite(folder: folder))
    }
}

/// Says the same for ever.
struct StandingClock: WallClock {
    var moment = TestSite.now

    func now() -> Timestamp { moment }
}

/// Keeps the lines and warnings that a use case reports.
final class Told: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ event: Event) {
        switch event {
        case .line(let text): lines.withLock { $0.append(text) }
        case .warning(let text): lines.withLock { $0.append("! " + text) }
        case .began, .ended: break
        }
    }

    var all: [String] { lines.withLock { $0 } }
}
