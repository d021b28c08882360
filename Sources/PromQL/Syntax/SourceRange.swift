/// Where something stands in an expression: byte offsets, the end not included.
package struct SourceRange: Hashable, Sendable {
    package let start: Int
    package let end: Int

    package init(_ start: Int, _ end: Int) {
        self.start = start
        self.end = end
    }

    /// From the start of this to the end of `other`.
    func through(_ other: SourceRange) -> SourceRange { SourceRange(start, max(end, other.end)) }
}

/// A place for a person: line and column from 1, the column counted in Unicode scalars.
package struct SourcePlace: Hashable, Sendable, CustomStringConvertible {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// The place of the byte `offset` of `text`.
    package init(offset: Int, in text: String) {
        var line = 1
        var column = 1
        var index = text.utf8.startIndex
        for _ in 0..<min(offset, text.utf8.count) {
            let byte = text.utf8[index]
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xc0 != 0x80 {
                column += 1
            }
            index = text.utf8.index(after: index)
        }
        self.init(line: line, column: column)
    }

    package var description: String { "\(line):\(column)" }
}
