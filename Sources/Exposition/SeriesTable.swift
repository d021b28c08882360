internal import Glibc

/// What was learnt of the series of one target, found again by their text in its next exposition.
///
/// Exporters write the same series in the same order each time: so most are recognised by comparing them with what stood
/// at their place the last time, without looking at their parts.
///
///     table.begin()
///     while let (piece, place) = try table.next(&reader) { … table[place] … table.insert(sample.series, value) }
///     let vanished = table.finish()
package struct SeriesTable<Value> {
    private var known = KnownTexts()
    /// What was learnt, by place. Looked at for every sample of every scrape: whoever uses the table has to be able to do it
    /// without asking what a `Value` is.
    @usableFromInline var values: [Value] = []

    package init() {}

    package var count: Int { values.count }

    @inlinable package subscript(place: Int) -> Value {
        get { values[place] }
        set { values[place] = newValue }
    }

    /// The place of the series that was remembered last.
    package var lastPlace: Int { values.count - 1 }

    /// Changes what is known of every series, those among them that the present exposition does not have.
    package mutating func forEach(_ body: (inout Value) -> Void) {
        for place in values.indices { body(&values[place]) }
    }

    /// Begins with a new exposition.
    package mutating func begin() { known.begin() }

    /// The reader's next piece, and for a sample the place of its series, if it is known.
    package mutating func next(
        _ reader: inout ExpositionReader
    ) throws(ExpositionError) -> (piece: ExpositionReader.Piece, place: Int?)? {
        try known.next(&reader)
    }

    /// Remembers a series that was not known.
    package mutating func insert(_ text: UnsafeBufferPointer<UInt8>, _ value: Value) {
        known.insert(text)
        values.append(value)
    }

    /// Forgets the series that the present exposition did not have.
    ///
    /// - Returns: what was known of them.
    package mutating func finish() -> [Value] {
        guard let kept = known.finish() else { return [] }
        let (former, isKept) = (values, Set(kept))
        values = kept.map { former[$0] }
        return former.indices.filter { !isKept.contains($0) }.map { former[$0] }
    }
}

/// The texts of a ``SeriesTable``, by place.
private struct KnownTexts {
    private struct Entry {
        var start: Int
        var length: Int
        var hash: Int
        /// Another entry whose hash is the same.
        var following: Int?
        /// Where it stood in the last exposition.
        var rank: Int
        /// The last exposition that it was in.
        var seen: Int
    }

    private var texts: [UInt8] = []
    private var entries: [Entry] = []
    private var byHash: [Int: Int] = [:]
    /// Entries in the order of the last exposition, and of the present one as far as it was read.
    private var former: [Int] = []
    private var present: [Int] = []
    private var cursor = 0
    private var exposition = 0

    mutating func begin() {
        exposition += 1
        cursor = 0
        present.removeAll(keepingCapacity: true)
    }

    mutating func next(
        _ reader: inout ExpositionReader
    ) throws(ExpositionError) -> (piece: ExpositionReader.Piece, place: Int?)? {
        guard let piece = try expectingNext(&reader) else { return nil }
        guard case .sample(let sample) = piece else { return (piece, nil) }
        guard let place = find(sample.series) else { return (piece, nil) }
        note(place)
        return (piece, place)
    }

    private func expectingNext(_ reader: inout ExpositionReader) throws(ExpositionError) -> ExpositionReader.Piece? {
        guard cursor < former.count else { return try reader.next() }
        let entry = entries[former[cursor]]
        return try texts.withUnsafeBufferPointer { texts throws(ExpositionError) in
            let expected = UnsafeBufferPointer(rebasing: texts[entry.start..<entry.start + entry.length])
            return try reader.next(expecting: expected)
        }
    }

    private mutating func note(_ place: Int) {
        // Seen twice, it stays where it stood first.
        if entries[place].seen == exposition { return }
        entries[place].seen = exposition
        cursor = entries[place].rank + 1
        present.append(place)
    }

    private func find(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
        if cursor < former.count, holds(former[cursor], text) { return former[cursor] }
        var place = byHash[hash(text)]
        while let candidate = place, !holds(candidate, text) { place = entries[candidate].following }
        return place
    }

    private func holds(_ place: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let entry = entries[place]
        guard entry.length == text.count, let start = text.baseAddress else { return false }
        return texts.withUnsafeBufferPointer { texts in
            texts.baseAddress.map { memcmp($0 + entry.start, start, text.count) == 0 } ?? false
        }
    }

    private func hash(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: UnsafeRawBufferPointer(text))
        return hasher.finalize()
    }

    mutating func insert(_ text: UnsafeBufferPointer<UInt8>) {
        let hash = hash(text)
        let entry = Entry(
            start: texts.count, length: text.count, hash: hash, following: byHash[hash], rank: cursor - 1,
            seen: exposition)
        texts.append(contentsOf: text)
        byHash[hash] = entries.count
        present.append(entries.count)
        entries.append(entry)
    }

    /// Forgets the texts that the present exposition did not have.
    ///
    /// - Returns: the former places of those that are kept, by their new ones; nil: all have stayed where they were.
    mutating func finish() -> [Int]? {
        let kept = present.count < entries.count ? present : nil
        if kept != nil { keepPresent() }
        for (rank, place) in present.enumerated() { entries[place].rank = rank }
        swap(&former, &present)
        return kept
    }

    private mutating func keepPresent() {
        let (oldTexts, oldEntries) = (texts, entries)
        texts = []
        entries = []
        byHash = [:]
        for (rank, place) in present.enumerated() {
            var entry = oldEntries[place]
            texts.append(contentsOf: oldTexts[entry.start..<entry.start + entry.length])
            entry.start = texts.count - entry.length
            entry.following = byHash[entry.hash]
            byHash[entry.hash] = rank
            entries.append(entry)
        }
        present = Array(entries.indices)
    }
}

extension SeriesTable: Sendable where Value: Sendable {}
