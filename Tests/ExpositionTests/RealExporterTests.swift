import Exposition
import Glibc
import Machine
import TestKit
import Testing

/// What real exporters answer.
@Suite struct RealExporterTests {
    @Test(.enabled(if: RealExporter.isAvailable, Comment(rawValue: RealExporter.howToGetOne)))
    func nodeExporter() async throws {
        let text = try await RealExporter.answer(of: "prometheus-node-exporter")
        #expect(ExpositionFormat(contentType: text.type) == .text)
        try isReadAndWrittenAlike(text.body, .text, atLeast: 300)

        // Some versions have nothing but text all the same.
        let asked = try await RealExporter.answer(of: "prometheus-node-exporter", accepting: ExpositionFormat.accept)
        try isReadAndWrittenAlike(asked.body, ExpositionFormat(contentType: asked.type), atLeast: 300)
    }

    @Test(
        .enabled(if: RealExporter.isAvailable, Comment(rawValue: RealExporter.howToGetOne)),
        .enabled(if: RealPostgres.isAvailable, Comment(rawValue: RealPostgres.howToGetOne)))
    func postgresExporter() async throws {
        try await withPostgres { server in
            let source = "user=postgres host=127.0.0.1 port=\(server.port) password=\(server.password) sslmode=disable"
            let answer = try await RealExporter.answer(
                of: "prometheus-postgres-exporter", environment: ["DATA_SOURCE_NAME": source])
            try isReadAndWrittenAlike(answer.body, ExpositionFormat(contentType: answer.type), atLeast: 200)
            let found = try pieces(answer.body)
            #expect(found.contains("__name__=pg_up = 1.0"))
        }
    }

    @Test(.enabled(if: RealExporter.recorded != nil, "HOLDFAST_TEST_EXPOSITIONS names no folder"))
    func recordedExpositions() throws {
        let folder = try #require(RealExporter.recorded)
        for name in try Descriptor.folder(folder).names() where name.hasSuffix(".metrics") {
            let body = try Descriptor.open("\(folder)/\(name)", O_RDONLY).readAll(limit: 64 << 20)
            try isReadAndWrittenAlike(body, .text, atLeast: 100)
        }
    }

    /// Reads all of it, writes what was read, and reads that: the same.
    private func isReadAndWrittenAlike(_ body: [UInt8], _ format: ExpositionFormat, atLeast count: Int) throws {
        let first = try pieces(body, format)
        #expect(first.count > count)
        let again = try body.withUnsafeBufferPointer { body in
            var writer = ExpositionWriter(format)
            var reader = try ExpositionReader(body, format)
            var help = ""
            while let piece = try reader.next() {
                switch piece {
                case .help(_, let text): help = text.string
                case .kind(let name, let kind): writer.family(name.string, kind, help: help)
                case .unit: break
                case .sample(let sample):
                    let labels = sample.labels.filter { $0.name != "__name__" }
                    writer.sample(sample.labels.first?.value ?? "", labels, sample.value, time: sample.time)
                }
            }
            return writer.finish()
        }
        let samples = first.filter { $0.hasPrefix("__name__") }
        #expect(try pieces(again, format).filter { $0.hasPrefix("__name__") } == samples)
    }
}
