/// `1 row`, `2 rows`.
package func counted(_ number: some BinaryInteger, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
}

/// What went wrong with several things for one reason is said once: the things that share a text, in order.
package func together(_ texts: [String: String]) -> [(things: [String], text: String)] {
    let groups = Dictionary(grouping: texts.keys, by: { texts[$0] ?? "" })
    return groups.map { (things: $0.value.sorted(), text: $0.key) }.sorted { $0.things[0] < $1.things[0] }
}

extension String {
    /// The last lines that are not empty, joined by ` / `: enough of a tool's words for a message.
    package func lastLines(_ count: Int) -> String {
        split(whereSeparator: \.isNewline).map { $0.drop(while: \.isWhitespace) }.filter { !$0.isEmpty }.suffix(count)
            .joined(separator: " / ")
    }
}
