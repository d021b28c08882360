internal import Glibc
internal import Machine
internal import PromQL

/// Prometheus's functions for templates.
struct TemplateFunctions: Sendable {
    /// Throws a ``TemplateProblem`` or what the engine throws.
    typealias Query = @Sendable (String) throws -> [TemplateSample]

    static let names = Set(TemplateFunctions(externalURL: "") { _ in [] }.all.keys).union(GoBuiltins.all.keys)
        .union(["and", "or", "call"])

    let all: [String: TemplateFunction]

    init(externalURL: String, query: @escaping Query) {
        var all = Self.texts.merging(Self.numbers) { $1 }.merging(Self.vectors) { $1 }
        all["query"] = TemplateFunction(.string) { .vector(try query($0[0].text ?? "")) }
        all["externalURL"] = TemplateFunction { _ in .string(externalURL) }
        all["pathPrefix"] = TemplateFunction { _ in .string(path(of: externalURL)) }
        self.all = all
    }

    private static let vectors: [String: TemplateFunction] = [
        "first": TemplateFunction(.vector) { arguments in
            guard case .vector(let samples) = arguments[0], let first = samples.first else {
                throw TemplateProblem("first() called on vector with no elements")
            }
            return .sample(first)
        },
        "label": TemplateFunction(.string, .sample) { .string(try sample($0[1]).labels[$0[0].text ?? ""] ?? "") },
        "value": TemplateFunction(.sample) { .float(try sample($0[0]).value) },
        "strvalue": TemplateFunction(.sample) { .string(try sample($0[0]).labels["__value__"] ?? "") },
        "sortByLabel": TemplateFunction(.string, .vector) { arguments in
            guard case .vector(let samples) = arguments[1], let name = arguments[0].text else { return arguments[1] }
            let keys = samples.map { Array(($0.labels[name] ?? "").utf8) }
            let order = samples.indices.sorted {
                keys[$0] == keys[$1] ? $0 < $1 : keys[$0].lexicographicallyPrecedes(keys[$1])
            }
            return .vector(order.map { samples[$0] })
        },
        "args": TemplateFunction(.any, isVariadic: true) { arguments in
            .map(Dictionary(uniqueKeysWithValues: arguments.enumerated().map { ("arg\($0)", $1) }))
        },
    ]

    private static func sample(_ value: TemplateValue) throws -> TemplateSample {
        guard case .sample(let sample?) = value else {
            throw TemplateProblem("runtime error: invalid memory address or nil pointer dereference")
        }
        return sample
    }

    private static let texts: [String: TemplateFunction] = [
        "reReplaceAll": TemplateFunction(.string, .string, .string) { arguments in
            let texts = arguments.map { $0.text ?? "" }
            guard
                let result = try pattern(texts[0]).replaceAll(in: texts[2], by: texts[1], limit: TemplateLimits.output)
            else { throw TemplateProblem("the text gets too long") }
            return .string(result)
        },
        "match": TemplateFunction(.string, .string) {
            .bool(try pattern($0[0].text ?? "").isFound(in: $0[1].text ?? ""))
        },
        "safeHtml": TemplateFunction(.string) { .html($0[0].text ?? "") },
        "title": .text(titled),
        "toUpper": .text { mapped($0, \.uppercaseMapping) },
        "toLower": .text { mapped($0, \.lowercaseMapping) },
        "graphLink": .text { "/graph?g0.expr=\(queryEscaped($0))&g0.tab=0" },
        "tableLink": .text { "/graph?g0.expr=\(queryEscaped($0))&g0.tab=1" },
        "stripPort": .text { HostAndPort($0)?.host ?? $0 },
        "stripDomain": .text(withoutDomain),
        "parseDuration": TemplateFunction(.string) { arguments in
            let text = arguments[0].text ?? ""
            if text.isEmpty { throw TemplateProblem("empty duration string") }
            guard let milliseconds = DurationText.milliseconds(text) else {
                throw TemplateProblem("not a valid duration string: \(goQuoted(text))")
            }
            return .float(Double(milliseconds) / 1000)
        },
    ]

    private static let numbers: [String: TemplateFunction] = [
        "humanize": .number(Humanized.decimal),
        "humanize1024": .number(Humanized.binary),
        "humanizeDuration": .number(Humanized.duration),
        "humanizePercentage": .number { Humanized.short($0 * 100) + "%" },
        "humanizeTimestamp": .number { seconds in
            guard seconds.isFinite else { return Humanized.short(seconds) }
            return try moment(seconds).description
        },
        "toTime": TemplateFunction(.any) { .time(try moment(try $0[0].number())) },
    ]

    private static func moment(_ seconds: Double) throws -> GoTime {
        guard seconds.isFinite else { throw TemplateProblem("value is NaN or Inf") }
        guard let time = GoTime(seconds: seconds) else {
            throw TemplateProblem(
                "\(GoFormat.plain(.float(seconds))) cannot be represented as a nanoseconds timestamp since it overflows int64"
            )
        }
        return time
    }

    private static func pattern(_ text: String) throws -> RegularExpression {
        do {
            // Unlike in matchers, `.` does not match a line break.
            return try RegularExpression("(?-s:\(text))")
        } catch {
            throw TemplateProblem("error parsing regexp: \(error.reason)")
        }
    }
}

/// The path of a URL; empty if it has none.
private func path(of url: String) -> String {
    guard let scheme = url.firstRange(of: "://") else { return url }
    let rest = url[scheme.upperBound...]
    guard let slash = rest.firstIndex(of: "/") else { return "" }
    return String(rest[slash...].prefix { $0 != "?" && $0 != "#" })
}

/// Each character that has one counterpart replaced by it.
private func mapped(_ text: String, _ mapping: KeyPath<Unicode.Scalar.Properties, String>) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        let other = scalar.properties[keyPath: mapping].unicodeScalars
        result.append(other.count == 1 ? other.first ?? scalar : scalar)
    }
    return String(result)
}

/// The first letter of each word as a capital; an apostrophe, a point or a colon between two letters does not end a word.
private func titled(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    let scalars = Array(text.unicodeScalars)
    func isInWord(_ index: Int) -> Bool {
        guard scalars.indices.contains(index) else { return false }
        return scalars[index] == "_" || scalars[index].properties.isAlphabetic
            || scalars[index].properties.numericType != nil
    }
    var hasCapital = false
    for (index, scalar) in scalars.enumerated() {
        if !hasCapital, scalar.properties.isCased {
            result.append(contentsOf: scalar.properties.titlecaseMapping.unicodeScalars)
            hasCapital = true
        } else {
            result.append(scalar)
            let joins = "'’.:".unicodeScalars.contains(scalar) && isInWord(index - 1) && isInWord(index + 1)
            hasCapital = hasCapital && (isInWord(index) || joins)
        }
    }
    return String(result)
}

/// As Go's `url.QueryEscape`.
func queryEscaped(_ text: String) -> String {
    var result: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "~"):
            result.append(byte)
        case UInt8(ascii: " "): result.append(UInt8(ascii: "+"))
        default:
            let digits = Array("0123456789ABCDEF".utf8)
            result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: result, as: UTF8.self)
}

/// `host:port`, `[host]:port`, as Go's `net.SplitHostPort` reads them; nil for anything else.
private struct HostAndPort {
    let host: String
    let port: String

    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        port = String(text[text.index(after: colon)...])
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]"), text.index(after: end) == colon else { return nil }
            host = String(text[..<end].dropFirst())
        } else {
            host = String(text[..<colon])
            guard !host.contains(":") else { return nil }
        }
        guard !host.contains("["), !host.contains("]"), !port.contains("["), !port.contains("]") else { return nil }
    }
}

/// A host's own name, of one that is no address; the port stays.
private func withoutDomain(_ text: String) -> String {
    let parts = HostAndPort(text)
    let host = parts?.host ?? text
    var address = in6_addr()
    if inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1 { return text }
    let name = String(host.prefix { $0 != "." })
    guard let port = parts?.port, !port.isEmpty else { return name }
    return name.contains(":") ? "[\(name)]:\(port)" : "\(name):\(port)"
}

/// As Go's `strconv.ParseFloat` reads a text; nil: it refuses it.
func goFloat(_ text: String) -> Double? {
    text.contains(where: \.isWhitespace) ? nil : FloatText.value(text)
}
