/// One line with a value; it lives only as long as the body that was read.
package struct ExpositionSample {
    /// Name and labels as they are written: the same bytes are the same series.
    package let series: UnsafeBufferPointer<UInt8>
    package let value: Double
    /// Milliseconds since 1970; nil: at the time of the scrape.
    package let time: Int64?

    /// Shows each label, the metric's name as `__name__` first, in the order in which they are written.
    package func forEachLabel(_ body: (ExpositionText, ExpositionText) -> Void) {
        guard var reader = try? ExpositionReader(series, .text) else { return }
        try? reader.skipSeries(showing: body)
    }

    /// The labels as texts; for where speed does not matter.
    package var labels: [(name: String, value: String)] {
        var labels: [(name: String, value: String)] = []
        forEachLabel { labels.append(($0.string, $1.string)) }
        return labels
    }
}

private let nameLabel: StaticString = "__name__"

/// Names and labels of series.
extension ExpositionReader {
    /// Moves over `name{labels}`, or `{"name", labels}`.
    mutating func skipSeries(showing show: (ExpositionText, ExpositionText) -> Void = { _, _ in })
        throws(ExpositionError)
    {
        let start = position
        if body[position].startsMetricName {
            while position < body.count, body[position].continuesMetricName { position += 1 }
            guard position - start <= limits.name else {
                throw error("A name is longer than \(limits.name) bytes.", .limit, at: start)
            }
            show(Self.nameText, ExpositionText(slice(start, position)))
            let nameEnd = position
            if format == .text { skipBlanks() }
            guard position < body.count, body[position] == .openingBrace else {
                position = nameEnd
                guard position == body.count || body[position].isBlank || body[position] == .newline else {
                    throw error("A metric’s name has no such character.")
                }
                return
            }
            try skipLabels(hasName: true, showing: show)
        } else if body[position] == .openingBrace {
            try skipLabels(hasName: false, showing: show)
        } else {
            throw error("A line should begin with a metric’s name.")
        }
    }

    private static var nameText: ExpositionText {
        ExpositionText(UnsafeBufferPointer(start: nameLabel.utf8Start, count: nameLabel.utf8CodeUnitCount))
    }

    /// Moves over `{…}`.
    ///
    /// - Parameter hasName: whether the metric's name stood before it; otherwise it is one of the parts, in quotes.
    mutating func skipLabels(hasName: Bool, showing show: (ExpositionText, ExpositionText) -> Void = { _, _ in })
        throws(ExpositionError)
    {
        let start = position
        var hasName = hasName
        var names: [UnsafeBufferPointer<UInt8>] = []
        position += 1
        while true {
            skipBlanks()
            guard position < body.count else { throw error("A } is missing.") }
            if body[position] == .closingBrace { break }
            let partStart = position
            let name = try labelName()
            skipBlanks()
            if position < body.count, body[position] == .equals {
                position += 1
                skipBlanks()
                let value = try quoted(limit: limits.value)
                guard !names.contains(where: { $0.elementsEqual(name.bytes) }) else {
                    throw error("This label is there twice.", at: partStart)
                }
                names.append(name.bytes)
                show(name, value)
            } else {
                guard !hasName, body[partStart] == .quote else { throw error("A = is missing.") }
                hasName = true
                show(Self.nameText, name)
            }
            guard names.count <= limits.labels else {
                throw error("A series has more than \(limits.labels) labels.", .limit, at: start)
            }
            skipBlanks()
            guard position < body.count, body[position] == .comma || body[position] == .closingBrace else {
                throw error("A comma or a } is missing.")
            }
            if body[position] == .comma { position += 1 }
        }
        position += 1
        guard hasName else { throw error("The metric has no name.", at: start) }
    }

    private mutating func labelName() throws(ExpositionError) -> ExpositionText {
        let start = position
        if body[position] == .quote { return try quoted(limit: limits.name) }
        guard body[position].startsName else { throw error("A label’s name is missing.") }
        while position < body.count, body[position].continuesName { position += 1 }
        guard position - start <= limits.name else {
            throw error("A name is longer than \(limits.name) bytes.", .limit, at: start)
        }
        return ExpositionText(slice(start, position))
    }

    /// Moves over a text in double quotes.
    mutating func quoted(limit: Int) throws(ExpositionError) -> ExpositionText {
        guard position < body.count, body[position] == .quote else { throw error("A \" is missing.") }
        position += 1
        let start = position
        var isEscaped = false
        var isASCII = true
        while true {
            guard position < body.count, body[position] != .newline else {
                throw error("The closing \" is missing.", at: start - 1)
            }
            let byte = body[position]
            if byte == .quote { break }
            if byte == .backslash {
                isEscaped = true
                position += 1
                guard position < body.count, body[position] != .newline else { continue }
            }
            if body[position] >= 0x80 { isASCII = false }
            position += 1
        }
        let text = slice(start, position)
        guard text.count <= limit else { throw error("A text is longer than \(limit) bytes.", .limit, at: start) }
        guard isASCII || isUTF8(text) else { throw error("This text is not UTF-8.", at: start) }
        position += 1
        return ExpositionText(text, isEscaped: isEscaped)
    }

    func isUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
    }
}
