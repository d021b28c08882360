/// What exporters answer with: Prometheus's text format 0.0.4, or OpenMetrics 1.0.
package enum ExpositionFormat: Sendable {
    case text
    case openMetrics

    /// Tells it from a `Content-Type`; what says nothing else is text.
    package init(contentType: String) {
        let type = contentType.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        self = type == "application/openmetrics-text" ? .openMetrics : .text
    }

    /// What a writer of this format answers with.
    package var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// What to ask an exporter for.
    package static let accept =
        "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
}

/// How much one exposition may hold.
package struct ExpositionLimits: Sendable {
    /// Bytes.
    package var body: Int
    package var samples: Int
    /// Labels of one series, the metric's name not counted.
    package var labels: Int
    /// Bytes of one label's name, or of the metric's.
    package var name: Int
    /// Bytes of one label's value, as it is written.
    package var value: Int

    package init(body: Int = 64 << 20, samples: Int = 500_000, labels: Int = 64, name: Int = 512, value: Int = 16 << 10)
    {
        self.body = body
        self.samples = samples
        self.labels = labels
        self.name = name
        self.value = value
    }
}

/// What a family of metrics measures.
package enum MetricKind: String, Sendable {
    case counter, gauge, histogram, summary, unknown
    /// OpenMetrics only.
    case gaugehistogram, info, stateset

    init?(_ text: ExpositionText, _ format: ExpositionFormat) {
        switch (text.string, format) {
        case ("untyped", .text): self = .unknown
        case ("gaugehistogram", .text), ("info", .text), ("stateset", .text), ("unknown", .text): return nil
        case (let name, _): self.init(rawValue: name)
        }
    }
}

/// A piece of an exposition; it lives only as long as the body that was read.
package struct ExpositionText {
    /// As it is written.
    package let bytes: UnsafeBufferPointer<UInt8>
    /// Whether there are backslashes that mean something.
    private let isEscaped: Bool

    init(_ bytes: UnsafeBufferPointer<UInt8>, isEscaped: Bool = false) {
        self.bytes = bytes
        self.isEscaped = isEscaped
    }

    package var string: String { withBytes { String(decoding: $0, as: UTF8.self) } }

    /// Shows the bytes that are meant.
    package func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
        guard isEscaped else { return try body(bytes) }
        return try unescaped.withUnsafeBufferPointer(body)
    }

    /// `\\`, `\"` and `\n` mean something; any other backslash stands for itself.
    private var unescaped: [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            let meant: UInt8? =
                switch (bytes[index], next) {
                case (.backslash, .backslash): .backslash
                case (.backslash, .quote): .quote
                case (.backslash, UInt8(ascii: "n")): .newline
                default: nil
                }
            plain.append(meant ?? bytes[index])
            index += meant == nil ? 1 : 2
        }
        return plain
    }
}

extension UInt8 {
    static let backslash = UInt8(ascii: "\\")
    static let quote = UInt8(ascii: "\"")
    static let newline = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")
    static let openingBrace = UInt8(ascii: "{")
    static let closingBrace = UInt8(ascii: "}")
    static let comma = UInt8(ascii: ",")
    static let equals = UInt8(ascii: "=")
    static let hash = UInt8(ascii: "#")

    var isBlank: Bool { self == .space || self == .tab }
    var isDigit: Bool { self &- 48 < 10 }
    /// A letter or `_`.
    var startsName: Bool { (self | 0x20) &- 97 < 26 || self == UInt8(ascii: "_") }
    var continuesName: Bool { startsName || isDigit }
    /// Names of metrics may hold colons as well.
    var startsMetricName: Bool { startsName || self == UInt8(ascii: ":") }
    var continuesMetricName: Bool { continuesName || self == UInt8(ascii: ":") }
}
