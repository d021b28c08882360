/// A series as it lies in a file (`docs/formats/timeseries.md`).
struct SeriesRow: Sendable {
    let labels: Labels
    /// In a day's file: the windows in which it has something, one bit each.
    var windows: UInt16

    init(labels: Labels, windows: UInt16) {
        self.labels = labels
        self.windows = windows
    }

    /// nil when the bytes are damaged.
    init?(_ bytes: [UInt8]) {
        guard bytes.isSealed, bytes.count >= 6, let labels = Labels(checking: Array(bytes[6...])) else { return nil }
        self.labels = labels
        windows = UInt16(bytes[4]) | UInt16(bytes[5]) << 8
    }

    var packed: [UInt8] {
        var bytes: [UInt8] = [0, 0, 0, 0, UInt8(truncatingIfNeeded: windows), UInt8(windows >> 8)]
        bytes += labels.bytes
        bytes.sealFront()
        return bytes
    }
}
