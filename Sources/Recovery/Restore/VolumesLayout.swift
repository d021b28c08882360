internal import Archives
internal import Machine
internal import RestorePoints

/// What an archive holds that is laid out as the engine's folder of volumes: `NAME/_data/…`, all below one folder, which is
/// the archive's own top or any other (`volumes`, `var/lib/docker/volumes`).
///
/// Entries are judged as they come, before anything is made of them: what belongs to no volume is refused.
struct VolumesLayout: Sendable {
    /// The folder of the archive that the volumes lie in.
    let prefix: RawPath
    private(set) var volumes: [String: Contents] = [:]
    /// What was passed over, in words.
    private(set) var notes: [String] = []

    /// What there is of one volume's data.
    struct Contents: Sendable {
        var entries: Int64 = 0
        var bytes: Int64 = 0

        /// Holes count as well, and a stranger may have claimed more of them than there are numbers for.
        mutating func add(_ entry: ListedEntry) {
            entries += 1
            bytes = (ByteCount(bytes) + entry.size).bytes
        }
    }

    private let depth: Int

    init(prefix: RawPath) {
        self.prefix = prefix
        depth = prefix.components.count
    }

    /// The volume that an entry's path leads to, and the folder of the archive that it lies in; nil if it leads to none.
    static func volume(of path: RawPath) -> (prefix: RawPath, name: String)? {
        let parts = path.components
        guard let index = parts.firstIndex(where: { $0.elementsEqual(dataName) }), index > 0 else { return nil }
        guard let name = volumeName(parts[index - 1]) else { return nil }
        return (RawPath(Array(parts[..<(index - 1)].joined(separator: [0x2f]))), name)
    }

    /// The name, if a volume can have it: nothing is made in the place of what is the engine's own.
    private static func volumeName(_ part: ArraySlice<UInt8>) -> String? {
        guard let name = String(validating: part, as: UTF8.self), Item.isName(name), !ofTheEngine.contains(name) else {
            return nil
        }
        return name
    }

    /// The names of volumes that have data, sorted.
    var names: [String] { volumes.filter { $0.value.entries > 0 }.keys.sorted() }

    /// How the archive is to be read: what the engine keeps for itself beside the volumes is passed over, and no link leads out
    /// of its volume.
    func policy(_ allowed: ArchiveFile.Allowed) -> ForeignPolicy {
        var policy = ForeignPolicy(allowed)
        policy.ignored = Self.ofTheEngine.map { prefix.appending(RawPath($0)) }
        // The volume's own folder, and its data.
        policy.rootDepth = depth + 2
        return policy
    }

    /// Counts an entry.
    ///
    /// - Throws: when it belongs to no volume.
    mutating func take(_ entry: ListedEntry) throws {
        let parts = entry.path.components.filter { !$0.elementsEqual([0x2e]) }
        let isAbove = parts.count <= depth && prefix.components.starts(with: parts, by: ==)
        if isAbove, entry.kind == "directory" { return }
        guard parts.count > depth, parts.starts(with: prefix.components, by: ==),
            let name = Self.volumeName(parts[depth])
        else { throw stray(entry) }
        if parts.count == depth + 1 {
            guard entry.kind == "directory" else { throw stray(entry) }
            volumes[name, default: Contents()].entries += 0
            return
        }
        let below = parts[depth + 1]
        guard below.elementsEqual(Self.dataName) else { return try passOver(entry, name, RawPath(Array(below))) }
        if parts.count == depth + 2, entry.kind != "directory" { throw stray(entry) }
        if entry.kind == "hardlink", let link = entry.link {
            guard link.components.starts(with: parts.prefix(depth + 2), by: ==) else { throw stray(entry) }
        }
        volumes[name, default: Contents()].add(entry)
    }

    private mutating func passOver(_ entry: ListedEntry, _ volume: String, _ below: RawPath) throws {
        if below == RawPath("opts.json") {
            throw RecoveryError.failed(
                "mounted-volume", "The volume \(volume) had mount options when the archive was made.",
                place: entry.path.description,
                remedy: "Restore into a folder with --to DIR, make the volumes, then copy what you need.")
        }
        guard below.bytes.starts(with: ".holdfast-".utf8) else { throw stray(entry) }
        let note = "\(volume)/\(below) is what a restore had left there: it is passed over"
        if !notes.contains(note) { notes.append(note) }
    }

    private func stray(_ entry: ListedEntry) -> RecoveryError {
        RecoveryError.failed(
            "no-volumes-archive",
            "It is not laid out as volumes are, NAME/_data: it holds a \(entry.kind) beside them.",
            place: entry.path.description, remedy: "Restore into a folder with --to DIR, then copy what you need.")
    }

    private static let dataName = Array("_data".utf8)
    /// What dockerd keeps in the folder of its volumes.
    private static let ofTheEngine = ["backingFsBlockDev", "metadata.db"]
}

extension ForeignPolicy {
    /// What the person allows.
    init(_ allowed: ArchiveFile.Allowed) {
        self.init()
        allowDevices = allowed.devices
        allowSetID = allowed.setID
        allowEscapingLinks = allowed.linksOut
    }
}
