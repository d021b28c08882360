import Archives
import Docker
import Glibc
import Machine
import OpenPGP
import Recovery
import RestorePoints
import Settings
import TestKit

/// The simulated host: its disk, its engine, its clock, and what is known to have happened on it.
///
/// - Note: `@unchecked Sendable`: a history is played by one task, which does one thing at a time.
final class Host: @unchecked Sendable {
    let disk = SimulatedDisk()
    let engine = SimulatedEngine()
    var ledger = Ledger()
    var now = Timestamp(seconds: 1_766_286_000)
    var random: SeededRandom
    /// The process that has the lock, once that is so for certain.
    var holder: SimulatedProcess?
    /// Manifests that were read already.
    var manifests: [[UInt8]: Manifest] = [:]
    /// Their signatures.
    var signatures: [[UInt8]: [UInt8]] = [:]
    private var archives = 0
    private let unrest: Int
    /// What was found broken where nothing could be thrown.
    var broken: Broken?

    static let state = "/simulated/state"
    static let backups = "/simulated/backups"
    static let volumes = "/simulated/volumes"
    static let volumeNames = ["a", "b"]
    static let id = "0123456789abcdef0123456789abcdef"

    init(_ random: SeededRandom) {
        self.random = random
        unrest = [0, 1, 3, 6].randomElement(using: &self.random) ?? 0
        disk.lay(Self.backups)
        disk.lay(Self.state + "/host.json", #"{"id":"\#(Self.id)","made":"2025-12-01T00:00:00Z"}"#)
        disk.lay(Self.state + "/signing/host-key.public.asc", HostSigner.shared.publicKeyFile)
        disk.lay("/simulated/archive.tar", "an archive")
        for name in Self.volumeNames { disk.lay("\(Self.volumes)/\(name)/_data/file", Self.text(0, name)) }
    }

    /// What a volume's file holds in a generation.
    static func text(_ generation: Int, _ volume: String) -> String { "generation \(generation) of \(volume)" }

    /// The generation of a volume's data; nil if it is not there, or not whole.
    func generation(_ folder: String, _ volume: String) -> Int? {
        guard let text = disk.text("\(Self.volumes)/\(volume)/\(folder)/file") else { return nil }
        let words = text.split(separator: " ")
        guard words.count == 4, let number = Int(words[1]), Self.text(number, volume) == text else { return nil }
        return number
    }

    /// A number that no other archive has.
    func serial() -> Int {
        archives += 1
        return archives
    }

    func chance(_ one: Int, in all: Int) -> Bool { Int.random(in: 0..<all, using: &random) < one }

    /// Whether a tree changes while it is read; on some hosts they often do.
    func isShrinking() -> Bool { chance(unrest, in: 8) }

    /// Nothing is done that is not on record.
    func requireRecord() {
        guard let runs = disk.look(Self.state + "/runs", durably: true),
            runs.durableEntries.values.contains(where: { $0.lockedBy != nil && $0.durable != nil })
        else {
            broken = broken ?? Broken("a backup is made that is not on record")
            return
        }
    }

    func site(_ engine: Engine) -> Site {
        let backup = Settings.Backup(directory: Self.backups, retention: Settings.Retention(last: 2))
        return Site(
            settings: Settings(backup: backup, state: Self.state, file: "/simulated/holdfast.yml"), recipients: [],
            engine: .reachable(engine), keyring: Keyring(home: "/simulated/ring"), state: StateFolder(Self.state),
            clock: HostClock(host: self), version: "test", report: { _ in })
    }

    func plan() -> BackupPlan {
        let items = Self.volumeNames.enumerated().map { index, name in
            let container = engine.containers[index]
            return PlannedItem(
                item: Item(.volume, name), path: "\(Self.volumes)/\(name)/_data",
                still: [.init(id: container.id, name: container.name, mode: index == 0 ? .stop : .pause)])
        }
        return BackupPlan(directory: Self.backups, compression: .zstd(level: 1), recipients: [], lanes: [items])
    }
}

/// The host's clock, which jumps at times.
private struct HostClock: WallClock {
    let host: Host

    func now() -> Timestamp { host.now }
}
