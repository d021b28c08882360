import Exposition
import TestKit
import Testing

/// What an exposition gives, as text: one line a piece.
func pieces(
    _ text: String, _ format: ExpositionFormat = .text, limits: ExpositionLimits = ExpositionLimits()
) throws(ExpositionError) -> [String] {
    try pieces(Array(text.utf8), format, limits: limits)
}

func pieces(
    _ bytes: [UInt8], _ format: ExpositionFormat = .text, limits: ExpositionLimits = ExpositionLimits()
) throws(ExpositionError) -> [String] {
    var found: [String] = []
    var failure: ExpositionError?
    bytes.withUnsafeBufferPointer { body in
        do throws(ExpositionError) {
            var reader = try ExpositionReader(body, format, limits: limits)
            while let piece = try reader.next() { found.append(text(of: piece)) }
        } catch { failure = error }
    }
    if let failure { throw failure }
    return found
}

private func text(of piece: ExpositionReader.Piece) -> String {
    switch piece {
    case .help(let name, let text): return "help \(name.string): \(text.string)"
    case .kind(let name, let kind): return "kind \(name.string): \(kind.rawValue)"
    case .unit(let name, let unit): return "unit \(name.string): \(unit.string)"
    case .sample(let sample):
        let labels = sample.labels.map { "\($0.name)=\($0.value)" }.joined(separator: "|")
        return "\(labels) = \(sample.value)" + (sample.time.map { " at \($0)" } ?? "")
    }
}

@Suite struct ReaderTests {
    @Test func readsTheTextFormat() throws {
        let text = """
            # HELP http_requests_total Line\\nfeed, back\\\\slash, "quotes".
            # TYPE http_requests_total counter
            http_requests_total{method="post",code="200"} 1027 1395066363000
            http_requests_total{method="post",code="400",}    3
            # A comment.

            \t# TYPO
            msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find:\\n\\"F\\"\\x"} 1.458255915e9
            metric_without_timestamp_and_labels 12.47
            something_weird{problem="division by zero"} +Inf -3982045
            blanks \t { a = "1" , b = "2" }\t-0.5\t7 \t
            a{b="c"}1
            # TYPE u untyped
            # HELP empty
            n NaN
            no_newline 5
            """
        #expect(
            try pieces(text) == [
                "help http_requests_total: Line\nfeed, back\\slash, \"quotes\".",
                "kind http_requests_total: counter",
                "__name__=http_requests_total|method=post|code=200 = 1027.0 at 1395066363000",
                "__name__=http_requests_total|method=post|code=400 = 3.0",
                "__name__=msdos_file_access_time_seconds|path=C:\\DIR\\FILE.TXT|error=Cannot find:\n\"F\"\\x = 1458255915.0",
                "__name__=metric_without_timestamp_and_labels = 12.47",
                "__name__=something_weird|problem=division by zero = inf at -3982045",
                "__name__=blanks|a=1|b=2 = -0.5 at 7",
                "__name__=a|b=c = 1.0",
                "kind u: unknown",
                "help empty: ",
                "__name__=n = nan",
                "__name__=no_newline = 5.0",
            ])
    }

    @Test func readsOpenMetrics() throws {
        let text = """
            # TYPE foo_seconds counter
            # UNIT foo_seconds seconds
            # HELP foo_seconds Some "help" with a \\\\ and a \\" in it.
            foo_seconds_total{a="b"} 17.0 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.67
            foo_seconds_created 1520872607.123
            # TYPE h histogram
            h_bucket{le="0.1"} 8 # {} 0.054
            h_bucket{le="+Inf"} 17 # {trace_id="oHg5SJYRHA0",span="x"} 9.8 1520879607.789
            h_count 17
            h_sum 324789.3
            # TYPE s stateset
            s{s="on"} 1
            # EOF

            """
        #expect(
            try pieces(text, .openMetrics) == [
                "kind foo_seconds: counter",
                "unit foo_seconds: seconds",
                "help foo_seconds: Some \"help\" with a \\ and a \" in it.",
                "__name__=foo_seconds_total|a=b = 17.0 at 1520879607789",
                "__name__=foo_seconds_created = 1520872607.123",
                "kind h: histogram",
                "__name__=h_bucket|le=0.1 = 8.0",
                "__name__=h_bucket|le=+Inf = 17.0",
                "__name__=h_count = 17.0",
                "__name__=h_sum = 324789.3",
                "kind s: stateset",
                "__name__=s|s=on = 1.0",
            ])
    }

    @Test func readsNamesInQuotes() throws {
        let text = """
            # TYPE "my.metric" gauge
            {"my.metric","label.with.dots"="x",plain="y"} 1
            {"µ","a\\"b"="ü"} 2

            """
        #expect(
            try pieces(text) == [
                "kind my.metric: gauge",
                "__name__=my.metric|label.with.dots=x|plain=y = 1.0",
                "__name__=µ|a\"b=ü = 2.0",
            ])
    }

    @Test(arguments: [
        // Prometheus refuses each of these as well.
        ("a b\n", 1, 3), ("a\n", 1, 2), ("a 1 x\n", 1, 5), ("a 1 2 3\n", 1, 7), ("a{b=\"c\"\n", 1, 8),
        ("ok 1\na{b='c'} 1\n", 2, 5), ("a{b=\"c} 1\n", 1, 5), ("a{\"b\"} 1\n", 1, 6), ("{a=\"b\"} 1\n", 1, 1),
        ("a{b=\"c\" d=\"e\"} 1\n", 1, 9), ("a{b=\"c\",b=\"d\"} 1\n", 1, 9), ("a{,} 1\n", 1, 3), ("1a 1\n", 1, 1),
        ("ä 1\n", 1, 1), ("a-b 1\n", 1, 2), ("a 1_000\n", 1, 3), ("a 0x1p4\n", 1, 3), ("a 1e\n", 1, 3), ("a .\n", 1, 3),
        ("# TYPE a sometype\n", 1, 10), ("# TYPE a info\n", 1, 10), ("# HELP\n", 1, 7), ("a{b=\"c\"} 1\r\n", 1, 10),
        ("\u{0} 1\n", 1, 1),
        ("a 1 9223372036854775808\n", 1, 5), ("a 1 1.5\n", 1, 5),
    ])
    func saysWhereTheTextIsWrong(text: String, line: Int, column: Int) {
        let error = #expect(throws: ExpositionError.self) { try pieces(text) }
        #expect(error?.line == line && error?.column == column, "\(String(describing: error))")
        #expect(error?.kind == .syntax)
    }

    @Test(arguments: [
        "a 1\n", "a 1\n# EOF\na 1\n", "a 1\n\n# EOF\n", "# comment\n# EOF\n", "a  1\n# EOF\n", "a 1 \n# EOF\n",
        "#EOF\n",
        "# UNIT a seconds\n# EOF\n", "a 1 # 2\n# EOF\n", "a 1 # {a=\"b\"}\n# EOF\n", "# TYPE a untyped\n# EOF\n", "",
        "a 1 1 # {a=\"b\"} 1 1 1\n# EOF\n", "# EOF x\n",
    ])
    func refusesWhatIsNotOpenMetrics(text: String) {
        #expect(throws: ExpositionError.self) { try pieces(text, .openMetrics) }
    }

    @Test func refusesWhatIsNotUTF8() {
        #expect(throws: ExpositionError.self) { try pieces(Array("a{b=\"".utf8) + [0xff] + Array("\"} 1\n".utf8)) }
        #expect(throws: ExpositionError.self) { try pieces(Array("# HELP a ".utf8) + [0xc0, 0x0a]) }
    }

    @Test func keepsToItsLimits() throws {
        func refuses(_ text: String, _ change: (inout ExpositionLimits) -> Void) {
            var limits = ExpositionLimits()
            #expect(throws: Never.self) { try pieces(text, limits: limits) }
            change(&limits)
            let error = #expect(throws: ExpositionError.self) { try pieces(text, limits: limits) }
            #expect(error?.kind == .limit)
        }
        refuses("a 1\nb 2\n") { $0.samples = 1 }
        refuses("a 1\nb 2\n") { $0.body = 7 }
        refuses("a{b=\"1\",c=\"2\"} 1\n") { $0.labels = 1 }
        refuses("a{b=\"12345\"} 1\n") { $0.value = 4 }
        refuses("abcde 1\n") { $0.name = 4 }
        refuses("a{abcde=\"1\"} 1\n") { $0.name = 4 }
    }

    @Test func numbersAreThoseOfTheLibrary() throws {
        for round in 0..<5000 {
            var random = SeededRandom(seed: UInt64(round))
            let value = Double(bitPattern: random.next())
            if value.isNaN { continue }
            let digits = Int.random(in: 1...25, using: &random)
            let texts = [
                "\(value)", "\(Double.random(in: -1e6...1e6, using: &random))",
                "\(Int.random(in: .min ... .max, using: &random))",
                String((0..<digits).map { _ in Character("\(Int.random(in: 0...9, using: &random))") }) + ".5e-7",
            ]
            for text in texts where Double(text) != nil {
                let found = try pieces("a \(text)\n")
                #expect(found == ["__name__=a = \(try #require(Double(text)))"], "seed \(round): \(text)")
            }
        }
    }

    /// Whatever is sent: an answer, and nothing is read that is not there.
    @Test func survivesAnyBytes() {
        let whole = Array(
            "# HELP a b\\n\n# TYPE a counter\na{b=\"c\\\"\",\"d.e\"=\"ü\"} 1.5e3 17\n{\"x\"} NaN # {a=\"b\"} 1 2\n# EOF\n"
                .utf8)
        for round in 0..<20_000 {
            var random = SeededRandom(seed: UInt64(round))
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = .random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(place...)
                default: bytes.insert(whole[Int.random(in: whole.indices, using: &random)], at: place)
                }
                if bytes.isEmpty { bytes = [10] }
            }
            for format in [ExpositionFormat.text, .openMetrics] { _ = try? pieces(bytes, format) }
        }
    }

    @Test func recognisesTheSeriesThatStoodThereBefore() throws {
        let body = Array("a{b=\"c\"} 1\na{b=\"c\"}2\nab 3\na 4\n".utf8)
        try body.withUnsafeBufferPointer { body in
            let expected = Array("a{b=\"c\"}".utf8)
            let short = Array("a".utf8)
            var reader = try ExpositionReader(body, .text)
            var found: [String] = []
            while let piece = try [expected, expected, short, short][found.count % 4].withUnsafeBufferPointer({
                try reader.next(expecting: $0)
            }) {
                guard case .sample(let sample) = piece else { continue }
                found.append("\(String(decoding: sample.series, as: UTF8.self)) \(sample.value)")
            }
            #expect(found == ["a{b=\"c\"} 1.0", "a{b=\"c\"} 2.0", "ab 3.0", "a 4.0"])
        }
    }
}
