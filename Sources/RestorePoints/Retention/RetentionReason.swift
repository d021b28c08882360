/// Why a point, or what it holds of one item, is kept or is not.
package enum RetentionReason: Hashable, Sendable {
    // Of an item, and keeping it.
    /// There is no newer whole copy: it stays, whatever the rules are and whether the item is still backed up or not.
    case newestCopy
    case rule(RetentionPolicy.Rule)
    /// Not whole, but there is no whole one and no newer one either.
    case onlyCopy

    // Of an item, and holding nothing.
    case superseded
    case torn
    case damaged
    case failed
    /// A person let go of the item.
    case forgotten

    // Of a whole point, and keeping it.
    case proven
    /// A restore from it can still be undone.
    case inUse
    /// A verification found something wrong in it: what that was is a person's to look at.
    case suspect
    case ahead
    case foreign(host: String)
    case unreadable(String)
    /// It says that it is this host's, but this host did not sign it.
    case unproven(String)

    // Of a whole point.
    case empty

    /// Whether it is a reason to keep.
    package var keeps: Bool {
        switch self {
        case .newestCopy, .rule, .onlyCopy, .proven, .inUse, .suspect, .ahead, .foreign, .unreadable, .unproven: true
        case .superseded, .torn, .damaged, .failed, .forgotten, .empty: false
        }
    }
}

extension RetentionReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .newestCopy: "newest whole copy"
        case .rule(let rule): "\(rule)"
        case .onlyCopy: "not whole, but there is no other"
        case .superseded: "no rule keeps it"
        case .torn: "torn, counts for nothing"
        case .damaged: "its file is gone, has another size or was found damaged, counts for nothing"
        case .failed: "failed, not in it"
        case .forgotten: "forgotten, by --forget"
        case .proven: "a drill proved it"
        case .suspect: "a verification found it damaged: look at it, then remove it by hand"
        case .inUse: "a restore from it is neither committed nor undone"
        case .ahead: "dated in the future: left alone"
        case .foreign(let host): "made by another host (\(host)): left alone"
        case .unreadable(let why): "its manifest or its signature cannot be read: left alone. \(why)"
        case .unproven(let why):
            "not signed by this host, counts for nothing: look at it, then remove it by hand. \(why)"
        case .empty: "nothing is in it"
        }
    }
}
