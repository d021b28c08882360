import Glibc
import Machine
import Settings

/// Reads a secret of the configuration when it is needed, so that one that was mended counts at once.
struct Secret: Sendable {
    private let place: Settings.Secret
    private let environment: [String: String]

    init(_ place: Settings.Secret, environment: [String: String]) {
        self.place = place
        self.environment = environment
    }

    /// The secret: the first line of its file without blanks at the ends.
    ///
    /// - Throws: ``AlertingError``, `MachineError`.
    func read() throws -> Redacted {
        let text: String
        let shown: String
        switch place {
        case .inline(let secret): return secret
        case .environment(let variable):
            shown = "$\(variable)"
            text = environment[variable] ?? ""
        case .file(let path):
            shown = path
            text = try Self.firstLine(of: path)
        }
        let isPlain = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard !text.isEmpty, isPlain else {
            throw AlertingError(
                code: "alerting.no-secret",
                what: text.isEmpty ? "There is no secret." : "The secret holds a control character.", place: shown,
                remedy: "Write it there, alone on the first line.")
        }
        return Redacted(text)
    }

    private static func firstLine(of path: String) throws -> String {
        // Not blocking, so that a FIFO of that name is refused instead of waited for.
        let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == 0 || status.st_uid == geteuid(),
            status.st_mode & 0o077 == 0
        else {
            throw AlertingError(
                code: "alerting.open-secret", what: "The secret can be read by others, or is not yours or root’s.",
                place: path, remedy: "chmod 600 \(path), and chown root \(path)")
        }
        let text = String(decoding: try file.readAll(limit: 64 << 10), as: UTF8.self)
        let line = text.split(whereSeparator: \.isNewline).first ?? ""
        let start = line.drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }
}
