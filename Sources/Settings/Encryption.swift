extension Settings {
    /// The `backup.encryption` section: who can read the backups.
    package struct Encryption: Equatable, Sendable {
        /// Fingerprints (40 hex digits, upper case) or e-mail addresses; may be empty, when `$GPG_RECIPIENT` has to name them.
        package var recipients: [String]
        /// A GNUPGHOME of our own; nil: the user's.
        package var keyring: String?

        /// Puts the section together from parts that are taken to be valid.
        package init(recipients: [String] = [], keyring: String? = nil) {
            self.recipients = recipients
            self.keyring = keyring
        }

        /// The variable that overrides `recipients`.
        package static let variable = "GPG_RECIPIENT"

        /// Who to encrypt to: those that `$GPG_RECIPIENT` names, separated by commas or spaces, else those of the file.
        ///
        /// A variable that is empty counts as not set. Each recipient is named once, however often it was written.
        ///
        /// - Throws: ``SettingsError`` when the variable holds something that is neither fingerprint nor e-mail address.
        package func recipients(environment: [String: String]) throws -> [String] {
            let pieces = (environment[Self.variable] ?? "").split(separator: ",").map(String.init)
            let found: [String] = pieces.flatMap { piece in
                // A fingerprint may be written in groups of four, as gpg prints it.
                if Recipient.normalised(piece) != nil { return [piece] }
                return piece.split(whereSeparator: \.isWhitespace).map(String.init)
            }
            let named = found.filter { !$0.allSatisfy(\.isWhitespace) }
            guard !named.isEmpty else { return recipients }
            let normal = try named.map { text in
                guard let recipient = Recipient.normalised(text) else {
                    throw SettingsError(
                        SettingsProblem(
                            code: "settings.bad-value",
                            what: Recipient.complaint(about: text, in: "`$\(Self.variable)`"),
                            position: nil, file: "$\(Self.variable)", remedy: Recipient.remedy))
                }
                return recipient
            }
            return Recipient.unique(normal)
        }
    }
}

/// The shapes in which a recipient may be written.
enum Recipient {
    static let remedy = """
        Write the full fingerprint, 40 hex digits: `holdfast key list` or \
        `gpg --list-keys --with-subkey-fingerprint` shows it.
        """

    static func complaint(about text: String, in key: String) -> String {
        "\(key) is neither a full fingerprint nor an e-mail address: `\(printable(text))`."
    }

    /// The recipient as it is kept: a fingerprint in upper case without spaces, or an e-mail address; nil: neither.
    static func normalised(_ text: String) -> String? {
        let text = trimmed(text)
        let digits = text.filter { !$0.isWhitespace }
        if digits.utf8.count == 40, digits.utf8.allSatisfy(isHexDigit) { return digits.uppercased() }
        return isEmailAddress(text) ? text : nil
    }

    /// The same in the same order, each once.
    static func unique(_ recipients: [String]) -> [String] {
        var seen: Set<String> = []
        return recipients.filter { seen.insert($0.lowercased()).inserted }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    /// Strict enough that what passes is an address and never an option, a user id or a pattern of gpg's.
    static func isEmailAddress(_ text: String) -> Bool {
        let halves = text.split(separator: "@", omittingEmptySubsequences: false)
        guard halves.count == 2, text.utf8.count <= 254, let local = halves.first, let domain = halves.last else {
            return false
        }
        guard let first = local.first, first.isLetter || first.isNumber || first == "_" else { return false }
        guard !domain.hasPrefix("."), !domain.hasSuffix("."), !domain.hasPrefix("-") else { return false }
        return !domain.isEmpty
            && local.allSatisfy { $0.isLetter || $0.isNumber || "._%+-'".contains($0) }
            && domain.allSatisfy { $0.isLetter || $0.isNumber || ".-".contains($0) }
    }
}
