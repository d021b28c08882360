import Glibc

/// A path or name as the kernel keeps it: any bytes but NUL, not necessarily UTF-8.
package struct RawPath: Hashable, Sendable, CustomStringConvertible {
    package var bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }
    package init(_ text: String) { bytes = Array(text.utf8) }
    package init(cString: UnsafePointer<CChar>) {
        bytes = Array(UnsafeRawBufferPointer(start: cString, count: strlen(cString)))
    }

    /// The text, if it is valid UTF-8.
    package var text: String? { String(validating: bytes, as: UTF8.self) }

    /// For people: control bytes and bytes that are not UTF-8 come as `\n`, `\xff`; always on one line.
    package var description: String {
        var shown = ""
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            if scalar == "\u{FFFD}" || Self.misleads(scalar) { return escaped }
            shown.unicodeScalars.append(scalar)
        }
        return shown
    }

    /// Controls, line separators, and what turns the direction of writing: names must not act on a terminal.
    private static func misleads(_ scalar: UnicodeScalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
        }
    }

    private var escaped: String {
        var shown = ""
        for byte in bytes {
            switch byte {
            case 10: shown += "\\n"
            case 32..<127: shown.unicodeScalars.append(UnicodeScalar(byte))
            default: shown += "\\x" + [byte].hex
            }
        }
        return shown
    }

    /// Split at every `/`; empty parts are left out.
    package var components: [ArraySlice<UInt8>] { bytes.split(separator: UInt8(ascii: "/")) }

    /// `self/name`, or just `name` when this is empty.
    package func appending(_ name: RawPath) -> RawPath {
        bytes.isEmpty ? name : RawPath(bytes + [UInt8(ascii: "/")] + name.bytes)
    }

    /// Calls `body` with the bytes and a closing NUL.
    package func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        try withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { buffer in
            for (index, byte) in bytes.enumerated() { buffer[index] = CChar(bitPattern: byte) }
            buffer[bytes.count] = 0
            return try body(UnsafePointer(buffer.baseAddress.unsafelyUnwrapped))
        }
    }
}
