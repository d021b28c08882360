import Machine
import Testing

@Suite struct NumbersTests {
    @Test(
        arguments: [
            (0, "0 B"), (1, "1 B"), (999, "999 B"), (1000, "0.98 KiB"), (1024, "1.00 KiB"), (1536, "1.50 KiB"),
            (10_240, "10.0 KiB"), (102_400, "100 KiB"), (1_023_000, "999 KiB"), (1_024_000, "0.98 MiB"),
            (1 << 20, "1.00 MiB"), (1_530_000, "1.46 MiB"), (15_700_000_000, "14.6 GiB"), (1 << 40, "1.00 TiB"),
            (1 << 50, "1.00 PiB"), (Int64.max, "8.00 EiB"), (-1, "-1 B"), (-1536, "-1.50 KiB"),
            (Int64.min, "-8.00 EiB"),
        ] as [(Int64, String)])
    func byteCountsPrintThreeFigures(bytes: Int64, text: String) {
        #expect(ByteCount(bytes).description == text)
    }

    /// A manifest may claim any size; adding such up must not stop the program.
    @Test func byteCountsDoNotOverflow() {
        #expect(ByteCount(Int64.max) + ByteCount(1) == ByteCount(Int64.max))
        #expect(ByteCount(Int64.min) + ByteCount(-1) == ByteCount(Int64.min))
        #expect(ByteCount(UInt64.max).bytes == .max)
        #expect(ByteCount(3) + ByteCount(4) == ByteCount(7))
        #expect(ByteCount(3) < ByteCount(4))
    }

    @Test(
        arguments: [
            (0, 0, "0"), (0, 2, "0.00"), (1.25, 1, "1.3"), (1.005, 1, "1.0"), (0.05, 1, "0.1"), (0.04, 1, "0.0"),
            (-0.04, 1, "0.0"),
            (-1.5, 0, "-2"), (-0.5, 1, "-0.5"), (9.999, 2, "10.00"), (12.07, 2, "12.07"), (1e12, 1, "1000000000000.0"),
            (1e300, 1, "1e+300"), (.infinity, 1, "inf"), (-.infinity, 0, "-inf"), (.nan, 2, "nan"),
        ] as [(Double, Int, String)])
    func decimals(value: Double, decimals: Int, text: String) {
        #expect(value.fixed(decimals) == text)
    }

    @Test(
        arguments: [
            (0, "0.0 s"), (0.44, "0.4 s"), (9.94, "9.9 s"), (10, "10 s"), (12.4, "12 s"), (119.4, "119 s"),
            (119.6, "2 min 0 s"),
            (200, "3 min 20 s"), (7199, "119 min 59 s"), (7200, "2 h 0 min"), (7500, "2 h 5 min"),
            (172_799, "47 h 59 min"),
            (172_800, "2 d 0 h"), (792_000, "9 d 4 h"), (-3, "-3.0 s"), (-86_400, "-86400.0 s"), (1e300, "1e+300 s"),
            (.infinity, "inf s"), (.nan, "nan s"),
        ] as [(Double, String)])
    func durations(seconds: Double, text: String) {
        #expect(durationText(seconds) == text)
    }

    @Test func thereIsAtLeastOneCore() { #expect(availableCores() >= 1) }

    @Test func randomBytesDiffer() {
        #expect(randomBytes(0) == [])
        #expect(randomBytes(16).count == 16)
        #expect(randomBytes(16) != randomBytes(16))
    }
}
