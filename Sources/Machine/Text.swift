/// `1 row`, `2 rows`.
package func counted(_ number: some BinaryInteger, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
}

extension String {
    /// The last lines that are not empty, joined by ` / `: enough of a tool's words for a message.
    package func lastLines(_ count: Int) -> String {
        split(whereSeparator: \.isNewline).map { $0.drop(while: \.isWhitespace) }.filter { !$0.isEmpty }.suffix(count)
            .joined(separator: " / ")
    }
}
