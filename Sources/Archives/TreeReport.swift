package import Machine

/// What came of adding one tree to an archive.
package struct TreeReport: Sendable {
    /// Entries with a tar member.
    package var entries: Int64 = 0
    /// Bytes of data stored, holes not counted.
    package var bytes: Int64 = 0
    /// Grew while they were read; stored to their length at open: whole.
    package internal(set) var grew = PathList()
    /// Shrank while they were read, and again on the second try, or vanished after they had been listed.
    package var torn = PathList()
    /// Sockets: have no content, are not in the archive.
    package internal(set) var sockets = PathList()
    /// Folders where another file system is mounted: stored themselves, not entered.
    package internal(set) var mounts = PathList()

    package var isTorn: Bool { torn.count > 0 }

    package init() {}
}

/// Some paths, for a report: how many there were, and the first of them.
package struct PathList: Sendable, Equatable {
    /// How many ``first`` holds at most.
    package static let limit = 20

    package private(set) var count = 0
    package private(set) var first: [RawPath] = []

    package init() {}

    package mutating func add(_ path: RawPath) {
        count += 1
        if first.count < Self.limit { first.append(path) }
    }
}
