/// A number of bytes that prints with its unit.
package struct ByteCount: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let bytes: Int64

    package init(_ bytes: some BinaryInteger) { self.bytes = Int64(clamping: bytes) }

    package static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
    /// The sum, at most the largest number there is: a hostile manifest's sizes must not stop the program.
    package static func + (left: ByteCount, right: ByteCount) -> ByteCount {
        let (sum, overflow) = left.bytes.addingReportingOverflow(right.bytes)
        return ByteCount(overflow ? (left.bytes < 0 ? .min : .max) : sum)
    }

    /// Three figures and a binary unit: `512 B`, `1.46 MiB`, `14.6 GiB`.
    package var description: String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var value = Double(bytes)
        var unit = 0
        while value.magnitude >= 1000, unit + 1 < units.count {
            value /= 1024
            unit += 1
        }
        if unit == 0 { return "\(bytes) B" }
        let decimals = value.magnitude < 10 ? 2 : value.magnitude < 100 ? 1 : 0
        return "\(value.fixed(decimals)) \(units[unit])"
    }
}

extension Double {
    /// With so many decimals, rounded half away from zero: `(1.25).fixed(1)` is `1.3`; from 10^15 on as Swift writes it.
    package func fixed(_ decimals: Int) -> String {
        guard magnitude < 1e15 else { return "\(self)" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int64((magnitude * scale).rounded())
        let whole = scaled / Int64(scale)
        let rest = String(scaled % Int64(scale))
        let sign = self < 0 && scaled != 0 ? "-" : ""
        if decimals == 0 { return "\(sign)\(whole)" }
        return "\(sign)\(whole)." + String(repeating: "0", count: decimals - rest.count) + rest
    }
}
