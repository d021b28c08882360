package import Machine

extension GnuPG {
    /// What a gpg said when it had ended: machine-readable status lines, and words.
    package struct Report: Sendable {
        /// One `[GNUPG:]` line.
        package struct Status: Sendable, Equatable {
            /// `DECRYPTION_OKAY`.
            package let keyword: String
            package let arguments: [String]
        }

        package let outcome: ChildProcess.Outcome
        package let statuses: [Status]
        /// gpg's own words, for messages only: one line, without what repeats.
        package let words: String

        package init(_ outcome: ChildProcess.Outcome) {
            self.outcome = outcome
            var statuses: [Status] = []
            var words: [String] = []
            for line in outcome.errors.split(separator: "\n") {
                if line.hasPrefix(Self.prefix) {
                    let parts = line.dropFirst(Self.prefix.count).split(separator: " ").map(String.init)
                    if let keyword = parts.first {
                        statuses.append(Status(keyword: keyword, arguments: Array(parts.dropFirst())))
                    }
                    continue
                }
                var word = line.hasPrefix("gpg: ") ? line.dropFirst("gpg: ".count) : line
                word = word.trimmingSpaces
                if !word.isEmpty, words.last != String(word) { words.append(String(word)) }
            }
            self.statuses = statuses
            // All but printable characters go: user ids of strangers stand in here.
            self.words = String(
                words.suffix(6).joined(separator: " · ").unicodeScalars.map { scalar in
                    scalar.value < 32 || scalar.value == 127 ? " " : Character(scalar)
                })
        }

        private static let prefix = "[GNUPG:] "

        /// All lines of that keyword.
        func all(_ keyword: String) -> [Status] { statuses.filter { $0.keyword == keyword } }
        func count(_ keyword: String) -> Int { all(keyword).count }
        func has(_ keyword: String) -> Bool { count(keyword) > 0 }
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        var rest = self[...]
        while rest.first == " " { rest.removeFirst() }
        while rest.last == " " { rest.removeLast() }
        return rest
    }
}
