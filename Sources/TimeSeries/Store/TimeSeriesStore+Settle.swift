internal import Glibc
internal import Machine
internal import Synchronization

/// What goes from memory into the days' files, and from there.
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

    /// Puts samples of the past into the days' files, together with what is there; of two at the same time the new one counts.
    ///
    /// - Parameter samples: ascending in time, each time once.
    package func insert(_ history: [(labels: Labels, samples: [Sample])]) throws {
        var rows: [Window: [DayFile.Row]] = [:]
        for (labels, samples) in history {
            for own in samples.chunked(by: { Window(of: $0.time) }) {
                let row = DayFile.Row(labels: labels, chunks: WindowRow.chunks(Array(own)))
                rows[Window(of: own[own.startIndex].time), default: []].append(row)
            }
        }
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

    /// Removes what is older than the limit of time, then the oldest until the limit of size is kept.
    package func enforceRetention(now: Int64) throws {
        let limit = limits.size?.bytes ?? .max
        try days.withLock { days in
            let end = now - Int64(limits.days) * Day.length
            for file in days.files where file.day.end <= end { try days.remove(file) }
            var sizes = days.files.map { ($0, $0.size) }[...]
            var total = sizes.reduce(recentSize) { $0 + $1.1 }
            while total > limit, sizes.count > 1, let (oldest, size) = sizes.popFirst() {
                try days.remove(oldest)
                total -= size
            }
            guard total > limit, let (last, _) = sizes.first else { return }
            while try last.usedSize() + recentSize > limit, try last.removeEarliestWindow() {}
        }
    }

    /// Bytes of `recent.sqlite` and its log.
    var recentSize: Int64 {
        ["", "-wal"].reduce(0) { sum, suffix in
            var status = stat()
            return lstat("\(folder)/\(RecentFile.name)\(suffix)", &status) == 0 ? sum + Int64(status.st_size) : sum
        }
    }
}

/// How `recent.sqlite` is opened.
extension TimeSeriesStore {
    /// Opens it and fills `head`; a damaged one is read as far as it goes and begun anew.
    ///
    /// - Returns: and what was damaged, in words.
    static func openRecent(
        _ folder: String, _ days: DayFiles, _ head: inout Head, now: Int64
    ) throws -> (RecentFile, damage: [String]) {
        let path = "\(folder)/\(RecentFile.name)"
        let isThere = access(path, F_OK) == 0
        var damage: [String] = []
        do {
            let recent = try RecentFile(path)
            if isThere { damage = recent.load(into: &head) } else { adopt(days, &head, now: now) }
            if damage.isEmpty { return (recent, []) }
            // It is closed before another gets its name: SQLite removes the log by name.
        } catch let error as TimeSeriesError where error.kind == .damaged {
            damage.append("\(error)")
            adopt(days, &head, now: now)
        }
        try setRecentAside(folder)
        head.markUnsaved()
        return (try RecentFile(path), damage)
    }

    /// Gives a damaged one, which nobody may have open any more, another name.
    static func setRecentAside(_ folder: String) throws {
        try move("\(folder)/\(RecentFile.name)", to: freeName("recent", in: folder))
    }

    /// Goes on behind the days' files where nothing else says what was stored already.
    private static func adopt(_ days: DayFiles, _ head: inout Head, now: Int64) {
        if let last = days.files.last { head.storedUntil = min(last.day.start, Window(of: now).start) }
    }
}

extension [Sample] {
    /// Runs of samples for which `key` gives the same.
    fileprivate func chunked(by key: (Sample) -> Window) -> [ArraySlice<Sample>] {
        var runs: [ArraySlice<Sample>] = []
        var start = 0
        for index in indices where index == count - 1 || key(self[index]) != key(self[index + 1]) {
            runs.append(self[start...index])
            start = index + 1
        }
        return runs
    }
}
