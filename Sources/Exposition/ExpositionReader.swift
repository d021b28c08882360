internal import Glibc

/// Reads an exposition piece by piece, without copying it.
///
/// All that it gives points into the body, which has to stay where it is meanwhile.
package struct ExpositionReader {
    package enum Piece {
        case sample(ExpositionSample)
        case kind(ExpositionText, MetricKind)
        case help(ExpositionText, ExpositionText)
        case unit(ExpositionText, ExpositionText)
    }

    let body: UnsafeBufferPointer<UInt8>
    let format: ExpositionFormat
    let limits: ExpositionLimits
    var position = 0
    private var samples = 0
    private var hasEnded = false

    /// - Throws: when the body is larger than the limit.
    package init(
        _ body: UnsafeBufferPointer<UInt8>, _ format: ExpositionFormat, limits: ExpositionLimits = ExpositionLimits()
    ) throws(ExpositionError) {
        self.body = body
        self.format = format
        self.limits = limits
        if body.count > limits.body {
            throw ExpositionError(.limit, "The answer is larger than \(limits.body) bytes.", at: 0, in: body)
        }
    }

    /// The next piece; nil at the end.
    ///
    /// - Parameter expected: the ``ExpositionSample/series`` that stood here in the last exposition, if known: where the same
    ///   bytes stand again, they need not be looked at one by one.
    package mutating func next(
        expecting expected: UnsafeBufferPointer<UInt8>? = nil
    ) throws(ExpositionError) -> Piece? {
        while position < body.count {
            if hasEnded { throw error("There is something after # EOF.") }
            if let expected, stands(expected) { return try sample(from: position, to: position + expected.count) }
            switch body[position] {
            case .hash: if let piece = try comment() { return piece }
            case .newline, .space, .tab: try blankLine()
            default:
                let start = position
                try skipSeries()
                return try sample(from: start, to: position)
            }
        }
        if format == .openMetrics, !hasEnded { throw error("The end is missing: # EOF.") }
        return nil
    }

    /// The error for a sample of this body that the format allows but the caller does not.
    package func refusal(of sample: ExpositionSample, _ what: String) -> ExpositionError {
        let offset = sample.series.baseAddress.flatMap { series in body.baseAddress.map { series - $0 } }
        return error(what, at: offset)
    }

    private func stands(_ expected: UnsafeBufferPointer<UInt8>) -> Bool {
        let end = position + expected.count
        guard end < body.count, let here = body.baseAddress, let there = expected.baseAddress,
            memcmp(here + position, there, expected.count) == 0
        else { return false }
        return body[end] == .space || body[end] == .tab
    }

    private mutating func blankLine() throws(ExpositionError) {
        if format == .openMetrics { throw error("A line is empty or begins with a blank.") }
        skipBlanks()
        if position < body.count, body[position] == .newline { position += 1 }
    }

    mutating func skipBlanks() { while position < body.count, body[position].isBlank { position += 1 } }

    func error(_ what: String, _ kind: ExpositionError.Kind = .syntax, at offset: Int? = nil) -> ExpositionError {
        ExpositionError(kind, what, at: offset ?? position, in: body)
    }

    func slice(_ start: Int, _ end: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: body[start..<end])
    }

    /// Up to the next blank or the end of the line.
    private mutating func token() -> UnsafeBufferPointer<UInt8> {
        let start = position
        while position < body.count, !body[position].isBlank, body[position] != .newline { position += 1 }
        return slice(start, position)
    }

    /// Moves over what parts two tokens.
    private mutating func skipSeparator() throws(ExpositionError) {
        if format == .text { return skipBlanks() }
        guard position < body.count, body[position] == .space else { throw error("A single space is missing.") }
        position += 1
    }

    private var isAtLineEnd: Bool { position >= body.count || body[position] == .newline }
}

/// Samples.
extension ExpositionReader {
    /// What follows the series: value, perhaps time, perhaps an exemplar.
    private mutating func sample(from start: Int, to end: Int) throws(ExpositionError) -> Piece {
        samples += 1
        if samples > limits.samples { throw error("There are more than \(limits.samples) samples.", .limit) }
        position = end
        try skipSeparator()
        let valueStart = position
        guard let value = number(token()) else { throw error("This is not a value.", at: valueStart) }
        var time: Int64?
        if !isAtLineEnd {
            try skipSeparator()
            if isAtLineEnd, format == .openMetrics { throw error("The line ends in a blank.") }
            if !isAtLineEnd, body[position] != .hash || format == .text { time = try timestamp() }
            if format == .openMetrics, !isAtLineEnd { try exemplar() }
            if format == .text { skipBlanks() }
        }
        guard isAtLineEnd else { throw error("The line should have ended here.") }
        position += 1
        return .sample(ExpositionSample(series: slice(start, end), value: value, time: time))
    }

    private mutating func timestamp() throws(ExpositionError) -> Int64 {
        let start = position
        let text = token()
        switch format {
        case .text:
            if let time = wholeNumber(text) { return time }
        case .openMetrics:
            if let seconds = number(text), seconds.magnitude < 9e15 { return Int64((seconds * 1000).rounded()) }
        }
        throw error("This is not a time.", at: start)
    }

    /// Reads over ` # {labels} value time`.
    private mutating func exemplar() throws(ExpositionError) {
        if body[position].isBlank { position += 1 }
        guard !isAtLineEnd, body[position] == .hash else { throw error("An exemplar should stand here.") }
        position += 1
        try skipSeparator()
        guard !isAtLineEnd, body[position] == .openingBrace else { throw error("An exemplar has no labels.") }
        try skipLabels(hasName: true)
        try skipSeparator()
        let valueStart = position
        guard number(token()) != nil else { throw error("This is not a value.", at: valueStart) }
        if !isAtLineEnd {
            try skipSeparator()
            _ = try timestamp()
        }
    }
}

/// Lines that begin with `#`.
extension ExpositionReader {
    /// - Returns: nil for a comment, which is read over.
    private mutating func comment() throws(ExpositionError) -> Piece? {
        let start = position
        position += 1
        if format == .text { skipBlanks() } else { try skipSeparator() }
        let word = String(decoding: token(), as: UTF8.self)
        switch (word, format) {
        case ("HELP", _), ("TYPE", _), ("UNIT", .openMetrics): return try metadata(word)
        case ("EOF", .openMetrics):
            guard isAtLineEnd else { throw error("Something follows # EOF.") }
            hasEnded = true
        case (_, .openMetrics): throw error("Only HELP, TYPE, UNIT and EOF may follow a #.", at: start)
        case (_, .text): while !isAtLineEnd { position += 1 }
        }
        position += 1
        return nil
    }

    private mutating func metadata(_ word: String) throws(ExpositionError) -> Piece {
        try skipSeparator()
        let name = try familyName()
        if !isAtLineEnd { try skipSeparator() }
        let start = position
        var isEscaped = false
        while !isAtLineEnd {
            isEscaped = isEscaped || body[position] == .backslash
            position += 1
        }
        let text = ExpositionText(slice(start, position), isEscaped: isEscaped)
        position += 1
        switch word {
        case "HELP":
            guard isUTF8(text.bytes) else { throw error("The help is not UTF-8.", at: start) }
            return .help(name, text)
        case "UNIT":
            let isSuffix = name.string.hasSuffix("_" + text.string) || text.bytes.isEmpty
            guard isSuffix else { throw error("The name does not end in the unit.", at: start) }
            return .unit(name, text)
        default:
            guard let kind = MetricKind(text, format) else { throw error("There is no such type.", at: start) }
            return .kind(name, kind)
        }
    }

    private mutating func familyName() throws(ExpositionError) -> ExpositionText {
        if position < body.count, body[position] == .quote { return try quoted(limit: limits.name) }
        let start = position
        guard position < body.count, body[position].startsMetricName else { throw error("A metric’s name is missing.") }
        while position < body.count, body[position].continuesMetricName { position += 1 }
        guard isAtLineEnd || body[position].isBlank else { throw error("A metric’s name has no such character.") }
        return ExpositionText(slice(start, position))
    }
}
