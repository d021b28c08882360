import FoundationEssentials

/// Text in headers that hold ASCII alone (RFC 2047).
enum EncodedWords {
    /// The text as it is where that can be, else as encoded words.
    ///
    /// - Parameters:
    ///   - separator: what stands between two words: white space, perhaps with a line break.
    ///   - limit: how many bytes may stand as they are.
    static func text(_ text: String, separator: String, limit: Int = 250) -> String {
        let isPlain = text.utf8.allSatisfy { (32..<127).contains($0) } && text.utf8.count <= limit
        if isPlain, !text.contains("=?"), text.first != " ", text.last != " " { return text }
        var words: [String] = []
        var chunk: [UInt8] = []
        func close() {
            guard !chunk.isEmpty else { return }
            words.append("=?UTF-8?B?\(Data(chunk).base64EncodedString())?=")
            chunk = []
        }
        for scalar in text.unicodeScalars {
            // No character may be split between two words, and nothing in one may end the line.
            let bytes = Array((scalar.value < 32 || scalar.value == 127 ? " " : scalar).utf8)
            if chunk.count + bytes.count > chunkLimit { close() }
            chunk += bytes
        }
        close()
        return words.joined(separator: separator)
    }

    /// With it, a line `Subject: =?UTF-8?B?…?=` has at most 76 bytes.
    private static let chunkLimit = 39
}
