/// The commands of psql's that dumps have.
enum ScriptCommand: Equatable {
    /// `\restrict KEY` and `\unrestrict KEY`: what stands between may have no commands.
    case restriction
    /// `\encoding SQL_ASCII`, in front of a `\connect` to a name that is not plain.
    case encoding
    case connect(String)

    /// - Returns: nil for any other, and for these in any other form.
    init?(line: [UInt8]) {
        let parts = line.dropFirst().split(maxSplits: 1, whereSeparator: \.isBlank)
        guard let command = parts.first, parts.count == 2 else { return nil }
        var argument = parts[1].drop(while: \.isBlank)
        while let last = argument.last, last.isBlank { argument.removeLast() }
        switch String(decoding: command, as: UTF8.self) {
        case "restrict", "unrestrict":
            guard !argument.isEmpty, argument.allSatisfy({ $0 < 0x80 && $0 != 0x5f && ($0.startsWord || $0.isDigit) })
            else { return nil }
            self = .restriction
        case "encoding":
            guard argument.elementsEqual("SQL_ASCII".utf8) else { return nil }
            self = .encoding
        case "connect", "c":
            guard let name = Self.database(argument), !name.isEmpty else { return nil }
            self = .connect(String(decoding: name, as: UTF8.self))
        default: return nil
        }
    }

    /// What an error calls it.
    static func name(of line: [UInt8]) -> String {
        let rest = line.dropFirst()
        let letters = rest.prefix { $0 < 0x80 && $0.startsWord }
        if !letters.isEmpty { return "\\" + String(decoding: letters.prefix(32), as: UTF8.self) }
        guard let first = rest.first, (0x21...0x7e).contains(first) else { return "\\" }
        return "\\" + String(UnicodeScalar(first))
    }

    /// `n8n`, `"My db"`, `-reuse-previous=on "dbname='my db'"`.
    private static func database(_ argument: ArraySlice<UInt8>) -> [UInt8]? {
        let reuse = Array("-reuse-previous=on".utf8)
        if argument.starts(with: reuse) {
            let rest = argument.dropFirst(reuse.count)
            guard rest.first?.isBlank == true, let connection = unquoted(rest.drop(while: \.isBlank)) else {
                return nil
            }
            return databaseName(connection)
        }
        if argument.first == 0x22 { return unquoted(argument) }
        return argument.allSatisfy(\.continuesWord) ? Array(argument) : nil
    }

    /// What stands in double quotes, of which each within is doubled.
    private static func unquoted(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count >= 2, text.first == 0x22, text.last == 0x22 else { return nil }
        var name: [UInt8] = []
        var isHalf = false
        for byte in text.dropFirst().dropLast() {
            if isHalf, byte != 0x22 { return nil }
            isHalf = byte == 0x22 && !isHalf
            if !isHalf { name.append(byte) }
        }
        return isHalf ? nil : name
    }

    /// Of `dbname='my db'`, where a backslash stands before quotes and backslashes.
    private static func databaseName(_ connection: [UInt8]) -> [UInt8]? {
        let key = Array("dbname=".utf8)
        guard connection.starts(with: key) else { return nil }
        let value = connection.dropFirst(key.count)
        guard value.first == 0x27 else { return value.allSatisfy(\.continuesWord) ? Array(value) : nil }
        guard value.count >= 2, value.last == 0x27 else { return nil }
        var name: [UInt8] = []
        var isEscaped = false
        for byte in value.dropFirst().dropLast() {
            if byte == 0x27, !isEscaped { return nil }
            isEscaped = byte == 0x5c && !isEscaped
            if !isEscaped { name.append(byte) }
        }
        return isEscaped ? nil : name
    }
}

extension UInt8 {
    fileprivate var isBlank: Bool { self == 0x20 || self == 0x09 || self == 0x0d }
}
