import PromQL
import TimeSeries

/// A promqltest script: series to load and expressions with what they have to yield.
struct Script {
    enum Command {
        case clear
        case load(step: Int64, [SeriesNotation], withNativeCopies: Bool)
        case eval(Eval)
    }

    struct Eval {
        enum Mode {
            case instant(Int64)
            case range(start: Int64, end: Int64, step: Int64)
        }

        enum Message {
            case any
            case text(String)
            case pattern(String)
        }

        let line: Int
        let mode: Mode
        let expression: String
        var fail: Message?
        var warnings: [Message] = []
        var infos: [Message] = []
        var noWarnings = false
        var noInfos = false
        var isOrdered = false
        var string: String?
        var scalar: Double?
        var series: [SeriesNotation] = []

        /// Whether the expected answer has native histograms in it.
        var expectsHistograms: Bool { series.contains { $0.values.contains(.histogram) } }
    }

    struct Malformed: Error, CustomStringConvertible {
        let line: Int
        let text: String
        var description: String { "line \(line): cannot be read: \(text)" }
    }

    private(set) var commands: [Command] = []

    init(_ text: String) throws {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let trimmed = line.trimmingBlanks
            return trimmed.hasPrefix("#") ? "" : trimmed
        }
        var index = 0
        while index < lines.count {
            let line = lines[index]
            let number = index + 1
            index += 1
            if line.isEmpty { continue }
            var body: [String] = []
            while line != "clear", index < lines.count, !lines[index].isEmpty {
                body.append(lines[index])
                index += 1
            }
            do {
                commands.append(try Self.command(line, number, body))
            } catch {
                throw Malformed(line: number, text: "\(line) – \(error)")
            }
        }
    }

    private static func command(_ line: String, _ number: Int, _ body: [String]) throws -> Command {
        if line == "clear" { return .clear }
        if let match = line.wholeMatch(of: /load(_with_nhcb)?\s+(.+)/), let step = milliseconds(match.2) {
            return .load(step: step, try body.map(SeriesNotation.init), withNativeCopies: match.1 != nil)
        }
        if let match = line.wholeMatch(of: /eval(_\w+)?\s+instant\s+at\s+(\S+)\s+(.+)/),
            let time = milliseconds(match.2)
        {
            return .eval(try eval(match.1, .instant(time), match.3, number, body))
        }
        if let match = line.wholeMatch(
            of: /eval(_\w+)?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)/),
            let start = milliseconds(match.2), let end = milliseconds(match.3), let step = milliseconds(match.4)
        {
            return .eval(try eval(match.1, .range(start: start, end: end, step: step), match.5, number, body))
        }
        throw Malformed(line: number, text: line)
    }

    private static func milliseconds(_ text: Substring) -> Int64? {
        DurationText.milliseconds(String(text)) ?? Double(text).map { Int64($0 * 1000) }
    }

    private static func eval(
        _ suffix: Substring?, _ mode: Eval.Mode, _ expression: Substring, _ line: Int, _ body: [String]
    ) throws -> Eval {
        var eval = Eval(line: line, mode: mode, expression: String(expression))
        switch suffix {
        case "_fail": eval.fail = .any
        case "_warn": eval.warnings = [.any]
        case "_info": eval.infos = [.any]
        case "_ordered": eval.isOrdered = true
        default: break
        }
        for line in body { try eval.expect(line) }
        return eval
    }
}

extension Script.Eval {
    /// Takes in one line of what the expression has to yield.
    fileprivate mutating func expect(_ line: String) throws {
        if let match = line.wholeMatch(of: /expected_fail_message\s+(.*)/) {
            fail = .text(String(match.1))
        } else if let match = line.wholeMatch(of: /expected_fail_regexp\s+(.*)/) {
            fail = .pattern(String(match.1))
        } else if let match = line.wholeMatch(of: /expect\s+string\s+(.*)/) {
            guard case .string(let text, _) = try Expression.parse(String(match.1)) else {
                throw Script.Malformed(line: self.line, text: line)
            }
            string = text
        } else if let match = line.wholeMatch(of: /expect\s+(\w+)(?:\s+(msg|regex):\s*(.*))?/) {
            let message: Message =
                switch match.2 {
                case "msg": .text(String(match.3 ?? ""))
                case "regex": .pattern(String(match.3 ?? ""))
                default: .any
                }
            switch match.1 {
            case "fail": fail = message
            case "warn": warnings.append(message)
            case "info": infos.append(message)
            case "no_warn": noWarnings = true
            case "no_info": noInfos = true
            case "ordered": isOrdered = true
            default: throw Script.Malformed(line: self.line, text: line)
            }
        } else if let value = FloatText.value(line) {
            scalar = value
        } else {
            series.append(try SeriesNotation(line))
        }
    }
}

extension StringProtocol {
    fileprivate var trimmingBlanks: String {
        var rest = self[...]
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest.drop(while: \.isWhitespace))
    }
}
