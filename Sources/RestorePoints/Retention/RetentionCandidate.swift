import Glibc
package import Machine

/// A point as retention sees it: whose it is, what it holds of each item, and nothing of when its files were touched.
package struct RetentionCandidate: Sendable {
    package let name: PointName
    package let content: Content

    package enum Content: Sendable {
        /// This host's own.
        case ours([Item: Copy], previous: PointName?)
        /// Made by another host, whose id is given.
        case foreign(host: String)
        /// Its manifest or its signature cannot be read, and why.
        case unreadable(String)
        /// It says that it is this host's, but this host's signature is not there, and why.
        case unproven(String)
    }

    /// What a point holds of one item.
    package struct Copy: Sendable, Equatable {
        package enum State: Sendable {
            case whole
            case torn
            /// Whole when it was written; now its file is gone, has another size, or was found damaged.
            case damaged
            /// Not in the point.
            case failed
        }

        package let state: State
        package let entries: Int64
        package let bytes: Int64

        package init(_ state: State, entries: Int64 = 0, bytes: Int64 = 0) {
            self.state = state
            self.entries = entries
            self.bytes = bytes
        }
    }

    package init(name: PointName, content: Content) {
        self.name = name
        self.content = content
    }

    /// Looks at a point of the catalog, and at the sizes of its files.
    ///
    /// - Parameters:
    ///   - host: the id of this host; nil if it has none, so that no point is its own.
    ///   - refusal: why the manifest's signature is not this host's; see ``Provenance``.
    ///   - obstacle: why it could not be read.
    ///   - isSpoilt: whether a file of a point is known to be no good.
    package init(
        _ point: Catalog.Point, host: String?, refusal: String? = nil, obstacle: String? = nil,
        isSpoilt: (String, Manifest) -> Bool = { _, _ in false }
    ) {
        name = point.name
        switch point.manifest {
        case .failure(let error): content = .unreadable(error.what)
        case .success(let manifest) where manifest.host != host: content = .foreign(host: manifest.host)
        case .success where obstacle != nil: content = .unreadable(obstacle ?? "")
        case .success where refusal != nil: content = .unproven(refusal ?? "")
        case .success(let manifest):
            var copies: [Item: Copy] = [:]
            for record in manifest.items {
                let archive = record.archive.flatMap(manifest.archive(named:))
                let isThere =
                    archive.map { Self.isThere($0, in: point.path) && !isSpoilt($0.file, manifest) } ?? false
                let state: Copy.State
                switch record.outcome {
                case .failed: state = .failed
                case .whole: state = isThere ? .whole : .damaged
                case .torn: state = isThere ? .torn : .damaged
                }
                copies[record.item] = Copy(state, entries: record.entries, bytes: record.bytes)
            }
            content = .ours(copies, previous: manifest.previous?.point)
        }
    }

    /// Whether it says of itself that it was made later than now; a few minutes are no matter.
    package func isAhead(of now: Timestamp) -> Bool { name.moment.since(now) > Self.tolerance }

    /// What it holds of each item; nothing where it is not this host's own work, or cannot be read.
    package var copies: [Item: Copy] {
        guard case .ours(let copies, _) = content else { return [:] }
        return copies
    }

    /// What counts when rules are applied: the copies of a point of this host that is not in the future.
    func copies(at now: Timestamp) -> [Item: Copy] { isAhead(of: now) ? [:] : copies }

    private static func isThere(_ archive: Manifest.Archive, in path: String) -> Bool {
        guard let status = Descriptor.status(at: "\(path)/\(archive.file)") else { return false }
        return status.st_mode & S_IFMT == S_IFREG && Int64(status.st_size) == archive.size
    }

    /// Seconds that a clock may be put back, or a name be moved on, without that meaning anything.
    private static let tolerance = 300.0
}
