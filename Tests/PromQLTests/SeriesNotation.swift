import PromQL
import TimeSeries

/// `metric{label="value"} 1 2+1x5 _ stale`, as promqltest scripts and rule tests write series.
struct SeriesNotation {
    enum Value: Equatable {
        case missing
        case float(Double)
        /// A native histogram, not looked into.
        case histogram
    }

    struct Malformed: Error { let line: String }

    let labels: Labels
    let values: [Value]

    init(_ line: String) throws {
        var scanner = Scanner(line)
        labels = try scanner.labels()
        var values: [Value] = []
        while scanner.skipBlanks() { values += try scanner.values() }
        self.values = values
    }

    private struct Scanner {
        let line: String
        var rest: Substring

        init(_ line: String) {
            self.line = line
            rest = line[...]
        }

        var malformed: Malformed { Malformed(line: line) }

        /// Whether something follows.
        mutating func skipBlanks() -> Bool {
            rest = rest.drop { $0 == " " || $0 == "\t" }
            return !rest.isEmpty
        }

        mutating func take(_ text: String) -> Bool {
            guard rest.hasPrefix(text) else { return false }
            rest.removeFirst(text.count)
            return true
        }

        mutating func labels() throws -> Labels {
            var labels: [Label] = []
            let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == ":" }
            rest = rest.dropFirst(name.count)
            if !name.isEmpty { labels.append(Label(name: Labels.metricName, value: String(name))) }
            guard take("{") else { return Labels(labels) }
            while skipBlanks(), !take("}") {
                if rest.first == "\"" {
                    let text = try quoted()
                    _ = skipBlanks()
                    if take("=") {
                        _ = skipBlanks()
                        labels.append(Label(name: text, value: try quoted()))
                    } else {
                        labels.append(Label(name: Labels.metricName, value: text))
                    }
                } else {
                    let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                    rest = rest.dropFirst(name.count)
                    _ = skipBlanks()
                    guard !name.isEmpty, take("=") else { throw malformed }
                    _ = skipBlanks()
                    labels.append(Label(name: String(name), value: try quoted()))
                }
                _ = skipBlanks()
                _ = take(",")
            }
            return Labels(labels)
        }

        /// A string as PromQL writes it, by PromQL's own reader.
        mutating func quoted() throws -> String {
            guard rest.first == "\"" else { throw malformed }
            var end = rest.index(after: rest.startIndex)
            while end < rest.endIndex, rest[end] != "\"" {
                end = rest.index(end, offsetBy: rest[end] == "\\" ? 2 : 1, limitedBy: rest.endIndex) ?? rest.endIndex
            }
            guard end < rest.endIndex else { throw malformed }
            guard case .string(let text, _) = try Expression.parse(String(rest[...end])) else { throw malformed }
            rest = rest[rest.index(after: end)...]
            return text
        }

        /// One item of the list, unrolled.
        mutating func values() throws -> [Value] {
            if rest.hasPrefix("{{") {
                try skipHistogram()
                if take("+") || take("-") { try skipHistogram() }
                return [Value](repeating: .histogram, count: try times() + 1)
            }
            if take("_") { return [Value](repeating: .missing, count: max(1, try times())) }
            if take("stale") {
                return [Value](repeating: .float(.staleMarker), count: try times() + 1)
            }
            let first = try number()
            var step = 0.0
            if rest.first == "+" || rest.first == "-" { step = try number() }
            return (0...(try times())).map { .float(first + Double($0) * step) }
        }

        mutating func skipHistogram() throws {
            guard let end = rest.firstRange(of: "}}") else { throw malformed }
            rest = rest[end.upperBound...]
        }

        /// The count after an `x`, or 0.
        mutating func times() throws -> Int {
            guard take("x") else { return 0 }
            let digits = rest.prefix { $0.isNumber }
            guard let count = Int(digits) else { throw malformed }
            rest = rest.dropFirst(digits.count)
            return count
        }

        mutating func number() throws -> Double {
            var text = ""
            if let sign = rest.first, sign == "+" || sign == "-" {
                text.append(sign)
                rest.removeFirst()
            }
            let word = rest.prefix { $0.isLetter && $0 != "x" && $0 != "e" && $0 != "E" }
            if !word.isEmpty {
                text += word
                rest = rest.dropFirst(word.count)
            } else {
                let digits = rest.prefix { $0.isNumber || $0 == "." }
                text += digits
                rest = rest.dropFirst(digits.count)
                if let exponent = rest.first, exponent == "e" || exponent == "E" {
                    text.append(rest.removeFirst())
                    if let sign = rest.first, sign == "+" || sign == "-" { text.append(rest.removeFirst()) }
                    let digits = rest.prefix { $0.isNumber }
                    text += digits
                    rest = rest.dropFirst(digits.count)
                }
            }
            guard let value = FloatText.value(text) else { throw malformed }
            return value
        }
    }
}
