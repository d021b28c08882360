import FoundationEssentials
import Glibc
import Machine

/// Results go to standard output, talk to standard error.
enum Output {
    /// Prints a command's result: as one JSON document, or as text.
    static func result<Value: Encodable>(_ value: Value, json: Bool, text: (Value) -> String) throws {
        if json {
            try write(String(decoding: JSON.write(value), as: UTF8.self), to: STDOUT_FILENO)
        } else {
            try write(text(value), to: STDOUT_FILENO)
        }
    }

    /// Prints why a command failed.
    static func failure(_ error: any Explained, json: Bool) {
        let style = Style(for: STDERR_FILENO)
        try? write("\(style.bad("✗")) \(error)\n", to: STDERR_FILENO)
        guard json, let bytes = try? JSON.write(Failure(error)) else { return }
        try? write(String(decoding: bytes, as: UTF8.self), to: STDOUT_FILENO)
    }

    /// Prints a question or a hint to standard error.
    static func say(_ text: String) { try? write(text, to: STDERR_FILENO) }

    private static func write(_ text: String, to file: Int32) throws {
        // A copy of the number: the descriptor is not ours to close.
        let copy = dup(file)
        guard copy >= 0 else { return }
        do {
            try Descriptor(owning: copy, path: "standard output").write(text)
        } catch let error as MachineError where error.errno == EPIPE {
            // Whoever read (head, less) has seen enough.
        }
    }

    private struct Failure: Encodable {
        let error: Parts

        struct Parts: Encodable {
            let code: String
            let what: String
            let place: String?
            let remedy: String?
        }

        init(_ error: any Explained) {
            self.error = Parts(code: error.code, what: error.what, place: error.place, remedy: error.remedy)
        }
    }
}

/// Colours, where somebody sees them: on a terminal, without `NO_COLOR`.
struct Style {
    private let coloured: Bool

    init(for file: Int32) {
        let forbidden = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
        let dumb = getenv("TERM").map { strcmp($0, "dumb") == 0 } ?? false
        coloured = isatty(file) == 1 && !forbidden && !dumb
    }

    func good(_ text: String) -> String { paint(text, "32") }
    func warn(_ text: String) -> String { paint(text, "33") }
    func bad(_ text: String) -> String { paint(text, "31") }
    func faint(_ text: String) -> String { paint(text, "2") }
    func strong(_ text: String) -> String { paint(text, "1") }

    private func paint(_ text: String, _ code: String) -> String {
        coloured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

/// Text in columns, two blanks apart; the last column is not padded.
func columns(_ rows: [[String]]) -> String {
    var widths: [Int] = []
    for row in rows {
        for (index, cell) in row.enumerated() {
            if index == widths.count { widths.append(0) }
            widths[index] = max(widths[index], cell.count)
        }
    }
    return rows.map { row in
        row.enumerated().map { index, cell in
            index == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
        }.joined(separator: "  ") + "\n"
    }.joined()
}
