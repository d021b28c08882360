import Glibc
import Machine

/// The files of an outbox: one a notice and channel that is not sent yet (`….json`), one that remembers that it was
/// (`….sent`); `docs/formats/outbox.md`.
struct OutboxFolder: Sendable {
    private let folder: Descriptor

    /// Opens it, 0700; made when missing.
    init(making path: String) throws {
        try makeFolders(path)
        folder = try Descriptor.folder(path)
        let status = try folder.status()
        guard status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            throw AlertingError(
                code: "alerting.unsafe-outbox", what: "Others than this user can get at the outbox.", place: path,
                remedy: "chown \(geteuid()) \(path) && chmod 0700 \(path)")
        }
    }

    /// Opens it; nil when there is none yet.
    init?(existing path: String) throws {
        do {
            folder = try Descriptor.folder(path)
        } catch let error as MachineError where error.errno == ENOENT {
            return nil
        }
    }

    /// Where it is.
    var path: String { folder.path }

    /// A remembered delivery.
    private struct Receipt: Codable {
        let format: Int
        let kind: String
        let channel: String
        let id: String
        let sent: Timestamp
    }

    /// What the files of a notice and a channel are called, without their ending.
    static func stem(id: String, kind: String, channel: String) -> String {
        "\(id).\(Digest.of(Array("\(kind) \(channel)".utf8)).description.prefix(16))"
    }

    /// The right to send, nil if somebody else has it.
    func lockForSending() throws -> FileLock? { try FileLock.take("sending.lock", in: folder, saying: "sending") }

    /// Runs `body` while nobody else puts anything here. Others hold this for milliseconds.
    ///
    /// - Throws: ``AlertingError`` `stuck` when somebody holds it for longer than ``lockPatience``.
    func whilePutting<Value>(_ body: () throws -> Value) throws -> Value {
        let end = monotonicSeconds() + Self.lockPatience
        while true {
            if let lock = try FileLock.take("putting.lock", in: folder, saying: "putting") {
                defer { lock.release() }
                return try body()
            }
            guard monotonicSeconds() < end else {
                let holder = FileLock.holder(of: "putting.lock", in: folder) ?? "another process"
                throw AlertingError(
                    code: "alerting.stuck", what: "The outbox is held by somebody who does not let go: \(holder).",
                    place: folder.path, remedy: "See what that process does, and end it.")
            }
            usleep(5000)
        }
    }

    /// Whether this was put here before, sent or not. A file that stays is looked for before the one that takes its place.
    func has(_ stem: String) -> Bool { folder.has("\(stem).json") || folder.has("\(stem).sent") }

    /// Whether this was sent.
    func wasSent(_ stem: String) -> Bool { folder.has("\(stem).sent") }

    /// Writes an entry, durably.
    func write(_ entry: OutboxEntry, _ stem: String, replacing: Bool) throws {
        try folder.publish("\(stem).json", try JSON.write(entry), replacing: replacing)
    }

    /// Remembers that it was sent, and only then forgets what was to be sent.
    func close(_ entry: OutboxEntry, _ stem: String, at moment: Timestamp) throws {
        let receipt = Receipt(
            format: OutboxEntry.currentFormat, kind: entry.kind, channel: entry.channel, id: entry.notice.id,
            sent: moment)
        try folder.publish("\(stem).sent", try JSON.write(receipt), replacing: true)
        try remove(stem)
    }

    /// Forgets what was to be sent.
    func remove(_ stem: String) throws {
        guard unlinkat(folder.raw, "\(stem).json", 0) == 0 || errno == ENOENT else {
            throw MachineError.call("remove", "\(folder.path)/\(stem).json")
        }
        try folder.synchronize()
    }

    /// The stems of what is to be sent, sorted.
    func stems() throws -> [String] {
        try folder.names().filter { $0.hasSuffix(".json") }.map { String($0.dropLast(".json".count)) }
    }

    /// Reads an entry; nil when it is gone by now.
    ///
    /// - Throws: `MachineError` when it is no entry that this holdfast can read.
    func read(_ stem: String) throws -> OutboxEntry? {
        do {
            let file = try folder.open("\(stem).json", O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let entry = try JSON.read(OutboxEntry.self, try file.readAll(limit: 16 << 20), place: file.path)
            guard entry.format == OutboxEntry.currentFormat else {
                throw AlertingError(
                    code: "alerting.format",
                    what: "The file has the format \(entry.format), which a newer holdfast wrote.",
                    place: file.path, remedy: "Upgrade holdfast.")
            }
            try entry.validate(place: file.path)
            return entry
        } catch let error as MachineError where error.errno == ENOENT {
            return nil
        }
    }

    /// Removes what killed runs left unfinished, and receipts that are older than `seconds`.
    func sweep(receiptsOlderThan seconds: Double, now: Timestamp) throws {
        try whilePutting { try folder.removeUnfinished() }
        for name in try folder.names() where name.hasSuffix(".sent") {
            // One that cannot be read stays: it keeps a message from being sent twice.
            guard let receipt = try? receipt(name), now.since(receipt.sent) > seconds else { continue }
            try folder.removeTree(name)
        }
    }

    private func receipt(_ name: String) throws -> Receipt {
        let file = try folder.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        return try JSON.read(Receipt.self, try file.readAll(limit: 1 << 16), place: name)
    }

    private static let lockPatience = 10.0
}
