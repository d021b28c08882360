/// The candidate that `word` was most likely meant to be: at most two slips away, or begun alike; nil if none is near.
package func nearest(to word: String, among candidates: [String]) -> String? {
    let word = word.lowercased()
    guard !word.isEmpty, word.unicodeScalars.count <= 64 else { return nil }
    let ranked = candidates.compactMap { candidate -> (distance: Int, candidate: String)? in
        let name = candidate.lowercased()
        let distance = slips(from: word, to: name)
        if distance <= 2, distance * 2 < max(word.count, name.count) { return (distance, candidate) }
        let shorter = min(word.count, name.count)
        if shorter >= 3, name.hasPrefix(word) || word.hasPrefix(name) { return (3, candidate) }
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
