/// `text` fit for a message: one line, no control characters, not endless.
func printable(_ text: String) -> String {
    let kept = text.unicodeScalars.prefix(120)
    var result = ""
    for scalar in kept { result += isControl(scalar) ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar) }
    return kept.count < text.unicodeScalars.count ? result + "…" : result
}

/// `text` as one word of a shell command.
func shellWord(_ text: String) -> String {
    let plain = text.unicodeScalars.allSatisfy { scalar in
        scalar.isASCII
            && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                || "_./-+@%".unicodeScalars.contains(scalar))
    }
    return plain && !text.isEmpty
        ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}

/// `text` without white space at its ends.
func trimmed(_ text: String) -> String {
    let start = text.drop(while: \.isWhitespace)
    return String(start.reversed().drop(while: \.isWhitespace).reversed())
}

/// Whether a terminal would act on it instead of showing it, or Unicode says that it is no character.
func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
    default: scalar.value & 0xFFFE == 0xFFFE
    }
}
