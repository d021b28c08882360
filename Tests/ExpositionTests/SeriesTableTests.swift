import Exposition
import TestKit
import Testing

@Suite struct SeriesTableTests {
    /// Reads `texts` as an exposition; each series is remembered by its own text.
    private func read(_ texts: [String], into table: inout SeriesTable<String>) throws -> (
        known: Int, vanished: [String]
    ) {
        let body = Array(texts.map { "\($0) 1\n" }.joined().utf8)
        var known = 0
        try body.withUnsafeBufferPointer { body in
            var reader = try ExpositionReader(body, .text)
            table.begin()
            while let (piece, place) = try table.next(&reader) {
                guard case .sample(let sample) = piece else { continue }
                let text = String(decoding: sample.series, as: UTF8.self)
                if let place {
                    known += 1
                    #expect(table[place] == text)
                } else {
                    table.insert(sample.series, text)
                }
            }
        }
        return (known, table.finish())
    }

    @Test func knowsWhatItHasSeen() throws {
        var table = SeriesTable<String>()
        #expect(try read(["a", "b{c=\"d\"}", "e"], into: &table) == (0, []))
        #expect(try read(["a", "b{c=\"d\"}", "e"], into: &table) == (3, []))
        #expect(try read(["e", "f", "a"], into: &table) == (2, ["b{c=\"d\"}"]))
        #expect(try read(["a", "b{c=\"d\"}", "e", "f"], into: &table) == (3, []))
        #expect(try read([], into: &table).vanished.sorted() == ["a", "b{c=\"d\"}", "e", "f"])
        #expect(table.count == 0)
    }

    @Test func isRightWhateverComesAndGoes() throws {
        for round in 0..<200 {
            var random = SeededRandom(seed: UInt64(round))
            var table = SeriesTable<String>()
            var former: Set<String> = []
            for _ in 0..<10 {
                var texts = (0..<Int.random(in: 0...30, using: &random)).map { "m\($0 % 20 + round % 3)" }
                if Bool.random(using: &random) { texts.shuffle(using: &random) }
                texts.removeAll { _ in Int.random(in: 0..<5, using: &random) == 0 }
                let (known, vanished) = try read(texts, into: &table)
                let present = Set(texts)
                #expect(known == texts.count - present.subtracting(former).count, "seed \(round)")
                #expect(Set(vanished) == former.subtracting(present), "seed \(round)")
                #expect(vanished.count == former.subtracting(present).count && table.count == present.count)
                former = present
            }
        }
    }
}
