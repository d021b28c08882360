import Machine
import RestorePoints

/// What is known to have happened, whatever the program says of it.
struct Ledger {
    enum Making { case whole, torn, failed }

    /// How archives came about, by what they hold.
    var archives: [Digest: Making] = [:]
    /// Points that were seen under their names, with their manifests; nobody may change or remove them any more but by a decision.
    var points: [PointName: [UInt8]] = [:]
    /// Points whose removal was decided.
    var condemned: Set<PointName> = []
    /// Points at which a person laid hands.
    var touched: Set<PointName> = []
    /// The generation of the data that lives, and those that restores keep, oldest first.
    var live = 0
    var kept: [Int] = []
    /// The newest generation that there ever was.
    var newest = 0
    /// How many backups said that a point is made.
    var published = 0
}

/// A promise that was broken.
struct Broken: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
