import Glibc
package import Machine
import Synchronization

/// Something that has to be put right, whatever happens to us.
package enum Obligation: Hashable, Sendable {
    /// A container that ran before we stopped it.
    case start(container: String, name: String)
    /// A container that we froze.
    case unpause(container: String, name: String)
    /// A staging folder of ours: `name` in `folder`.
    case remove(folder: String, name: String)
    /// A database of ours that is being restored: `name`, where the entry of `backup.databases` says.
    case drop(entry: String, name: String)
}

/// The write-ahead list of what has to be put right: each obligation is on disk before the deed that causes it.
///
/// Only the holder of the lock has one. `docs/formats/state.md` has the lines.
package final class Journal: Sendable {
    private let folder: Descriptor
    private let state: Mutex<Open>

    private struct Open {
        var file: Descriptor?
        var next = 1
        var unpaid: [Int: Obligation] = [:]
    }

    /// Opens the journal of a state folder, with what an earlier run left in it.
    init(in folder: Descriptor) throws {
        self.folder = folder
        let unpaid = try Self.read(in: folder)
        state = Mutex(Open(file: nil, next: (unpaid.keys.max() ?? 0) + 1, unpaid: unpaid))
        // Killed between paying the last one and removing the file: nothing is lost if that fails again.
        if unpaid.isEmpty, folder.has(Self.name) { try? folder.unlink(Self.name) }
    }

    /// What is not met yet, oldest first.
    package var unpaid: [(id: Int, obligation: Obligation)] {
        state.withLock { open in open.unpaid.sorted { $0.key < $1.key }.map { (id: $0.key, obligation: $0.value) } }
    }

    /// Writes an obligation down; when this returns, it survives a power cut.
    package func owe(_ obligation: Obligation) throws -> Int {
        try state.withLock { open in
            let id = open.next
            try append(Line(id: id, obligation), &open)
            open.next += 1
            open.unpaid[id] = obligation
            return id
        }
    }

    /// Writes down that an obligation is met. When it was the last one, the journal goes away.
    package func pay(_ id: Int) throws {
        try state.withLock { open in
            guard open.unpaid[id] != nil else { return }
            try append(Line(paid: id, at: open.next), &open)
            open.next += 1
            open.unpaid[id] = nil
            if open.unpaid.isEmpty {
                open.file = nil
                try folder.unlink(Self.name)
                try folder.synchronize()
            }
        }
    }

    /// Writes down that something of ours was removed, if it is gone for good; else that stays owed, for whoever takes the lock next.
    func payForRemoval(_ id: Int) {
        guard case .remove(let folder, let name)? = state.withLock({ $0.unpaid[id] }),
            let parent = try? Descriptor.open(folder, O_RDONLY | O_DIRECTORY), !parent.has(name),
            (try? parent.synchronize()) != nil
        else { return }
        try? pay(id)
    }

    /// Seconds since something was written into it; nil if there is nothing.
    var age: Double? {
        guard let status = folder.status(of: Self.name) else { return nil }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Double(now.tv_sec - status.st_mtim.tv_sec)
    }

    /// What is not met yet in a state folder, for those who only look.
    package static func unpaid(in folder: Descriptor) throws -> [Obligation] {
        try read(in: folder).sorted { $0.key < $1.key }.map(\.value)
    }

    private func append(_ line: Line, _ open: inout Open) throws {
        if open.file == nil {
            let file = try folder.open(Self.name, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o600)
            try Self.dropTornEnd(of: file)
            try folder.synchronize()
            open.file = file
        }
        guard let file = open.file else { return }
        do {
            try file.write(try JSON.writeLine(line) + [UInt8(ascii: "\n")])
            try file.synchronize()
        } catch {
            // A full disk may have cut the line: the next one opens the file anew, and drops what was cut.
            open.file = nil
            throw error
        }
    }

    /// What follows must not be glued to what a crash cut.
    private static func dropTornEnd(of file: Descriptor) throws {
        let bytes = try file.readAll(limit: limit)
        let whole = try lines(of: bytes, in: file.path).length
        guard whole < bytes.count else { return }
        try file.truncate(to: whole)
        // Or a block of what was cut and one of what follows could make a line together.
        try file.synchronize()
    }

    /// The lines, and how many bytes they take. What is behind them was being written when the machine stopped: its deed never
    /// began. It has no end; or it has, but lacks a block on the way there, which then reads as zeros.
    private static func lines(of bytes: [UInt8], in place: String) throws -> (lines: [Line], length: Int) {
        var lines: [Line] = []
        var length = 0
        while let end = bytes[length...].firstIndex(of: UInt8(ascii: "\n")) {
            let text = Array(bytes[length..<end])
            if text.contains(0), end == bytes.count - 1 { break }
            lines.append(try JSON.read(Line.self, text, place: place))
            length = end + 1
        }
        return (lines, length)
    }

    private static func read(in folder: Descriptor) throws -> [Int: Obligation] {
        guard folder.has(name) else { return [:] }
        let bytes = try folder.open(name, O_RDONLY | O_NOFOLLOW).readAll(limit: limit)
        var unpaid: [Int: Obligation] = [:]
        for line in try lines(of: bytes, in: "\(folder.path)/\(name)").lines {
            if let paid = line.paid { unpaid[paid] = nil }
            if let obligation = line.obligation { unpaid[line.id] = obligation }
        }
        return unpaid
    }

    private static let name = "journal.jsonl"
    private static let limit = 64 << 20
}

/// One line of the journal.
private struct Line: Codable {
    let id: Int
    var owe: String?
    var container: String?
    var folder: String?
    var name: String?
    var entry: String?
    var paid: Int?

    init(paid: Int, at id: Int) {
        self.id = id
        self.paid = paid
    }

    init(id: Int, _ obligation: Obligation) {
        self.id = id
        switch obligation {
        case .start(let container, let name): (owe, self.container, self.name) = ("start", container, name)
        case .unpause(let container, let name): (owe, self.container, self.name) = ("unpause", container, name)
        case .remove(let folder, let name): (owe, self.folder, self.name) = ("remove", folder, name)
        case .drop(let entry, let name): (owe, self.entry, self.name) = ("drop", entry, name)
        }
    }

    var obligation: Obligation? {
        switch (owe, container ?? folder ?? entry, name) {
        case ("start", let container?, let name?): .start(container: container, name: name)
        case ("unpause", let container?, let name?): .unpause(container: container, name: name)
        case ("remove", let folder?, let name?): .remove(folder: folder, name: name)
        case ("drop", let entry?, let name?): .drop(entry: entry, name: name)
        default: nil
        }
    }
}
