import TestKit
import Testing
import TimeSeries

@Suite struct ChunkTests {
    private static let all = Int64.min...Int64.max

    @Test func givesBackWhatWasPacked() {
        for round in 0..<2000 {
            var random = SeededRandom(seed: UInt64(round))
            let samples = anySamples(Int.random(in: 1...ChunkWriter.limit, using: &random), &random)
            let chunk = packed(samples)
            #expect(unpacked(chunk) == samples, "seed \(round)")
            #expect(chunk.count == samples.count && chunk.firstTime == samples[0].time)
        }
    }

    @Test func canBeReadWhileItGrows() {
        var random = SeededRandom(seed: 7)
        let samples = anySamples(ChunkWriter.limit, &random)
        var writer = ChunkWriter()
        for (index, sample) in samples.enumerated() {
            writer.append(sample.time, sample.value.bitPattern)
            #expect(unpacked(writer.chunk) == Array(samples[...index]))
        }
        #expect(writer.isFull)
    }

    @Test func givesOnlyWhatIsInTheRange() {
        let samples = (0..<100).map { Sample(time: Int64($0) * 10, value: Double($0)) }
        var found: [Sample] = []
        packed(samples).unpack(in: 95...300, into: &found)
        #expect(found == Array(samples[10...30]))
    }

    @Test func takesLittleRoom() {
        let constant = (0..<120).map { Sample(time: Int64($0) * 15_000, value: 1) }
        #expect(packed(constant).bits.count <= 8 + 4 + 30)
    }

    @Test func rowsGiveBackWhatWasPacked() {
        for round in 0..<2000 {
            var random = SeededRandom(seed: UInt64(round))
            let decimals: Double = [1.0, 10.0, 100.0, 1e3, 1e6, 1e9, 1e15].randomElement(using: &random) ?? 1
            var samples: [Sample] = []
            var value = Double(Int.random(in: -1_000_000...1_000_000, using: &random))
            for index in 0..<Int.random(in: 1...500, using: &random) {
                let step = Double(Int.random(in: -1000...1000, using: &random))
                value += Bool.random(using: &random) ? step : 0
                let isOdd = Int.random(in: 0..<150, using: &random) == 0
                samples.append(
                    Sample(
                        time: Int64(index) * 10_000, value: isOdd ? Double(bitPattern: random.next()) : value / decimals
                    ))
            }
            let row = WindowRow.pack(WindowRow.chunks(samples), start: 0)
            var found: [Sample] = []
            #expect(WindowRow.unpack(row, start: 0, in: Self.all, into: &found))
            #expect(found == samples, "seed \(round)")
            var spoilt = row
            spoilt[Int.random(in: row.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            #expect(!WindowRow.unpack(spoilt, start: 0, in: Self.all, into: &found))
        }
    }

    @Test func decimalsTakeLittleRoom() {
        let seconds = (0..<480).map { (index: Int) -> Sample in
            let hundredths = 12_345 + index * 13 + index * 7 % 90
            return Sample(time: Int64(index) * 15_000, value: Double(hundredths) / 100)
        }
        #expect(WindowRow.pack(WindowRow.chunks(seconds), start: 0).count < 480 * 8 / 5)
        let constant = (0..<480).map { Sample(time: Int64($0) * 15_000, value: 0.1) }
        #expect(WindowRow.pack(WindowRow.chunks(constant), start: 0).count <= 4 + 4 * (8 + 3 + 6))
    }

    /// Whatever lies on the disk: an end, perhaps a refusal, but nothing is read that is not there.
    @Test func survivesAnyBits() {
        for round in 0..<3000 {
            var random = SeededRandom(seed: UInt64(round))
            var bits: [UInt8]
            if round % 2 == 0 {
                bits = (0..<Int.random(in: 0...200, using: &random)).map { _ in .random(in: 0...255, using: &random) }
            } else {
                bits = packed(anySamples(ChunkWriter.limit, &random)).bits
                bits[Int.random(in: bits.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            var found: [Sample] = []
            bits.withUnsafeBytes { bits in
                _ = unpack(bits, count: ChunkWriter.limit, firstTime: 0, in: Self.all, into: &found)
            }
            #expect(found.count <= ChunkWriter.limit)
        }
    }

    private func packed(_ samples: [Sample]) -> Chunk {
        var writer = ChunkWriter()
        for sample in samples { writer.append(sample.time, sample.value.bitPattern) }
        return writer.chunk
    }

    private func unpacked(_ chunk: Chunk) -> [Sample] {
        var samples: [Sample] = []
        chunk.unpack(in: Self.all, into: &samples)
        return samples
    }
}

/// Ascending samples of every kind that there is.
func anySamples(_ count: Int, _ random: inout SeededRandom) -> [Sample] {
    var time = Int64.random(in: -5_000_000...2_000_000_000_000, using: &random)
    var value = 0.0
    let step = [1, 15_000, 60_000, 3_600_000].randomElement(using: &random) ?? 1
    return (0..<count).map { _ in
        switch Int.random(in: 0..<10, using: &random) {
        case 0: time += Int64.random(in: 1...1_000_000_000, using: &random)
        case 1...3: time += max(1, Int64(step) + Int64.random(in: -70...70, using: &random))
        default: time += Int64(step)
        }
        switch Int.random(in: 0..<12, using: &random) {
        case 0: value = Double(bitPattern: random.next())
        case 1: value = .staleMarker
        case 2:
            value =
                [0, -0.0, .infinity, -.infinity, .ordinaryNaN, .leastNonzeroMagnitude].randomElement(using: &random)
                ?? 0
        case 3, 4: value = Double.random(in: 0...1e6, using: &random)
        case 5, 6: value = Double(Int.random(in: 0...1_000_000, using: &random))
        case 7, 8: value += 1
        default: break
        }
        return Sample(time: time, value: value)
    }
}
