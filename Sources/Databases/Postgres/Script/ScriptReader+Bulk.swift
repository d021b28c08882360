import Glibc
import Machine

/// The data behind a `COPY … FROM stdin;`, while it passes.
struct CopySection {
    /// How far it is in what could be the line that ends it, `\.`
    enum Column {
        case start, backslash, dot, carriageReturn, inside
    }

    var table = TableName(schema: "", name: "")
    var rows: Int64 = 0
    var bytes: Int64 = 0
    var column = Column.start
}

extension ScriptReader {
    // MARK: Data

    /// Behind `COPY … FROM stdin;`: psql takes the data from the next line on, and this line's rest afterwards.
    func takeCopyRest(_ byte: UInt8) throws {
        switch byte {
        case 0x20, 0x09, 0x0d: break
        case 0x0a:
            line += 1
            mode = .copyData
        default: throw DumpError.ambiguous("something behind COPY … FROM stdin; on the same line", line: line)
        }
    }

    /// Only `\.` alone on a line ends data, as in psql.
    func takeData(from start: Int) -> Int {
        guard let base = buffer.baseAddress else { return start }
        let count = buffer.count
        var at = start
        var rows: Int64 = 0
        var column = copy.column
        var ending = 0
        while at < count, ending == 0 {
            if column == .inside {
                guard let end = memchr(base + at, 0x0a, count - at) else {
                    at = count
                    break
                }
                at = UnsafeRawPointer(end) - base + 1
                rows += 1
                column = .start
                continue
            }
            let byte = base.load(fromByteOffset: at, as: UInt8.self)
            at += 1
            switch (column, byte) {
            case (.start, 0x5c): column = .backslash
            case (.backslash, 0x2e): column = .dot
            case (.dot, 0x0d): column = .carriageReturn
            case (.dot, 0x0a): ending = 3
            case (.carriageReturn, 0x0a): ending = 4
            case (_, 0x0a):
                rows += 1
                column = .start
            default: column = .inside
            }
        }
        copy.column = column
        copy.rows += rows
        copy.bytes += Int64(at - start)
        line += Int(rows)
        if ending > 0 {
            line += 1
            lineStart = taken + Int64(at)
            copy.bytes -= Int64(ending)
            add(copy)
            mode = .sql
        }
        return at
    }

    // MARK: Quotes and comments

    /// Goes through a quote, a quoted name, a dollar quote, a comment, as far as nothing in it counts.
    func takeLong(from start: Int) -> Int {
        let end: Int
        switch mode {
        case .quote where isEscaping:
            end = firstIndex(from: start) { $0 == 0x27 || $0 == 0x5c }
            if end < buffer.count { mode = buffer[end] == 0x27 ? .quoteEnd : .quoteBackslash }
        case .quote:
            end = firstIndex(of: 0x27, from: start)
            if end < buffer.count { mode = .quoteEnd }
        case .name:
            end = firstIndex(of: 0x22, from: start)
            if end < buffer.count { mode = .nameEnd }
        case .comment:
            end = firstIndex(from: start) { $0 == 0x2a || $0 == 0x2f }
            if end < buffer.count { mode = buffer[end] == 0x2a ? .commentStar : .commentSlash }
        default: return takeDollarQuote(from: start)
        }
        if mode != .comment, mode != .commentStar, mode != .commentSlash { statement.add(buffer[start..<end]) }
        countLines(start..<end)
        return min(end + 1, buffer.count)
    }

    private func takeDollarQuote(from start: Int) -> Int {
        var at = start
        while at < buffer.count {
            if tagMatch == 0 {
                at = firstIndex(of: 0x24, from: at)
                guard at < buffer.count else { break }
            }
            if buffer[at] == tag[tagMatch] {
                tagMatch += 1
                at += 1
                if tagMatch == tag.count {
                    mode = .sql
                    break
                }
            } else {
                // The byte is looked at again: it may be where the tag begins.
                tagMatch = 0
                if buffer[at] != 0x24 { at += 1 }
            }
        }
        countLines(start..<at)
        return at
    }

    func countLines(_ range: Range<Int>) {
        guard let base = buffer.baseAddress else { return }
        var at = range.lowerBound
        while at < range.upperBound, let end = memchr(base + at, 0x0a, range.upperBound - at) {
            line += 1
            at = UnsafeRawPointer(end) - base + 1
        }
    }

    /// The end of the buffer if there is none.
    private func firstIndex(of byte: Int32, from start: Int) -> Int {
        guard let base = buffer.baseAddress, start < buffer.count,
            let found = memchr(base + start, byte, buffer.count - start)
        else { return buffer.count }
        return UnsafeRawPointer(found) - base
    }

    @inline(__always)
    func firstIndex(from start: Int, _ isFound: (UInt8) -> Bool) -> Int {
        let bytes = buffer
        var at = start
        while at < bytes.count, !isFound(bytes[at]) { at += 1 }
        return at
    }

    // MARK: Line comments

    func beginLineComment(at start: Int) {
        isAlone = statement.isEmpty && lineStart == taken + Int64(start)
        word.removeAll(keepingCapacity: true)
        mode = .lineComment
    }

    /// It ends at a carriage return too, for psql.
    func takeLineComment(from start: Int) throws -> Int {
        let end = firstIndex(from: start) { $0 == 0x0a || $0 == 0x0d }
        if isAlone { word.append(contentsOf: buffer[start..<end].prefix(64 - word.count)) }
        if end < buffer.count { try endLineComment(at: end) }
        return end
    }

    func endLineComment(at end: Int) throws {
        mode = .sql
        guard isAlone else { return }
        let text = String(decoding: word, as: UTF8.self)
        if text == " PostgreSQL database cluster dump", route == .undecided { skip() }
        if text == " PostgreSQL database dump complete", route != .skipping {
            summary.endsWell = true
            // What follows belongs to the next database, CREATE DATABASE among it.
            if summary.isWholeDump {
                try send(upTo: end)
                try sink.write("\n")
                skip()
            }
        }
    }
}
