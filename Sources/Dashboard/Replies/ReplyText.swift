internal import PromQL
internal import TimeSeries

/// A part of an answer, and how JSON is written into it: at once as bytes.
struct ReplyText: Sendable {
    var bytes: [UInt8] = []

    mutating func raw(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { string($0) }
    }

    private mutating func string(_ text: UnsafeBufferPointer<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        var start = 0
        for (index, byte) in text.enumerated()
        where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
            bytes.append(contentsOf: text[start..<index])
            escape(byte)
            start = index + 1
        }
        bytes.append(contentsOf: text[start...])
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\n"): raw("\\n")
        case UInt8(ascii: "\r"): raw("\\r")
        case UInt8(ascii: "\t"): raw("\\t")
        case UInt8(ascii: "\""): raw("\\\"")
        case UInt8(ascii: "\\"): raw("\\\\")
        default: raw("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
        }
    }

    /// `,"name":`, without the comma behind an opening bracket.
    mutating func key(_ name: String) {
        comma()
        string(name)
        bytes.append(UInt8(ascii: ":"))
    }

    /// Parts what stands before from what follows; nothing behind an opening bracket.
    mutating func comma() {
        switch bytes.last {
        case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ","), UInt8(ascii: ":"): break
        default: bytes.append(UInt8(ascii: ","))
        }
    }

    mutating func member(_ name: String, _ value: String) {
        key(name)
        string(value)
    }

    mutating func member(_ name: String, _ value: some BinaryInteger) {
        key(name)
        raw("\(value)")
    }

    mutating func member(_ name: String, _ value: Bool) {
        key(name)
        raw(value ? "true" : "false")
    }

    /// A number as Go's `encoding/json` writes it; what JSON has no number for is 0.
    mutating func member(_ name: String, seconds value: Double) {
        key(name)
        raw(value.isFinite ? FloatText.json(value) : "0")
    }

    mutating func member(_ name: String, _ labels: Labels) {
        key(name)
        self.labels(labels)
    }

    mutating func labels(_ labels: Labels) {
        bytes.append(UInt8(ascii: "{"))
        labels.forEachBytes { name, value in
            comma()
            string(name)
            bytes.append(UInt8(ascii: ":"))
            string(value)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    mutating func strings(_ texts: some Sequence<String>) {
        bytes.append(UInt8(ascii: "["))
        for text in texts {
            comma()
            string(text)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// `[1435781430.781,"1"]`
    mutating func sample(_ sample: Sample) {
        bytes.append(UInt8(ascii: "["))
        time(sample.time)
        raw(",\"")
        float(sample.value)
        raw("\"]")
    }

    /// Milliseconds as seconds.
    mutating func time(_ milliseconds: Int64) {
        if milliseconds < 0 { bytes.append(UInt8(ascii: "-")) }
        let (seconds, rest) = milliseconds.magnitude.quotientAndRemainder(dividingBy: 1000)
        number(seconds)
        guard rest != 0 else { return }
        bytes.append(UInt8(ascii: "."))
        for divisor: UInt64 in [100, 10, 1] { bytes.append(UInt8(ascii: "0") + UInt8(rest / divisor % 10)) }
    }

    /// As Prometheus writes a sample's value; whole and ordinary numbers, which are most, without a detour.
    mutating func float(_ value: Double) {
        let size = value.magnitude
        if size < 1e15, value == value.rounded(.towardZero), value.bitPattern != (-0.0).bitPattern {
            if value < 0 { bytes.append(UInt8(ascii: "-")) }
            number(UInt64(size))
        } else if size >= 1e-3, size < 1e15 {
            // Swift writes the same digits there.
            raw(value.description)
        } else {
            raw(FloatText.json(value))
        }
    }

    private mutating func number(_ value: UInt64) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var (rest, start) = (value, 20)
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            bytes.append(contentsOf: digits[start...])
        }
    }
}
