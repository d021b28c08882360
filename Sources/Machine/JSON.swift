internal import FoundationEssentials

/// JSON as we write it everywhere: UTF-8, keys sorted, indented for people, closed by a newline.
package enum JSON {
    package static func write(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
    }

    /// One line, without a newline inside or at the end.
    package static func writeLine(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }

    /// Reads a value.
    ///
    /// - Parameter place: where the bytes came from, for the message.
    package static func read<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8], place: String) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw MachineError(
                code: "machine.bad-json", what: "The JSON is not what was expected: \(words(error)).", place: place)
        }
    }

    private static func words(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let found): "`\(path(found.codingPath + [key]))` is missing"
        case .typeMismatch(_, let found), .valueNotFound(_, let found): "`\(path(found.codingPath))` has another type"
        case .dataCorrupted(let found) where found.codingPath.isEmpty:
            "it is cut, no JSON, or has a number that does not fit"
        case .dataCorrupted(let found): "`\(path(found.codingPath))` has a value that it cannot have"
        @unknown default: "it cannot be read"
        }
    }

    /// `archives[0].size`
    private static func path(_ keys: [any CodingKey]) -> String {
        var path = ""
        for key in keys {
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += (path.isEmpty ? "" : ".") + "\(RawPath(key.stringValue))"
            }
        }
        return path.isEmpty ? "the whole" : path
    }
}
