internal import Exposition

/// What a target says of its families of metrics.
struct TargetMetadata: Sendable {
    /// Families beyond this many are not kept.
    private static let limit = 10_000
    /// Bytes of a help; more is cut.
    private static let helpLimit = 1024

    let families: [String: MetricMetadata]

    init() { families = [:] }

    /// Reads an answer as far as it is an exposition.
    init(_ answer: TargetSeries.Answer) {
        var found: [String: MetricMetadata] = [:]
        answer.body.withUnsafeBufferPointer { body in
            guard var reader = try? ExpositionReader(body, answer.format) else { return }
            while found.count <= Self.limit, let piece = try? reader.next() {
                switch piece {
                case .sample: continue
                case .kind(let family, let kind): found[known: family.string].kind = kind
                case .help(let family, let help): found[known: family.string].help = Self.cut(help.string)
                case .unit(let family, let unit): found[known: family.string].unit = unit.string
                }
            }
        }
        families = found
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= helpLimit ? text : String(decoding: text.utf8.prefix(helpLimit), as: UTF8.self)
    }
}

extension [String: MetricMetadata] {
    fileprivate subscript(known family: String) -> MetricMetadata {
        get { self[family] ?? MetricMetadata(family: family, kind: .unknown, help: "", unit: "") }
        set { self[family] = newValue }
    }
}
