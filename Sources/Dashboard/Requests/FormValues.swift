/// The parameters of a request: those of its body before those of its URL, as Go's `Request.Form` has them.
struct FormValues: Sendable {
    /// Of one request.
    private static let maximumCount = 4096

    private var pairs: [(name: String, value: String)] = []

    /// Reads `name=value&…`, percent-encoded.
    ///
    /// - Throws: ``APIError`` for what cannot be decoded and for too much.
    init(query: some StringProtocol, body: some Sequence<UInt8>) throws {
        try read(Array(body))
        try read(Array(query.utf8))
    }

    /// The first value; empty when there is none.
    subscript(name: String) -> String { pairs.first { $0.name == name }?.value ?? "" }

    func all(_ name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }

    private mutating func read(_ bytes: [UInt8]) throws {
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            guard pairs.count < Self.maximumCount else {
                throw APIError.badForm("more than \(Self.maximumCount) values")
            }
            guard !pair.contains(UInt8(ascii: ";")) else {
                throw APIError.badForm("invalid semicolon separator in query")
            }
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            pairs.append((try text(parts[0]), parts.count > 1 ? try text(parts[1]) : ""))
        }
    }

    private func text(_ bytes: ArraySlice<UInt8>) throws -> String {
        switch percentDecoded(bytes, plusIsSpace: true) {
        case .success(let text): return text
        case .failure(let error): throw APIError.badForm(error.reason)
        }
    }
}

/// Why something is not percent-encoded text.
struct PercentError: Error {
    let reason: String
}

/// Decodes `%XX`; the result has to be UTF-8.
func percentDecoded(_ bytes: some Collection<UInt8>, plusIsSpace: Bool) -> Result<String, PercentError> {
    var plain: [UInt8] = []
    plain.reserveCapacity(bytes.count)
    var rest = bytes[...]
    while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "+") where plusIsSpace: plain.append(UInt8(ascii: " "))
        case UInt8(ascii: "%"):
            guard let high = rest.first.flatMap(hexDigit), let low = rest.dropFirst().first.flatMap(hexDigit) else {
                let escape = String(decoding: [byte] + rest.prefix(2), as: UTF8.self)
                return .failure(PercentError(reason: "invalid URL escape \(goQuoted(escape))"))
            }
            plain.append(high << 4 | low)
            rest = rest.dropFirst(2)
        default: plain.append(byte)
        }
    }
    guard let text = String(validating: plain, as: UTF8.self) else {
        return .failure(PercentError(reason: "a value is not UTF-8"))
    }
    return .success(text)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    default: nil
    }
}

/// In double quotes as Go's `%q` has it.
func goQuoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": quoted += "\\\""
        case "\\": quoted += "\\\\"
        case "\n": quoted += "\\n"
        case "\t": quoted += "\\t"
        case "\r": quoted += "\\r"
        case _ where scalar.value < 0x20 || scalar.value == 0x7f:
            quoted += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}
