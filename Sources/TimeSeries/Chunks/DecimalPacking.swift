/// Values with few decimals, as counters of seconds and nearly all that exporters measure: kept as whole numbers of the last
/// decimal, of which each is told by its distance from the one before (`docs/formats/timeseries.md`).
enum DecimalPacking {
    /// The most decimals there may be.
    private static let scaleLimit = 15
    /// Below this a Double holds every whole number.
    private static let exact = Double(1 << 53)
    private static let powers: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    /// - Parameter samples: as many as a chunk holds, and at least one.
    /// - Returns: nil when one of the values is no such number, or their bits could not be told from it.
    static func pack(_ samples: [Sample]) -> [UInt8]? {
        guard let scale = scale(of: samples) else { return nil }
        let numbers = samples.map { Int64(($0.value * powers[scale]).rounded()) }
        let steps = zip(numbers.dropFirst(), numbers).map { $0 - $1 }
        let width = bestWidth(steps)
        var bits = BitWriter()
        bits.append(UInt64(scale), count: 4)
        bits.append(UInt64(width), count: 6)
        bits.append(UInt64(bitPattern: numbers[0]), count: 64)
        var lastTimeStep: Int64 = 0
        for (index, step) in steps.enumerated() {
            let timeStep = samples[index + 1].time &- samples[index].time
            bits.append(step: timeStep &- lastTimeStep)
            lastTimeStep = timeStep
            bits.append(step, width)
        }
        return bits.bytes
    }

    /// The fewest decimals with which all values are whole, and come back to the bit.
    private static func scale(of samples: [Sample]) -> Int? {
        var scale = 0
        for sample in samples {
            while !isExact(sample.value, scale) {
                scale += 1
                if scale > scaleLimit { return nil }
            }
        }
        return samples.allSatisfy { isExact($0.value, scale) } ? scale : nil
    }

    @inline(__always)
    private static func isExact(_ value: Double, _ scale: Int) -> Bool {
        let number = (value * powers[scale]).rounded()
        // −0 and NaN come back with other bits.
        return number.magnitude < exact && ((number + 0) / powers[scale]).bitPattern == value.bitPattern
    }

    /// The width of a step that needs the fewest bits in all: 0…63.
    private static func bestWidth(_ steps: [Int64]) -> Int {
        var needing = [Int](repeating: 0, count: 65)
        for step in steps where step != 0 { needing[width(of: step)] += 1 }
        var (narrow, wide) = (0, needing.reduce(0, +))
        var best = (width: 0, cost: wide * 66)
        for width in 1..<64 {
            narrow += needing[width]
            wide -= needing[width]
            let cost = narrow * (2 + width) + wide * 66
            if cost < best.cost { best = (width, cost) }
        }
        return best.width
    }

    /// Bits of the number in two's complement.
    static func width(of number: Int64) -> Int { 65 - (number < 0 ? ~number : number).leadingZeroBitCount }

    /// - Returns: false when there can be no such bits; what came until then was added.
    static func unpack(
        _ bytes: UnsafeRawBufferPointer, count: Int, firstTime: Int64, in range: ClosedRange<Int64>,
        into samples: inout [Sample]
    ) -> Bool {
        var bits = BitReader(bytes)
        let (scale, width) = (powers[Int(bits.take(4))], Int(bits.take(6)))
        var (time, timeStep, number) = (firstTime, Int64(0), Int64(bitPattern: bits.take(64)))
        for index in 0..<count {
            if index > 0 {
                timeStep &+= bits.takeStep()
                time &+= timeStep
                switch bits.takeOnes(limit: 2) {
                case 0: break
                case 1:
                    guard width > 0 else { return false }
                    number &+= bits.takeSigned(width)
                default: number &+= bits.takeSigned(64)
                }
            }
            if time > range.upperBound { return true }
            if time >= range.lowerBound { samples.append(Sample(time: time, value: Double(number) / scale)) }
        }
        return true
    }
}

extension BitWriter {
    fileprivate mutating func append(_ step: Int64, _ width: Int) {
        if step == 0 { return append(0, count: 1) }
        let pattern = UInt64(bitPattern: step)
        guard DecimalPacking.width(of: step) > width else {
            append(0b10, count: 2)
            return append(pattern & (1 << UInt64(width) - 1), count: width)
        }
        append(0b11, count: 2)
        append(pattern, count: 64)
    }
}
