import Machine
import PromQL
import Synchronization
import TestKit
import Testing
import TimeSeries

/// No text makes the parser or the engine do anything but answer or refuse.
@Suite struct ParserFuzzTests {
    private static let words = [
        "foo", "bar", "sum", "topk", "count_values", "quantile", "by", "without", "on", "ignoring", "group_left",
        "group_right", "bool", "offset", "@", "start", "end", "(", ")", "(", ")", "[", "]", "{", "}", ",", ":", "+",
        "-",
        "*", "/", "%", "^", "==", "!=", "<=", ">", "=~", "!~", "=", "and", "or", "unless", "atan2", "rate", "time",
        "label_replace", "histogram_quantile", "max_over_time", "absent", "vector", "scalar", "1", "0", "5m", "1h30m",
        "1e308", "0x10", "Inf", "NaN", "\"a\"", "'('", "`x`", "\"le\"", "#", "\n", "\\", "ö", "\u{0}", "1e400",
        "9223372036854775807",
    ]

    @Test func anyTextIsAnsweredOrRefused() throws {
        let source = MemorySource()
        source.add(
            [Sample(time: 0, value: 1), Sample(time: 60_000, value: 2)], to: Labels(["__name__": "foo", "le": "1"]))
        var options = Engine.Options()
        options.experimental = true
        options.limits.samples = 100_000
        let engine = Engine(options: options)
        for var round in Torture.rounds(of: "PromQL parser", short: 20_000) {
            let text = Self.text(using: &round.random)
            do {
                let query = try engine.parse(text)
                _ = try engine.instant(query, at: 60_000, from: source)
                guard query.expression.type == .scalar || query.expression.type == .instantVector else { continue }
                _ = try engine.range(query, over: 0...300_000, step: 60_000, from: source)
            } catch let error as PromQLError {
                #expect(error.kind != .storage, "\(round): \(text): \(error)")
            } catch {
                Issue.record("\(round): \(text): \(error)")
            }
        }
    }

    private static func text(using random: inout SeededRandom) -> String {
        if Bool.random(using: &random), var text = templates.randomElement(using: &random) {
            // One token of something whole is changed, left out or doubled.
            var parts = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            let place = Int.random(in: 0..<parts.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: parts[place] = words.randomElement(using: &random) ?? ""
            case 1: parts.remove(at: place)
            default: parts.insert(parts[place], at: place)
            }
            text = parts.joined(separator: " ")
            return text
        }
        let count = Int.random(in: 1...20, using: &random)
        return (0..<count).map { _ in words.randomElement(using: &random) ?? "" }.joined(separator: " ")
    }

    private static let templates = [
        "sum by ( le ) ( rate ( foo { le = \"1\" } [ 5m ] offset 1m @ 60 ) )",
        "histogram_quantile ( 0.9 , foo ) or topk ( 1 , foo * on ( le ) group_left ( x ) foo )",
        "max_over_time ( foo [ 10m : 1m ] ) > bool 1 and on ( ) vector ( time ( ) )",
        "label_replace ( foo , \"a\" , \"$1\" , \"le\" , \"(.*)\" ) ^ - 2 % 3",
        "quantile_over_time ( 0.5 , foo [ 5m + 1m ] ) unless absent ( bar )",
    ]

    // MARK: Depth

    @Test(arguments: [
        (String(repeating: "(", count: 100_000), "1", ""),
        (String(repeating: "(", count: 100_000), "1", String(repeating: ")", count: 100_000)),
        (String(repeating: "-", count: 100_000), "1", ""),
        (String(repeating: "abs(", count: 100_000), "foo", String(repeating: ")", count: 100_000)),
        ("", "1", String(repeating: "+1", count: 100_000)),
        ("", "1", String(repeating: "^1", count: 100_000)),
        ("", "foo", String(repeating: "[5m:]", count: 100_000)),
        ("foo[" + String(repeating: "-", count: 100_000), "1", "]"),
        ("foo[" + String(repeating: "(", count: 100_000), "1", String(repeating: ")", count: 100_000) + "]"),
        ("foo[" + "1", String(repeating: "^1", count: 100_000), "]"),
    ])
    func whatIsNestedTooDeepIsRefused(_ before: String, _ middle: String, _ after: String) throws {
        #expect(throws: PromQLError.self) { try Expression.parse(before + middle + after, experimental: true) }
    }

    /// Threads of ours have 2 MiB of stack.
    @Test(arguments: ["-", "abs(", "(", "1 + "]) func theDeepestThatIsAdmittedFitsAThread(_ opening: String)
        async throws
    {
        let source = MemorySource()
        source.add([Sample(time: 0, value: 1)], to: Labels(["__name__": "foo"]))
        let answer = Mutex(0.0)
        await withCheckedContinuation { continuation in
            startHelperThread("deep") {
                let closing = opening.hasSuffix("(") ? ")" : ""
                let text = String(repeating: opening, count: 195) + "foo" + String(repeating: closing, count: 195)
                let engine = Engine()
                if let query = try? engine.parse(text),
                    case .vector(let elements)? = try? engine.instant(query, at: 0, from: source).value
                {
                    answer.withLock { $0 = elements.first?.sample.value ?? 0 }
                }
                continuation.resume()
            }
        }
        #expect(answer.withLock { $0 }.magnitude == (opening == "1 + " ? 196 : 1))
    }
}
