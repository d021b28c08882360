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

    /// Sends what is due: on all channels at once, on each in the order in which it was put; what came of it is written down
    /// after each try.
    ///
    /// Never throws for a channel's failure, nor for files that cannot be read: see ``waiting()``. Does nothing while another
    /// process sends. After ``passPatience`` no try begins any more, so that no run is held up by channels that are slow or
    /// dead; the rest waits for the next time.
    ///
    /// - Parameter again: whether dead letters are tried once more, from the start.
    /// - Returns: what came of each that was tried, channel by channel.
    /// - Throws: `MachineError` of the disk; ``Interrupted``. What was not written down is sent again the next time.
    package func deliver(again: Bool = false) async throws -> [Delivery] {
        guard let folder = try OutboxFolder(existing: path), let lock = try folder.lockForSending() else { return [] }
        defer { lock.release() }
        try folder.sweep(receiptsOlderThan: Self.memory, now: clock.now())
        var queues: [[Queued]] = channels.map { _ in [] }
        for (stem, found) in try entries(in: folder) {
            guard var entry = try? found.get() else { continue }
            guard !folder.wasSent(stem) else {
                // Killed before it was forgotten.
                try folder.remove(stem)
                continue
            }
            guard let index = channels.firstIndex(where: { entry.isFor($0) }) else { continue }
            if again, entry.dead != nil { entry.revive() }
            queues[index].append((stem, entry))
        }
        return try await withThrowingTaskGroup(of: (Int, [Delivery]).self) { group in
            for (index, queue) in queues.enumerated() where !queue.isEmpty {
                group.addTask { (index, try await send(queue, on: channels[index], folder)) }
            }
            var deliveries = channels.map { _ in [Delivery]() }
            for try await (index, own) in group { deliveries[index] = own }
            return deliveries.flatMap(\.self)
        }
    }

    private typealias Queued = (stem: String, entry: OutboxEntry)

    private func send(_ queue: [Queued], on channel: any Channel, _ folder: OutboxFolder) async throws -> [Delivery] {
        let end = monotonicSeconds() + Self.passPatience
        var pass = OutboxPass(now: clock.now())
        var deliveries: [Delivery] = []
        for (stem, entry) in queue where pass.tries(entry) {
            guard monotonicSeconds() < end else { break }
            var entry = entry
            var answer = try await attempt(&entry, stem, on: channel, folder)
            if case .later(let pause?, _) = answer, pause <= Self.shortPause, entry.dead == nil {
                try await sleep(pause)
                answer = try await attempt(&entry, stem, on: channel, folder)
            }
            if case .later = answer { pass.failed(entry) }
            deliveries.append(Delivery(entry, answer))
        }
        return deliveries
    }

    /// Tries it once, and writes down what came of it.
    private func attempt(
        _ entry: inout OutboxEntry, _ stem: String, on channel: any Channel, _ folder: OutboxFolder
    ) async throws -> Answer {
        let answer = try await channel.attempt(entry.notice)
        let now = clock.now()
        entry.take(answer, at: now)
        if case .delivered = answer {
            try folder.close(entry, stem, at: now)
        } else {
            try folder.write(entry, stem, replacing: true)
        }
        return answer
    }

    private func sleep(_ seconds: Double) async throws {
        do {
            try await Task.sleep(for: .seconds(seconds))
        } catch {
            throw Interrupted()
        }
    }

    /// Seconds after which no try of a pass begins; one takes a minute at the longest.
    private static let passPatience = 60.0
    /// Seconds for which the other side may ask and be waited for on the spot, once for each message.
    private static let shortPause = 10.0

    /// All that is not delivered, oldest first: what waits, dead letters, and files that cannot be read.
    package func waiting() throws -> [Waiting] {
        guard let folder = try OutboxFolder(existing: path) else { return [] }
        return try entries(in: folder).compactMap { stem, found in
            guard !folder.wasSent(stem) else { return nil }
            let file = "\(folder.path)/\(stem).json"
            switch found {
            case .success(let entry): return Waiting(entry, file: file, isKnown: channels.contains { entry.isFor($0) })
            case .failure(let error): return Waiting(unreadable: file, explain(error).what)
            }
        }
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
