import Docker
import TestKit
import Testing

@Suite struct FrameParserTests {
    private func frame(_ stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let count = UInt32(payload.count)
        return [stream, 0, 0, 0] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + payload
    }

    private func parse(_ pieces: [[UInt8]]) throws -> (output: [UInt8], errors: [UInt8], isWhole: Bool) {
        var parser = FrameParser()
        var output: [UInt8] = []
        var errors: [UInt8] = []
        for piece in pieces {
            try piece.withUnsafeBytes { bytes in
                try parser.feed(bytes) { if $0 == .output { output += $1 } else { errors += $1 } }
            }
        }
        return (output, errors, parser.isBetweenFrames)
    }

    @Test func cutAnywhere() throws {
        let all = frame(1, [1, 2, 3]) + frame(2, [4]) + frame(1, []) + frame(0, [5, 6])
        for cut in 0...all.count {
            let found = try parse([Array(all[..<cut]), Array(all[cut...])])
            #expect(found.output == [1, 2, 3, 5, 6])
            #expect(found.errors == [4])
            #expect(found.isWhole)
            let boundaries = [0, 11, 20, 28, all.count]
            #expect(try parse([Array(all[..<cut])]).isWhole == boundaries.contains(cut))
        }
    }

    @Test func randomFramesInRandomPieces() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            var expected: (output: [UInt8], errors: [UInt8]) = ([], [])
            var all: [UInt8] = []
            for _ in 0..<Int.random(in: 0..<20, using: &random) {
                let payload = (0..<Int.random(in: 0..<700, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                let isOutput = Bool.random(using: &random)
                all += frame(isOutput ? 1 : 2, payload)
                if isOutput { expected.output += payload } else { expected.errors += payload }
            }
            var pieces: [[UInt8]] = []
            while !all.isEmpty {
                let count = Int.random(in: 1...min(all.count, 300), using: &random)
                pieces.append(Array(all.prefix(count)))
                all.removeFirst(count)
            }
            let found = try parse(pieces)
            #expect(found.output == expected.output && found.errors == expected.errors && found.isWhole, "seed \(seed)")
        }
    }

    @Test(arguments: [[3, 0, 0, 0, 0, 0, 0, 1], [1, 1, 0, 0, 0, 0, 0, 1], Array("HTTP/1.1".utf8)])
    func notFrames(bytes: [UInt8]) {
        #expect(throws: FrameParser.Malformed.self) { try parse([bytes]) }
    }

    @Test func hugeFrameTakesNoMemory() throws {
        let found = try parse([[1, 0, 0, 0, 255, 255, 255, 255, 7]])
        #expect(found.output == [7])
        #expect(!found.isWhole)
    }
}
