/// The candidate that `word` was most likely meant to be: at most two slips away, or begun alike; nil if none is near.
package func nearest(to word: String, among candidates: [String]) -> String? {
    let word = word.lowercased()
    guard !word.isEmpty, word.unicodeScalars.count <= 64 else { return nil }
    let ranked = candidates.compactMap { candidate -> (distance: Int, candidate: String)? in
        let distance = slips(from: word, to: candidate)
        if distance <= 2, distance * 2 < max(word.count, candidate.count) { return (distance, candidate) }
        let shorter = min(word.count, candidate.count)
        if shorter >= 3, candidate.hasPrefix(word) || word.hasPrefix(candidate) { return (3, candidate) }
        return nil
    }
    return ranked.min { $0.distance < $1.distance }?.candidate
}

/// How many letters must be put in, left out, changed or swapped with their neighbour.
func slips(from word: String, to other: String) -> Int {
    let word = Array(word.unicodeScalars)
    let other = Array(other.unicodeScalars)
    guard !word.isEmpty, !other.isEmpty else { return max(word.count, other.count) }
    var beforeLast: [Int] = []
    var last = Array(0...other.count)
    for row in 1...word.count {
        var current = [row]
        for column in 1...other.count {
            let change = word[row - 1] == other[column - 1] ? 0 : 1
            var best = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + change)
            if row > 1, column > 1, word[row - 1] == other[column - 2], word[row - 2] == other[column - 1] {
                best = min(best, beforeLast[column - 2] + 1)
            }
            current.append(best)
        }
        beforeLast = last
        last = current
    }
    return last[other.count]
}

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
