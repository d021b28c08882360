/// The body of a request of remote write 1.0: a `WriteRequest` in protobuf, as a block of snappy.
///
/// Samples come to Prometheus with their exact time and all bits of their value this way, stale markers too; text formats
/// know only one NaN. Field numbers are those of Prometheus's `prompb/types.proto` and `remote.proto`.
struct RemoteWrite {
    private var message: [UInt8] = []

    var isEmpty: Bool { message.isEmpty }

    /// - Parameters:
    ///   - labels: sorted by name.
    ///   - samples: ascending in time.
    mutating func add(labels: [(name: String, value: String)], samples: [(time: Int64, value: Double)]) {
        var series: [UInt8] = []
        for label in labels {
            var pair: [UInt8] = []
            pair.addField(1, Array(label.name.utf8))
            pair.addField(2, Array(label.value.utf8))
            series.addField(1, pair)
        }
        for sample in samples {
            // value = 1, a double; timestamp = 2, an int64.
            var pair: [UInt8] = [1 << 3 | 1]
            pair.addLittleEndian(sample.value.bitPattern)
            pair.append(2 << 3 | 0)
            pair.addVarint(UInt64(bitPattern: sample.time))
            series.addField(2, pair)
        }
        message.addField(1, series)
    }

    /// Snappy's block format: the length, then literals only.
    var body: [UInt8] {
        var block: [UInt8] = []
        block.addVarint(UInt64(message.count))
        var start = 0
        while start < message.count {
            let end = min(start + 65_536, message.count)
            let last = end - start - 1
            // A literal whose length less one follows in two bytes.
            block += [61 << 2, UInt8(last & 0xff), UInt8(last >> 8)]
            block += message[start..<end]
            start = end
        }
        return block
    }
}

extension [UInt8] {
    fileprivate mutating func addVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    fileprivate mutating func addLittleEndian(_ value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }

    /// A field whose length stands before it.
    fileprivate mutating func addField(_ number: UInt8, _ bytes: [UInt8]) {
        append(number << 3 | 2)
        addVarint(UInt64(bytes.count))
        append(contentsOf: bytes)
    }
}
