/// One measured value at one moment.
package struct Sample: Sendable {
    /// Milliseconds since 1970 in UTC.
    package var time: Int64
    package var value: Double

    package init(time: Int64, value: Double) {
        self.time = time
        self.value = value
    }

    /// Whether this says that the series has ended, rather than what it measures.
    package var isStale: Bool { value.isStaleMarker }
}

extension Double {
    /// What is stored where a series ends: a NaN that no measurement gives, the same as Prometheus's.
    package static let staleMarker = Double(bitPattern: 0x7ff0_0000_0000_0002)

    /// The NaN of ordinary measurements, as Prometheus stores it.
    package static let ordinaryNaN = Double(bitPattern: 0x7ff8_0000_0000_0001)

    /// Compares bits, since no NaN equals another.
    package var isStaleMarker: Bool { bitPattern == 0x7ff0_0000_0000_0002 }
}

extension Sample: Equatable {
    /// Equal in time and in all bits of the value: a NaN equals itself, and 0 is not −0.
    package static func == (left: Sample, right: Sample) -> Bool {
        left.time == right.time && left.value.bitPattern == right.value.bitPattern
    }
}
