internal import Synchronization

/// What an answer that has begun turned out to lack.
final class Damage: Sendable {
    /// Of that much is told.
    private static let limit = 5

    private let texts: Mutex<[String]>

    init(_ texts: [String]) { self.texts = Mutex(texts) }

    func add(_ text: String) { texts.withLock { $0.append(text) } }

    /// In one line, fit for a header; nil when all is whole.
    var words: String? {
        let texts = texts.withLock { $0 }
        guard !texts.isEmpty else { return nil }
        let more = texts.count > Self.limit ? " (and \(texts.count - Self.limit) more)" : ""
        let line = texts.prefix(Self.limit).joined(separator: " ") + more
        return String(
            line.unicodeScalars.map { $0.isASCII && $0.value >= 0x20 && $0.value != 0x7f ? Character($0) : "?" })
    }
}
