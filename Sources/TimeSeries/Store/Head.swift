/// The series that something came for lately, with the samples that are not yet in a day's file.
struct Head: Sendable {
    struct Series: Sendable {
        /// 0: nobody stands here.
        var id: UInt32 = 0
        var labels = Labels()
        /// Ascending.
        var full: [Chunk] = []
        var open = ChunkWriter()
        var lastTime = Int64.min
        var lastBits: UInt64 = 0
        /// Counts up with each ``Head/forget(before:)``; who was asked for since the last one stays.
        var touched = 0
    }

    /// By place.
    private(set) var series: [Series] = []
    private(set) var index = SeriesIndex()
    private var places: [Labels: Int] = [:]
    private var vacant: [Int] = []
    private var age = 0
    /// The next series's number on disk.
    var nextID: UInt32 = 1
    /// Nothing before this can be appended; all of it is in the days' files.
    var storedUntil = Int64.min
    /// Nothing older is taken, whatever a target says; far enough from the end of the numbers to be calculated with.
    var earliest: Int64 = -1 << 50
    /// Places of series that `recent.sqlite` does not know yet.
    private(set) var unsaved: [Int] = []

    var count: Int { places.count }

    /// Finds or makes the series of these labels.
    ///
    /// - Throws: when it would be one too many.
    mutating func reference(_ labels: Labels, limit: Int) throws -> SeriesReference {
        if let place = places[labels] {
            series[place].touched = age
            return SeriesReference(place: UInt32(place), id: series[place].id)
        }
        guard count < limit, nextID < .max else { throw TimeSeriesError.seriesLimit(limit) }
        defer { nextID += 1 }
        let place = insert(labels, id: nextID)
        unsaved.append(place)
        return SeriesReference(place: UInt32(place), id: nextID)
    }

    /// Takes in a series that `recent.sqlite` knows.
    @discardableResult
    mutating func insert(_ labels: Labels, id: UInt32) -> Int {
        let place = vacant.popLast() ?? series.count
        if place == series.count { series.append(Series()) }
        series[place].id = id
        series[place].labels = labels
        series[place].touched = age
        places[labels] = place
        index.insert(labels, at: place)
        return place
    }

    mutating func markSaved(_ ids: Set<UInt32>) { unsaved.removeAll { ids.contains(series[$0].id) } }

    /// All of them are unknown to a `recent.sqlite` that was begun anew.
    mutating func markUnsaved() { unsaved = Array(places.values) }

    enum Verdict { case appended, repeated, outOfOrder, duplicate, tooOld, gone }

    /// Appends one sample, or says why not.
    @inline(__always)
    mutating func append(_ place: Int, id: UInt32, _ time: Int64, _ value: UInt64) -> Verdict {
        guard place < series.count, series[place].id == id else { return .gone }
        guard time >= storedUntil, time >= earliest else { return .tooOld }
        return series.withUnsafeMutableBufferPointer { $0[place].append(time, value) }
    }
}

extension Head.Series {
    @inline(__always)
    fileprivate mutating func append(_ time: Int64, _ value: UInt64) -> Head.Verdict {
        guard time > lastTime else {
            if time < lastTime { return .outOfOrder }
            return value == lastBits ? .repeated : .duplicate
        }
        if open.isFull || open.count > 0 && Window(of: time) != Window(of: open.firstTime) {
            full.append(open.chunk)
            open = ChunkWriter()
        }
        open.append(time, value)
        (lastTime, lastBits) = (time, value)
        return .appended
    }

    /// The chunks that have samples in `range`.
    func chunks(in range: ClosedRange<Int64>) -> [Chunk] {
        var chunks = full.filter { $0.firstTime <= range.upperBound && $0.lastTime >= range.lowerBound }
        if open.count > 0, open.firstTime <= range.upperBound, open.lastTime >= range.lowerBound {
            chunks.append(open.chunk)
        }
        return chunks
    }
}

extension Head {
    /// What is not yet in a day's file, of times before `boundary`, by window.
    func rows(before boundary: Int64) -> [Window: [DayFile.Row]] {
        var rows: [Window: [DayFile.Row]] = [:]
        for series in series where series.id != 0 && boundary > .min {
            let chunks = series.chunks(in: Int64.min...(boundary - 1))
            for window in Set(chunks.map { Window(of: $0.firstTime) }) {
                let own = chunks.filter { Window(of: $0.firstTime) == window }
                rows[window, default: []].append(DayFile.Row(labels: series.labels, chunks: own))
            }
        }
        return rows
    }

    /// Lets go of what was stored, and of the series that nothing came for since.
    ///
    /// - Returns: the ids of the series that are gone.
    mutating func forget(before boundary: Int64) -> [UInt32] {
        storedUntil = max(storedUntil, boundary)
        var gone: [UInt32] = []
        for place in series.indices where series[place].id != 0 {
            series[place].full.removeAll { $0.firstTime < boundary }
            if series[place].open.count > 0, series[place].open.firstTime < boundary {
                series[place].open = ChunkWriter()
            }
            let isEmpty = series[place].full.isEmpty && series[place].open.count == 0
            if isEmpty, series[place].touched < age, series[place].lastTime < boundary {
                gone.append(series[place].id)
                if places[series[place].labels] == place { places[series[place].labels] = nil }
                series[place] = Series()
                vacant.append(place)
            }
        }
        age += 1
        if !gone.isEmpty { renewIndex() }
        return gone
    }

    private mutating func renewIndex() {
        index = SeriesIndex()
        for place in series.indices where series[place].id != 0 { index.insert(series[place].labels, at: place) }
        unsaved.removeAll { series[$0].id == 0 }
    }

    /// How many samples are in memory.
    var sampleCount: Int {
        series.reduce(0) { $0 + $1.open.count + $1.full.reduce(0) { $0 + $1.count } }
    }
}
