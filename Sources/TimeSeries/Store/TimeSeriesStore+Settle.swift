internal import Synchronization

/// What goes from memory into the days' files.
extension TimeSeriesStore {
    /// Windows that may wait in memory while the disk refuses them.
    static let waitingWindows: Int64 = 12

    /// Stores the windows that are over, and what the disk refused before.
    func settle(_ writer: inout Writer, now: Int64) {
        let boundary = Window(of: now - Self.tolerance).start
        let isOver = head.withLock { $0.storedUntil } < boundary
        let wasRefused = condition.unsavedSince != nil
        guard isOver || wasRefused, now >= writer.nextTry else { return }
        do {
            if wasRefused { try storeAll() }
            if isOver { try store(before: boundary, &writer, now: now) }
            writer.nextTry = .min
            health.withLock { ($0.unsavedSince, $0.problem) = (nil, nil) }
        } catch {
            writer.nextTry = now + Self.retryInterval
            health.withLock { $0.problem = "\(error)" }
            dropWaiting(now: now)
        }
    }

    private func store(before boundary: Int64, _ writer: inout Writer, now: Int64) throws {
        let rows = head.withLock { $0.rows(before: boundary) }
        try days.withLock { try Self.store(rows, into: &$0) }
        let gone = head.withLock { $0.forget(before: boundary) }
        do {
            try writer.recent?.forget(before: boundary, series: gone)
            try writer.recent?.checkpoint()
        } catch let error as TimeSeriesError where error.kind == .damaged {
            abandonRecent(&writer, error)
        }
        days.withLock { $0.closeOlder() }
        do {
            try enforceRetention(now: now)
        } catch {
            health.withLock { $0.report(["\(error)"]) }
        }
    }

    /// Stores all that is in memory and keeps it there.
    func storeAll() throws {
        let rows = head.withLock { $0.rows(before: .max) }
        try days.withLock { try Self.store(rows, into: &$0) }
    }

    /// Writes rows into the files of their days; a file that is damaged is set aside first.
    static func store(_ rows: [Window: [DayFile.Row]], into days: inout DayFiles) throws {
        for (window, rows) in rows.sorted(by: { $0.key < $1.key }) {
            let file = days.file(of: window.day)
            do {
                try file.store(rows, of: window)
            } catch let error as TimeSeriesError where error.kind == .damaged {
                try days.setAside(file)
                try days.file(of: window.day).store(rows, of: window)
            }
        }
    }

    /// Makes room in memory when the disk refuses for too long.
    private func dropWaiting(now: Int64) {
        let boundary = Window(Window(of: now).number - Self.waitingWindows).start
        let lost = head.withLock { head -> Int in
            let lost = head.rows(before: boundary).values.joined().reduce(0) {
                $0 + $1.chunks.reduce(0) { $0 + $1.count }
            }
            if lost > 0 { _ = head.forget(before: boundary) }
            return lost
        }
        if lost > 0 { health.withLock { $0.lostSamples += lost } }
    }
}
