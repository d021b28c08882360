internal import Glibc
internal import Synchronization

/// One day's file (`docs/formats/timeseries.md`): opened when somebody asks for it.
///
/// Its name may go meanwhile; who still reads from it can go on.
final class DayFile: Sendable {
    /// What one series measured in one window.
    struct Row: Sendable {
        let labels: Labels
        /// Ascending.
        let chunks: [Chunk]
    }

    let day: Day
    let path: String
    /// Whether it is the day's own, and not one that was set aside.
    let isWritable: Bool
    private let state = Mutex(State())

    private struct State {
        var file: SQLiteFile?
        var index: Index?
        /// Retention took it.
        var isGone = false
    }

    /// The series of a day, by id.
    struct Index: Sendable {
        var series = SeriesIndex()
        var entries: [Int: SeriesRow] = [:]
    }

    init(_ day: Day, _ path: String, isWritable: Bool) {
        self.day = day
        self.path = path
        self.isWritable = isWritable
    }

    /// With what lies beside it.
    var size: Int64 {
        [path, path + "-journal"].reduce(0) { sum, path in
            var status = stat()
            return lstat(path, &status) == 0 ? sum + Int64(status.st_size) : sum
        }
    }

    /// Lets go of what is kept in memory and of the descriptor; the next call opens it again.
    func close() { state.withLock { ($0.file, $0.index) = (nil, nil) } }

    /// From now on there is nothing in it, also for who found something in it before.
    func markGone() { state.withLock { $0 = State(isGone: true) } }

    /// One series of this day.
    struct Entry: Sendable {
        let id: UInt32
        let row: SeriesRow
    }

    /// The series that satisfy all matchers.
    ///
    /// - Returns: and what could not be read, in words.
    func select(_ matchers: [Matcher]) throws -> (series: [Entry], damage: [String]) {
        try state.withLock { state in
            let (index, damage) = try loadIndex(&state)
            let places = index.series.places(matchers)
            return (places.compactMap { id in index.entries[id].map { Entry(id: UInt32(id), row: $0) } }, damage)
        }
    }

    private func loadIndex(_ state: inout State) throws -> (Index, [String]) {
        if let index = state.index { return (index, []) }
        guard !state.isGone, !isEmpty else { return (Index(), []) }
        let file = try open(&state, creating: false)
        var index = Index()
        var damage = file.eachRow(of: "series", key: "id", "data") { id, bytes in
            guard let row = SeriesRow(bytes), UInt32(exactly: id) != nil else { return false }
            index.entries[Int(id)] = row
            index.series.insert(row.labels, at: Int(id))
            return true
        }
        let expected = try? file.number("SELECT series FROM state")
        if damage.isEmpty, expected ?? -1 != Int64(index.entries.count) {
            damage.append(
                "Series are missing: there were \(expected.map { "\($0)" } ?? "more"), \(index.entries.count) are found (\(path))."
            )
        }
        if damage.isEmpty { state.index = index }
        return (index, damage)
    }

    /// Whether there is nothing of it on the disk: a full one kept it from being begun.
    private var isEmpty: Bool {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_size == 0 : errno == ENOENT
    }

    private func open(_ state: inout State, creating: Bool) throws -> SQLiteFile {
        if let file = state.file { return file }
        let file = try SQLiteFile(
            path, creating: creating,
            pragmas: [
                "busy_timeout=2000", "page_size=16384", "journal_mode=DELETE", "synchronous=FULL", "cache_size=-1024",
                "temp_store=MEMORY",
            ])
        if creating, try file.number("PRAGMA user_version") == 0 {
            try file.transaction {
                try file.run(
                    """
                    CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), series INTEGER NOT NULL);
                    INSERT INTO state VALUES (1, 0);
                    CREATE TABLE series (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
                    CREATE TABLE chunk (key INTEGER PRIMARY KEY, data BLOB NOT NULL);
                    PRAGMA application_id = \(RecentFile.applicationID);
                    PRAGMA user_version = \(RecentFile.version);
                    """)
            }
        }
        guard try file.number("PRAGMA user_version") == RecentFile.version,
            try file.number("PRAGMA application_id") == RecentFile.applicationID
        else { throw TimeSeriesError.unknownVersion(path) }
        state.file = file
        return file
    }

    private static func key(_ window: Window, _ id: UInt32) -> Int64 { window.ofDay << 32 | Int64(id) }
}

extension DayFile {
    /// Adds the samples of one series that lie in `range` to `samples`: ascending.
    ///
    /// - Returns: how many rows could not be read.
    func unpack(_ entry: Entry, in range: ClosedRange<Int64>, into samples: inout [Sample]) -> Int {
        let first = Window(of: max(range.lowerBound, day.start))
        let last = Window(of: min(range.upperBound, day.end - 1))
        guard first <= last else { return 0 }
        return state.withLock { state in
            if state.isGone { return 0 }
            guard let file = try? open(&state, creating: false),
                let select = try? file.statement("SELECT data FROM chunk WHERE key = ?")
            else { return 1 }
            var broken = 0
            let windows = (first.number...last.number).map { Window($0) }
            for window in windows where entry.row.windows & window.bit != 0 {
                var isWhole = false
                try? select.each([.number(Self.key(window, entry.id))]) { row in
                    isWhole = WindowRow.unpack(row.bytes(0), start: window.start, in: range, into: &samples)
                }
                if !isWhole { broken += 1 }
            }
            return broken
        }
    }

    /// Writes the rows of one window of this day, all or none; where there is one already, both are merged.
    func store(_ rows: [Row], of window: Window) throws {
        try state.withLock { state in
            let file = try open(&state, creating: true)
            try file.transaction {
                let find = try file.statement("SELECT data FROM chunk WHERE key = ?")
                let put = try file.statement("INSERT OR REPLACE INTO chunk (key, data) VALUES (?, ?)")
                let name = try file.statement("INSERT OR REPLACE INTO series (id, data) VALUES (?, ?)")
                for (entry, chunks) in try Self.entries(rows, file) {
                    let key = Self.key(window, entry.id)
                    var present: [UInt8] = []
                    try find.each([.number(key)]) { present = $0.bytes(0) }
                    let all = present.isEmpty ? chunks : Self.merged(present, chunks, window)
                    let row = SeriesRow(labels: entry.row.labels, windows: entry.row.windows | window.bit)
                    try name.each([.number(Int64(entry.id)), .bytes(row.packed)])
                    try put.each([.number(key), .bytes(WindowRow.pack(all, start: window.start))])
                }
                try file.run("UPDATE state SET series = (SELECT COUNT(*) FROM series)")
            }
            state.index = nil
        }
    }

    /// Finds the day's own ids of the series, and gives new ones; in their order.
    private static func entries(_ rows: [Row], _ file: SQLiteFile) throws -> [(Entry, [Chunk])] {
        var known: [Labels: Entry] = [:]
        var next: UInt32 = 1
        try file.statement("SELECT id, data FROM series").each { found in
            guard let id = UInt32(exactly: found.number(0)), id < .max else { return }
            next = max(next, id + 1)
            if let row = SeriesRow(found.bytes(1)) { known[row.labels] = Entry(id: id, row: row) }
        }
        let entries = rows.map { row -> (Entry, [Chunk]) in
            if let entry = known[row.labels] { return (entry, row.chunks) }
            defer { next += 1 }
            return (Entry(id: next, row: SeriesRow(labels: row.labels, windows: 0)), row.chunks)
        }
        return entries.sorted { $0.0.id < $1.0.id }
    }

    /// Old and new samples of one window; where both have one, the new one counts.
    private static func merged(_ present: [UInt8], _ chunks: [Chunk], _ window: Window) -> [Chunk] {
        let all = window.start...window.end - 1
        var samples: [Sample] = []
        _ = WindowRow.unpack(present, start: window.start, in: all, into: &samples)
        for chunk in chunks { chunk.unpack(in: all, into: &samples) }
        samples.putInOrder()
        return WindowRow.chunks(samples)
    }

    /// Removes the earliest window that has something.
    ///
    /// - Returns: false when only one is left, or none.
    func removeEarliestWindow() throws -> Bool {
        try state.withLock { state in
            let file = try open(&state, creating: false)
            guard let first = try file.number("SELECT MIN(key) >> 32 FROM chunk"),
                let last = try file.number("SELECT MAX(key) >> 32 FROM chunk"), first < last
            else { return false }
            try file.transaction {
                try file.statement("DELETE FROM chunk WHERE key < ?").each([.number((first + 1) << 32)])
                var rows: [(Int64, SeriesRow)] = []
                try file.statement("SELECT id, data FROM series").each { row in
                    if let series = SeriesRow(row.bytes(1)) { rows.append((row.number(0), series)) }
                }
                let put = try file.statement("UPDATE series SET data = ? WHERE id = ?")
                for (id, var series) in rows {
                    series.windows &= ~((1 << UInt16(first + 1)) - 1)
                    try put.each([.bytes(series.packed), .number(id)])
                }
            }
            state.index = nil
            return true
        }
    }

    /// Bytes of pages that hold something: what was removed leaves room in the file that is filled first.
    func usedSize() throws -> Int64 {
        try state.withLock { state in
            let file = try open(&state, creating: false)
            let (pages, free) = (
                try file.number("PRAGMA page_count") ?? 0, try file.number("PRAGMA freelist_count") ?? 0
            )
            return (pages - free) * (try file.number("PRAGMA page_size") ?? 0)
        }
    }
}

extension [Sample] {
    /// Sorts by time, if need be, and keeps of each time the one that came last.
    mutating func putInOrder() {
        let isInOrder = indices.dropFirst().allSatisfy { self[$0 - 1].time < self[$0].time }
        guard !isInOrder else { return }
        let sorted = enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
        removeAll(keepingCapacity: true)
        for sample in sorted {
            if last?.time == sample.time { removeLast() }
            append(sample)
        }
    }
}
