import Glibc
import TestKit

/// A file or folder of the simulated disk, as programs see it and as it stands on the platter.
final class Inode {
    let number: UInt64
    let isFolder: Bool
    /// The name that it had last, for traces.
    var name: String
    weak var parent: Inode?

    // Of a file.
    /// What programs read.
    var bytes: [UInt8] = []
    /// What was synchronised last; nil: never.
    var durable: [UInt8]?
    var isDirty = false
    /// Who has it locked: the number of an open file.
    var lockedBy: Int?

    // Of a folder.
    /// What programs list.
    var entries: [String: Inode] = [:]
    /// The names that are there after a power cut for certain.
    var durableEntries: [String: Inode] = [:]

    init(_ number: UInt64, folder: Bool, name: String, in parent: Inode?) {
        self.number = number
        isFolder = folder
        self.name = name
        self.parent = parent
    }
}

/// What a power cut leaves of that which was not synchronised.
enum PowerCut: CaseIterable {
    /// Nothing.
    case nothing
    /// All that was done up to some moment, and nothing later; as file systems with a journal do it.
    case prefix
    /// Any of it, in any order: what POSIX leaves open.
    case anything
}

/// A disk in memory that tells what was written from what would survive a power cut; `docs/simulator.md`.
final class SimulatedDisk {
    private(set) var root: Inode
    private var nextNumber: UInt64 = 2
    /// What was done to names and is not synchronised, oldest first.
    private var pending: [Change] = []

    /// One deed, which happens whole or not at all: what each name stands for afterwards.
    private struct Change {
        var names: [(folder: Inode, name: String, inode: Inode?)]
    }

    init() { root = Inode(1, folder: true, name: "", in: nil) }

    func make(folder: Bool, _ name: String, in parent: Inode) -> Inode {
        let inode = Inode(nextNumber, folder: folder, name: name, in: parent)
        nextNumber += 1
        set([(parent, name, inode)])
        return inode
    }

    /// Lets names stand for something else, in one step.
    func set(_ names: [(folder: Inode, name: String, inode: Inode?)]) {
        for (folder, name, inode) in names {
            folder.entries[name] = inode
            guard let inode else { continue }
            inode.name = name
            inode.parent = folder
        }
        pending.append(Change(names: names))
    }

    /// What `fsync` promises: of a file its bytes, of a folder its names; never a file's name.
    func synchronize(_ inode: Inode) {
        guard inode.isFolder else {
            inode.durable = inode.bytes
            inode.isDirty = false
            return
        }
        var rest: [Change] = []
        for change in pending {
            if change.names.contains(where: { $0.folder === inode }) { apply(change) } else { rest.append(change) }
        }
        pending = rest
    }

    func synchronizeAll() {
        pending.forEach(apply)
        pending = []
        func visit(_ inode: Inode) {
            if !inode.isFolder { synchronize(inode) }
            inode.entries.values.forEach(visit)
        }
        visit(root)
    }

    private func apply(_ change: Change) {
        for (folder, name, inode) in change.names { folder.durableEntries[name] = inode }
    }

    /// The power goes: what is left is what programs see from now on.
    func cutPower(_ cut: PowerCut, _ random: inout SeededRandom) {
        switch cut {
        case .nothing: break
        case .prefix: pending.prefix(Int.random(in: 0...pending.count, using: &random)).forEach(apply)
        case .anything: for change in pending where Bool.random(using: &random) { apply(change) }
        }
        pending = []
        leave(root, cut, &random)
    }

    private func leave(_ inode: Inode, _ cut: PowerCut, _ random: inout SeededRandom) {
        inode.lockedBy = nil
        guard inode.isFolder else {
            if inode.isDirty || inode.durable == nil {
                inode.bytes = Self.rest(of: inode, cut, &random)
                inode.durable = inode.bytes
                inode.isDirty = false
            }
            return
        }
        inode.entries = inode.durableEntries
        for (name, below) in inode.entries.sorted(by: { $0.key < $1.key }) {
            below.name = name
            below.parent = inode
            leave(below, cut, &random)
        }
    }

    /// What is left of a file with bytes that were not synchronised: its length is the old, the new or one between; each block is the
    /// old, the new, or, where there was none, zeros.
    private static func rest(of inode: Inode, _ cut: PowerCut, _ random: inout SeededRandom) -> [UInt8] {
        let (old, new) = (inode.durable ?? [], inode.bytes)
        if cut == .nothing { return old }
        if Int.random(in: 0..<4, using: &random) == 0 { return new }
        let lengths = [
            old.count, new.count, Int.random(in: min(old.count, new.count)...max(old.count, new.count), using: &random),
        ]
        let length = lengths[Int.random(in: 0..<3, using: &random)]
        if cut == .prefix, length >= old.count { return Array((new + old.dropFirst(new.count)).prefix(length)) }
        var rest = [UInt8](repeating: 0, count: length)
        for start in stride(from: 0, to: length, by: blockSize) {
            let isNew = Bool.random(using: &random)
            for index in start..<min(start + blockSize, length) {
                if isNew, index < new.count {
                    rest[index] = new[index]
                } else if index < old.count {
                    rest[index] = old[index]
                }
            }
        }
        return rest
    }

    /// As the file system's 4 KiB, scaled down with the files.
    private static let blockSize = 64

    // MARK: - Looking, for checks only

    /// What lies at a path, as programs see it; or as it stands on the platter.
    func look(_ path: String, durably: Bool = false) -> Inode? {
        var inode = root
        for part in path.split(separator: "/") {
            guard let next = (durably ? inode.durableEntries : inode.entries)[String(part)] else { return nil }
            inode = next
        }
        return inode
    }

    func text(_ path: String) -> String? { look(path).map { String(decoding: $0.bytes, as: UTF8.self) } }

    /// Makes what is at a path, durably, with all folders above; for what lies there before a run.
    func lay(_ path: String, _ text: String? = nil) { lay(path, text.map { Array($0.utf8) }) }

    func lay(_ path: String, _ bytes: [UInt8]?) {
        var inode = root
        let parts = path.split(separator: "/").map(String.init)
        for (index, part) in parts.enumerated() {
            let isFile = bytes != nil && index == parts.count - 1
            inode = inode.entries[part] ?? make(folder: !isFile, part, in: inode)
        }
        if let bytes { inode.bytes = bytes }
        synchronizeAll()
    }
}
