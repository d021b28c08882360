import Exposition
import Testing

@Suite struct WriterTests {
    private func filled(_ format: ExpositionFormat) -> [UInt8] {
        var writer = ExpositionWriter(format)
        writer.family("a_seconds", .gauge, help: "Back\\slash, \"quotes\",\nline.", unit: "seconds")
        writer.sample("a_seconds", [("b", "c\\\"\n"), ("d.e", "ü")], -0.0)
        writer.sample("a_seconds", [], .infinity, time: 1_520_879_607_089)
        writer.family("my.metric", .unknown)
        writer.sample("my.metric", [("x", "y")], 1e300, time: -5)
        writer.sample("my.metric", [], .nan)
        return writer.finish()
    }

    @Test func writesText() {
        #expect(
            String(decoding: filled(.text), as: UTF8.self) == """
                # HELP a_seconds Back\\\\slash, "quotes",\\nline.
                # TYPE a_seconds gauge
                a_seconds{b="c\\\\\\"\\n","d.e"="ü"} -0.0
                a_seconds +Inf 1520879607089
                # TYPE "my.metric" untyped
                {"my.metric",x="y"} 1e+300 -5
                {"my.metric"} NaN

                """)
    }

    @Test func writesOpenMetrics() {
        #expect(
            String(decoding: filled(.openMetrics), as: UTF8.self) == """
                # HELP a_seconds Back\\\\slash, \\"quotes\\",\\nline.
                # UNIT a_seconds seconds
                # TYPE a_seconds gauge
                a_seconds{b="c\\\\\\"\\n","d.e"="ü"} -0.0
                a_seconds +Inf 1520879607.089
                # TYPE "my.metric" unknown
                {"my.metric",x="y"} 1e+300 -0.005
                {"my.metric"} NaN
                # EOF

                """)
    }

    @Test(arguments: [ExpositionFormat.text, .openMetrics])
    func isReadAgain(format: ExpositionFormat) throws {
        let found = try pieces(filled(format), format).filter { $0.hasPrefix("__name__") }
        #expect(
            found == [
                "__name__=a_seconds|b=c\\\"\n|d.e=ü = -0.0", "__name__=a_seconds = inf at 1520879607089",
                "__name__=my.metric|x=y = 1e+300 at -5", "__name__=my.metric = nan",
            ])
    }

    @Test func theFormatIsToldByItsType() {
        #expect(
            ExpositionFormat(contentType: "application/openmetrics-text; version=1.0.0; charset=utf-8") == .openMetrics)
        #expect(ExpositionFormat(contentType: "text/plain; version=0.0.4") == .text)
        #expect(ExpositionFormat(contentType: ExpositionFormat.openMetrics.contentType) == .openMetrics)
        #expect(ExpositionFormat(contentType: "") == .text)
    }
}
