/// Finds series by their labels: for each label and value the places where such series stand.
struct SeriesIndex: Sendable {
    private var labels: [Int: Labels] = [:]
    private var postings: [String: [String: [Int]]] = [:]

    var count: Int { labels.count }

    /// - Parameter place: what the owner knows the series by; not in use yet.
    mutating func insert(_ labels: Labels, at place: Int) {
        self.labels[place] = labels
        for label in labels { postings[label.name, default: [:]][label.value, default: []].append(place) }
    }

    /// The places of the series that satisfy all matchers, in no particular order.
    func places(_ matchers: [Matcher]) -> [Int] {
        guard let (chosen, found) = narrowest(matchers) else {
            return labels.compactMap { $0.value.satisfy(matchers) ? $0.key : nil }
        }
        let others = matchers.indices.filter { $0 != chosen }.map { matchers[$0] }
        return found.filter { labels[$0]?.satisfy(others) ?? false }
    }

    /// The matcher that leaves the fewest series, and those; nil when none of them asks for a label to be there.
    private func narrowest(_ matchers: [Matcher]) -> (matcher: Int, places: [Int])? {
        var best: (matcher: Int, places: [Int])?
        for (index, matcher) in matchers.enumerated() where !matcher.acceptsAbsence {
            // Whoever is not equal is seldom few.
            if best != nil, matcher.candidates == nil { continue }
            let values = postings[matcher.name] ?? [:]
            let places =
                if let candidates = matcher.candidates {
                    candidates.flatMap { values[$0] ?? [] }
                } else {
                    values.flatMap { matcher.accepts($0.key) ? $0.value : [] }
                }
            if places.count < best?.places.count ?? .max { best = (index, places) }
        }
        return best
    }
}
