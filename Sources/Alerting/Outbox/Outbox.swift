import HTTPClient
package import Machine

/// What is to be sent: on disk before it is sent, tried until it is delivered, and never sent twice on a channel but for a
/// crash between sending and writing that down.
///
/// Of several processes one sends; all may put.
package struct Outbox: Sendable {
    private let path: String
    private let channels: [any Channel]
    private let clock: any WallClock

    /// - Parameters:
    ///   - folder: made when it is needed.
    ///   - channels: those of the configuration.
    package init(_ folder: String, channels: [any Channel], clock: any WallClock) {
        path = folder
        self.channels = channels
        self.clock = clock
    }

    /// Seconds for which a delivery is remembered: thirty days.
    package static let memory = 30 * 86_400.0

    /// Puts a notice here for every channel; durable when it returns. On a channel where its id was put within the last
    /// thirty days, sent or not, it is not put again.
    ///
    /// - Throws: ``AlertingError`` `bad-notice`, `unsafe-outbox`, `stuck`; `MachineError` of the disk. Channels before the
    ///   one that failed have it then; putting it once more is safe.
    package func put(_ notice: Notice) throws {
        try notice.validate()
        guard !channels.isEmpty else { return }
        let folder = try OutboxFolder(making: path)
        try folder.whilePutting {
            for channel in channels {
                let stem = OutboxFolder.stem(id: notice.id, kind: channel.kind, channel: channel.name)
                guard !folder.has(stem) else { continue }
                let entry = OutboxEntry(notice, kind: channel.kind, channel: channel.name, put: clock.now())
                try folder.write(entry, stem, replacing: false)
            }
        }
    }

    /// Sends what is due, in the order in which it was put; what came of it is written down after each one.
    ///
    /// Never throws for a channel's failure, nor for files that cannot be read: see ``waiting()``. Does nothing while another
    /// process sends.
    ///
    /// - Parameter again: whether dead letters are tried once more, from the start.
    /// - Returns: what came of each that was tried.
    /// - Throws: `MachineError` of the disk; ``Interrupted``. What was not written down is sent again the next time.
    package func deliver(again: Bool = false) async throws -> [Delivery] {
        guard let folder = try OutboxFolder(existing: path), let lock = try folder.lockForSending() else { return [] }
        defer { lock.release() }
        try folder.sweep(receiptsOlderThan: Self.memory, now: clock.now())
        var pass = OutboxPass(now: clock.now())
        var deliveries: [Delivery] = []
        for (stem, found) in try entries(in: folder) {
            guard var entry = try? found.get() else { continue }
            guard !folder.wasSent(stem) else {
                // Killed before it was forgotten.
                try folder.remove(stem)
                continue
            }
            guard let channel = channel(of: entry) else { continue }
            if again, entry.dead != nil { entry.revive() }
            guard pass.tries(entry) else { continue }
            let answer = try await channel.attempt(entry.notice)
            let now = clock.now()
            entry.take(answer, at: now)
            if case .delivered = answer {
                try folder.close(entry, stem, at: now)
            } else {
                try folder.write(entry, stem, replacing: true)
            }
            if case .later = answer { pass.failed(entry) }
            deliveries.append(Delivery(entry, answer))
        }
        return deliveries
    }

    /// All that is not delivered, oldest first: what waits, dead letters, and files that cannot be read.
    package func waiting() throws -> [Waiting] {
        guard let folder = try OutboxFolder(existing: path) else { return [] }
        return try entries(in: folder).compactMap { stem, found in
            guard !folder.wasSent(stem) else { return nil }
            let file = "\(folder.path)/\(stem).json"
            switch found {
            case .success(let entry): return Waiting(entry, file: file, isKnown: channel(of: entry) != nil)
            case .failure(let error): return Waiting(unreadable: file, explain(error).what)
            }
        }
    }

    private func channel(of entry: OutboxEntry) -> (any Channel)? {
        channels.first { $0.kind == entry.kind && $0.name == entry.channel }
    }

    /// The entries in the order in which they were put, those that cannot be read first.
    private func entries(in folder: OutboxFolder) throws -> [(stem: String, Result<OutboxEntry, any Error>)] {
        var bad: [(String, Result<OutboxEntry, any Error>)] = []
        var good: [(stem: String, entry: OutboxEntry)] = []
        for stem in try folder.stems() {
            do {
                if let entry = try folder.read(stem) { good.append((stem, entry)) }
            } catch {
                bad.append((stem, .failure(error)))
            }
        }
        good.sort {
            ($0.entry.put, $0.entry.notice.moment, $0.stem) < ($1.entry.put, $1.entry.notice.moment, $1.stem)
        }
        return bad + good.map { ($0.stem, .success($0.entry)) }
    }
}
