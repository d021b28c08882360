internal import TimeSeries

/// What a template computes with: the values that Prometheus hands to Go's templates, by the names of their Go types.
enum TemplateValue: Sendable {
    /// No value: a key that a map of any values does not have, a nil.
    case none
    case bool(Bool)
    case int(Int64)
    /// A number with a name of its own, such as a month.
    case named(Int64, type: String, text: String)
    case byte(UInt8)
    case float(Double)
    case complex(Double, Double)
    case string(String)
    /// What `safeHtml` gives.
    case html(String)
    case labels([String: String])
    case map([String: TemplateValue])
    case vector([TemplateSample])
    case sample(TemplateSample?)
    case data(TemplateData)
    case time(GoTime)

    /// As Go's messages call the type.
    var typeName: String {
        switch self {
        case .none: "nil"
        case .bool: "bool"
        case .int: "int"
        case .named(_, let type, _): type
        case .byte: "uint8"
        case .float: "float64"
        case .complex: "complex128"
        case .string: "string"
        case .html: "template.HTML"
        case .labels: "map[string]string"
        case .map: "map[string]interface {}"
        case .vector: "template.queryResult"
        case .sample: "*template.sample"
        case .data:
            "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"
        case .time: "*time.Time"
        }
    }

    /// What `if` goes by.
    var isTrue: Bool {
        switch self {
        case .none: false
        case .bool(let value): value
        case .int(let value), .named(let value, _, _): value != 0
        case .byte(let value): value != 0
        case .float(let value): value != 0
        case .complex(let real, let imaginary): real != 0 || imaginary != 0
        case .string(let text), .html(let text): !text.isEmpty
        case .labels(let labels): !labels.isEmpty
        case .map(let map): !map.isEmpty
        case .vector(let samples): !samples.isEmpty
        case .sample(let sample): sample != nil
        case .data, .time: true
        }
    }

    /// A string of any type.
    var text: String? {
        switch self {
        case .string(let text), .html(let text): text
        default: nil
        }
    }
}

/// One series of a query's answer.
struct TemplateSample: Sendable {
    let labels: [String: String]
    let value: Double
}

/// What a template is expanded for: its dot.
struct TemplateData: Sendable {
    let labels: [String: String]
    let externalLabels: [String: String]
    let externalURL: String
    let value: Double

    init(_ labels: Labels, value: Double, externalLabels: Labels, externalURL: String) {
        self.labels = labels.dictionary
        self.value = value
        self.externalLabels = externalLabels.dictionary
        self.externalURL = externalURL
    }
}

extension Labels {
    /// By name.
    var dictionary: [String: String] {
        Dictionary(map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    }
}
