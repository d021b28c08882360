/// The moments at which the clocks of a zone changed, from a TZif file (RFC 8536).
struct ZoneTable: Hashable, Sendable {
    /// In order.
    private let changes: [Int64]
    /// What holds from the change of the same index on.
    private let periods: [Zone.Period]
    /// What held before the first.
    private let first: Zone.Period

    /// Clocks that never change.
    init(_ period: Zone.Period) { (changes, periods, first) = ([], [], period) }

    private init(changes: [Int64], periods: [Zone.Period], first: Zone.Period) {
        self.changes = changes
        self.periods = periods
        self.first = first
    }

    /// From when on the rule in the footer counts, where there is one.
    var end: Int64 { changes.last ?? .min }

    func period(at seconds: Int64) -> Zone.Period {
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? first : periods[low - 1]
    }

    /// Reads a file of version 2 or later; nil if it is none, or cut.
    ///
    /// - Returns: the table of its second block, and the rule in its footer.
    static func read(_ bytes: [UInt8]) -> (table: ZoneTable, footer: String)? {
        var reader = Reader(bytes: bytes[...])
        guard let old = reader.header(), old.version >= UInt8(ascii: "2"), reader.skip(old.length(ofTime: 4)),
            let counts = reader.header(), let table = reader.table(counts),
            reader.skip(counts.leaps * 12 + counts.standards + counts.universals),
            let footer = reader.footer()
        else { return nil }
        return (table, footer)
    }

    private struct Counts {
        let version: UInt8
        let universals: Int
        let standards: Int
        let leaps: Int
        let changes: Int
        let kinds: Int
        let letters: Int

        /// Bytes of a block whose times have so many bytes.
        func length(ofTime size: Int) -> Int {
            changes * (size + 1) + kinds * 6 + letters + leaps * (size + 4) + standards + universals
        }
    }

    private struct Reader {
        var bytes: ArraySlice<UInt8>

        mutating func skip(_ count: Int) -> Bool { take(count) != nil }

        private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard count >= 0, bytes.count >= count else { return nil }
            defer { bytes = bytes.dropFirst(count) }
            return bytes.prefix(count)
        }

        /// A signed number, the largest byte first.
        private static func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
            let start: Int64 = (bytes.first ?? 0) >= 128 ? -1 : 0
            return bytes.reduce(start) { $0 << 8 | Int64($1) }
        }

        mutating func header() -> Counts? {
            guard let magic = take(4), Array(magic) == Array("TZif".utf8), let version = take(1)?.first, skip(15),
                let words = take(24)
            else { return nil }
            let numbers = (0..<6).map { Int(Self.number(words.dropFirst($0 * 4).prefix(4))) }
            guard numbers.allSatisfy({ (0...1 << 20).contains($0) }), numbers[4] > 0 else { return nil }
            return Counts(
                version: version, universals: numbers[0], standards: numbers[1], leaps: numbers[2],
                changes: numbers[3], kinds: numbers[4], letters: numbers[5])
        }

        mutating func table(_ counts: Counts) -> ZoneTable? {
            guard let times = take(counts.changes * 8), let indices = take(counts.changes),
                let kinds = take(counts.kinds * 6), let letters = take(counts.letters)
            else { return nil }
            var periods: [Zone.Period] = []
            for index in 0..<counts.kinds {
                let kind = kinds.dropFirst(index * 6).prefix(6)
                let offset = Int(Self.number(kind.prefix(4)))
                guard abs(offset) < 30 * 3600, let start = kind.last, Int(start) <= counts.letters else { return nil }
                let abbreviation = letters.dropFirst(Int(start)).prefix { $0 != 0 }
                periods.append(
                    Zone.Period(
                        offset: offset, isSummer: kind[kind.startIndex + 4] != 0,
                        abbreviation: String(decoding: abbreviation, as: UTF8.self)))
            }
            guard indices.allSatisfy({ $0 < periods.count }) else { return nil }
            let changes = (0..<counts.changes).map { Self.number(times.dropFirst($0 * 8).prefix(8)) }
            guard zip(changes, changes.dropFirst()).allSatisfy({ $0 < $1 }) else { return nil }
            return ZoneTable(changes: changes, periods: indices.map { periods[Int($0)] }, first: periods[0])
        }

        /// The line between two newlines at the end.
        mutating func footer() -> String? {
            guard take(1)?.first == UInt8(ascii: "\n"), let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
                return nil
            }
            return String(decoding: bytes[..<end], as: UTF8.self)
        }
    }
}
