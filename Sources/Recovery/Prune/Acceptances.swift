import Glibc
internal import Machine
package import RestorePoints

/// What a person was asked about before points were removed, and accepted: asked once, not every night.
/// `docs/formats/state.md`, `retention.json`.
package struct Acceptances: Codable, Sendable, Equatable {
    /// By item, the first point after the newest drop that is known.
    package var drops: [String: PointName] = [:]
    /// Points by which a jump of the clock is known: those that were dated in the future, those before a gap.
    package var jumps: [PointName] = []
    /// Paths of older archives that are known to be so much smaller than the ones before them; nil: none was accepted.
    package var archives: [String]?

    /// Reads what a state folder has; nothing where there is none yet.
    package static func read(in state: StateFolder) throws -> Acceptances {
        do {
            let file = try Descriptor.open("\(state.path)/\(fileName)", O_RDONLY | O_NOFOLLOW)
            return try JSON.read(Acceptances.self, try file.readAll(limit: 16 << 20), place: file.path)
        } catch let error as MachineError where error.errno == ENOENT {
            return Acceptances()
        }
    }

    /// Writes it down, durably.
    func write(in state: StateFolder) throws {
        try state.open().publish(Self.fileName, try JSON.write(self), replacing: true)
    }

    mutating func accept(_ drop: SuddenDrop) { drops[drop.item.description] = drop.after }

    mutating func accept(_ drop: LegacyDrop) { archives = ((archives ?? []) + [drop.after.path]).sorted() }

    mutating func accept(_ jump: ClockJump) {
        if !knows(jump) { jumps = (jumps + [jump.point]).sorted() }
    }

    func knows(_ drop: LegacyDrop) -> Bool { archives?.contains(drop.after.path) == true }

    func knows(_ jump: ClockJump) -> Bool { jumps.contains(jump.point) }

    /// Drops by item, as ``SuddenDrop`` asks for them.
    var knownDrops: [Item: PointName] {
        var known: [Item: PointName] = [:]
        for (text, point) in drops { if let item = Item(text) { known[item] = point } }
        return known
    }

    private static let fileName = "retention.json"
}
