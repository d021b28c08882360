/// A value of a YAML file, and where it stands: for files whose meaning other rooms know.
package struct PlacedValue: Sendable {
    package typealias Position = SettingsProblem.Position

    package enum Content: Sendable {
        /// `isPlain`: without quotes, so that `~` is nothing and `5` a number.
        case scalar(String, isPlain: Bool)
        case list([PlacedValue])
        /// In the order of the file, each key once; what `<<` brings along comes last.
        case mapping([PlacedPair])
    }

    package let content: Content
    package let position: Position?

    /// Nothing, `null` or `~`.
    package var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// What stands there, in words for a message.
    package var words: String {
        if isNull { return "nothing" }
        switch content {
        case .scalar(let text, _): return "`\(printable(text))`"
        case .list: return "a list"
        case .mapping: return "a mapping"
        }
    }
}

/// A key of a mapping and its value.
package struct PlacedPair: Sendable {
    package let key: String
    package let keyPosition: PlacedValue.Position?
    package let value: PlacedValue
}
