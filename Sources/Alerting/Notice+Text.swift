import Machine

/// The words of a message, the same on every channel.
extension Notice {
    /// What stands above ``wrong``.
    var wrongHeading: String {
        switch kind {
        case .failed: "What failed"
        case .incomplete: "What is not whole"
        case .stale: "What is too old"
        case .recovered: "What had been wrong"
        case .test: "Where an error would stand"
        }
    }

    /// What stands above ``good``.
    var goodHeading: String { kind == .recovered ? "What is good again" : "What is still good" }

    /// A coloured sign for chats and phones.
    var sign: String {
        switch kind {
        case .failed: "🔴"
        case .incomplete, .stale: "🟠"
        case .recovered: "🟢"
        case .test: "🔵"
        }
    }

    /// `2026-11-22 02:00 UTC`
    var momentText: String { Self.text(of: moment) }

    /// `2026-11-20 02:00 UTC, for 2 d 0 h`; nil: since nobody knows when.
    var sinceText: String? {
        guard let since else { return nil }
        let seconds = moment.since(since)
        return Self.text(of: since)
            + (seconds > 0 ? ", \(kind == .recovered ? "over" : "for") \(durationText(seconds))" : "")
    }

    /// All of it as plain text, what matters most first.
    var plainText: String {
        var text = summary.isEmpty ? "" : summary + "\n\n"
        if let sinceText { text += "Since: \(sinceText)\n" }
        text += "Host:  \(host)\nAt:    \(momentText)\n"
        if !wrong.isEmpty {
            text += "\n\(wrongHeading):\n"
            for part in wrong { text += "  \(part.subject)\n\(Self.indented(part.text))" }
        }
        if let next { text += "\nNext:\n    \(next)\n" }
        if !good.isEmpty {
            text += "\n\(goodHeading):\n"
            for part in good { text += "  \(part.subject): \(part.text)\n" }
        }
        return text
    }

    private static func text(of moment: Timestamp) -> String { moment.format("%Y-%m-%d %H:%M UTC") }

    private static func indented(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).map { "    \($0)\n" }.joined()
    }
}
