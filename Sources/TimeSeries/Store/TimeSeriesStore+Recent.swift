internal import Glibc
internal import Synchronization

/// How `recent.sqlite` is opened, given up and begun anew.
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

    /// Gives up a damaged `recent.sqlite`; the next scrape begins it anew.
    func abandonRecent(_ writer: inout Writer, _ error: TimeSeriesError) {
        health.withLock { $0.report(["\(error)"]) }
        // Closed before another gets its name: SQLite removes the log by name.
        writer.recent = nil
        try? Self.setRecentAside(folder)
    }

    /// Begins `recent.sqlite` anew, and stores what is in memory.
    ///
    /// - Returns: whether all of it is durable now.
    func renewRecent(_ writer: inout Writer, now: Int64) -> Bool {
        do {
            writer.recent = try RecentFile("\(folder)/\(RecentFile.name)")
            head.withLock { $0.markUnsaved() }
            try storeAll()
            return true
        } catch {
            refused(error, now: now)
            return false
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
