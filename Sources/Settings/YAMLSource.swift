import Yams

/// The text of a configuration by line and column, to say what stands where the parser stopped.
struct YAMLSource: Sendable {
    private(set) var scalars: [Unicode.Scalar]

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    /// The text as it is now.
    var text: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// Makes the key `name` at `position` differ from its namesakes and keeps every other place what it was.
    ///
    /// - Returns: false if `name` does not stand there as it is spelt, and nothing was changed.
    mutating func rename(_ name: String, at position: SettingsProblem.Position, number: Int) -> Bool {
        guard var index = index(of: position), let private0 = Unicode.Scalar(0xF0000 + UInt32(number)) else {
            return false
        }
        if scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
        guard !name.isEmpty, scalars[index...].starts(with: name.unicodeScalars) else { return false }
        scalars[index] = private0
        return true
    }

    /// Tells what the parser found in words that help; the remedy is chosen by what stands in the text.
    func problem(from error: YamlError, file: String) -> SettingsProblem {
        switch error {
        case .scanner(let context, let complaint, let mark, _), .parser(let context, let complaint, let mark, _),
            .composer(let context, let complaint, let mark, _):
            let start = context.map { SettingsProblem.Position(line: $0.mark.line, column: $0.mark.column) }
            let position = SettingsProblem.Position(line: mark.line, column: mark.column)
            let here = start.flatMap { scalar(at: $0) } == "*" ? start ?? position : position
            let doing = context.map { $0.text.isEmpty ? "" : " \($0.text)" } ?? ""
            return SettingsProblem(
                code: "settings.syntax", what: "Not valid YAML: \(complaint)\(doing).", position: here, file: file,
                remedy: remedy(at: here))
        case .reader(let complaint, let offset, _, _):
            return SettingsProblem(
                code: "settings.syntax", what: "Not valid YAML: \(complaint).", position: offset.flatMap(position(of:)),
                file: file, remedy: "Save the file as UTF-8 text and remove the character.")
        default:
            return SettingsProblem(
                code: "settings.syntax", what: "Not valid YAML.", position: nil, file: file,
                remedy: "Look at the indentation, quotes and brackets.")
        }
    }

    private func remedy(at position: SettingsProblem.Position) -> String {
        switch scalar(at: position) {
        case "*": return "Put the pattern in quotes: `\"*\"`."
        case "@", "`", "%", "&", "|", ">": return "Put the value in quotes."
        case ":": return "If the value itself holds `: `, put it in quotes; otherwise look at the indentation."
        default: break
        }
        if indentation(of: position.line).contains("\t") { return "Indent with spaces; YAML does not allow tabs." }
        return "Look at the indentation, quotes and brackets here and in the lines above."
    }

    private func scalar(at position: SettingsProblem.Position) -> Unicode.Scalar? {
        index(of: position).map { scalars[$0] }
    }

    private func indentation(of line: Int) -> ArraySlice<Unicode.Scalar> {
        guard let start = index(of: SettingsProblem.Position(line: line, column: 1)) else { return [] }
        return scalars[start...].prefix { $0 == " " || $0 == "\t" }
    }

    /// Where line and column lie; lines break where YAML breaks them.
    func index(of position: SettingsProblem.Position) -> Int? {
        var line = 1
        var index = 0
        while line < position.line, index < scalars.count {
            if isBreak(index) { line += 1 }
            index += 1
        }
        index += position.column - 1
        return line == position.line && scalars.indices.contains(index) ? index : nil
    }

    /// Line and column of a character that is counted as Swift counts.
    private func position(of offset: Int) -> SettingsProblem.Position? {
        let end = text.prefix(offset).unicodeScalars.count
        return position(at: end)
    }

    /// Line and column of the scalar `end`.
    func position(at end: Int) -> SettingsProblem.Position? {
        guard end <= scalars.count else { return nil }
        let breaks = (0..<end).filter(isBreak)
        return SettingsProblem.Position(line: breaks.count + 1, column: end - (breaks.last ?? -1))
    }

    private func isBreak(_ index: Int) -> Bool {
        switch scalars[index] {
        case "\r": index + 1 == scalars.count || scalars[index + 1] != "\n"
        case "\n", "\u{85}", "\u{2028}", "\u{2029}": true
        default: false
        }
    }
}
