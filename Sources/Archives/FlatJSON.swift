internal import Machine

/// The little of JSON that archives hold: one object, looked at member by member.
enum FlatJSON {
    /// The top-level members of an object in their order, values as they stand there; stops where it is no JSON.
    static func members(_ text: ArraySlice<UInt8>) -> [(key: String, value: ArraySlice<UInt8>)] {
        var found: [(key: String, value: ArraySlice<UInt8>)] = []
        var rest = text
        guard rest.popFirst() == 0x7b else { return [] }
        while rest.first == 0x22, let key = string(takeValue(&rest)), rest.popFirst() == 0x3a {
            found.append((String(decoding: key, as: UTF8.self), takeValue(&rest)))
            guard rest.popFirst() == 0x2c else { break }
        }
        return found
    }

    /// The bytes that a JSON string stands for; nil for anything else. Knows the escapes that we write, no others.
    static func string(_ value: ArraySlice<UInt8>) -> [UInt8]? {
        guard value.count >= 2, value.first == 0x22, value.last == 0x22 else { return nil }
        var bytes: [UInt8] = []
        var rest = value.dropFirst().dropLast()
        while let byte = rest.popFirst() {
            guard byte == 0x5c else {
                guard byte != 0x22, byte >= 0x20 else { return nil }
                bytes.append(byte)
                continue
            }
            guard let escape = rest.popFirst() else { return nil }
            switch escape {
            case 0x22, 0x5c: bytes.append(escape)
            case 0x75:
                let digits = String(decoding: rest.prefix(4), as: UTF8.self)
                guard digits.utf8.count == 4, let code = UInt8(digits, radix: 16), code < 0x80 else { return nil }
                bytes.append(code)
                rest = rest.dropFirst(4)
            default: return nil
            }
        }
        return bytes
    }

    /// The bytes behind base64 in a JSON string.
    static func base64(_ value: ArraySlice<UInt8>) -> [UInt8]? { string(value).flatMap { [UInt8](base64: $0) } }

    /// Takes one value off the front: a string with its quotes, or everything up to a comma or closing bracket.
    private static func takeValue(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var depth = 0
        var inString = false
        var index = rest.startIndex
        scan: while index < rest.endIndex {
            switch rest[index] {
            case 0x5c where inString: index += 1
            case 0x22:
                inString.toggle()
                if !inString, depth == 0 {
                    index += 1
                    break scan
                }
            case 0x5b, 0x7b: if !inString { depth += 1 }
            case 0x5d, 0x7d:
                if !inString {
                    if depth == 0 { break scan }
                    depth -= 1
                }
            case 0x2c: if !inString, depth == 0 { break scan }
            default: break
            }
            index += 1
        }
        let end = min(index, rest.endIndex)
        let value = rest[rest.startIndex..<end]
        rest = rest[end...]
        return value
    }
}
