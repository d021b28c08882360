package import Machine

/// What the name of an older script's archive says: `PREFIX[-YYYY-MM-DD[-HHMMSS]].SUFFIX`.
package struct LegacyName: Hashable, Sendable {
    /// What the file holds, by its suffix.
    package enum Content: String, Sendable {
        /// A tar of files.
        case tar
        /// An SQL script.
        case sql
    }

    /// `volumes`
    package let prefix: String
    /// `tar.gz.gpg`
    package let suffix: String
    package let content: Content
    /// `gz`, `zst`, …; nil if it is not compressed.
    package let compression: String?
    package let isEncrypted: Bool
    /// The reading of the host's clock, in local time, held as if it were UTC: good to compare names of one host with each
    /// other, an hour off across a change to or from summer time. Nil if there is no date, or none that exists.
    package let moment: Timestamp?

    /// Reads a name; nil for what no script of that kind would write.
    package init?(_ name: String) {
        var rest = Substring(name)
        var parts: [Substring] = []
        func take(_ endings: [String]) -> String? {
            guard let ending = endings.first(where: { rest.hasSuffix("." + $0) }) else { return nil }
            parts.insert(rest.suffix(ending.count), at: 0)
            rest = rest.dropLast(ending.count + 1)
            return ending
        }
        isEncrypted = take(["gpg", "pgp"]) != nil
        if take(["tgz"]) != nil {
            compression = "gz"
            content = .tar
        } else {
            compression = take(["gz", "zst", "xz", "bz2"])
            guard let content = take(["tar", "sql"]).flatMap(Content.init) else { return nil }
            self.content = content
        }
        suffix = parts.joined(separator: ".")
        let dates = [(18, "-%Y-%m-%d-%H%M%S"), (11, "-%Y-%m-%d")]
        let dated = dates.lazy.compactMap { [rest] length, pattern in
            Timestamp(String(rest.suffix(length)), pattern: pattern).map { (length, $0) }
        }.first
        moment = dated?.1
        prefix = String(rest.dropLast(dated?.0 ?? 0))
        guard !prefix.isEmpty else { return nil }
    }

    /// Names with the same series are copies of the same thing: `volumes-….tar.gz.gpg`.
    package var series: String { "\(prefix)-….\(suffix)" }
}
