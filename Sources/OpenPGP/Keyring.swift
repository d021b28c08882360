internal import Glibc
internal import Machine

/// The public keys of this host: a GNUPGHOME of our own, or the user's.
package struct Keyring: Sendable {
    /// Nil for the user's default.
    package let home: String?
    package let gnupg: GnuPG

    package init(home: String?, gnupg: GnuPG = GnuPG()) {
        self.home = home
        self.gnupg = gnupg
    }

    /// The version of the gpg that is installed: `2.2.40`.
    package static func gpgVersion() async throws -> String { try await GnuPG().version() }

    /// All keys, in the keyring's order. A keyring that is not there has none; listing creates nothing and starts no agent.
    package func keys() async throws -> [PublicKey] { try await list(nil) }

    /// The one key that a configured recipient means.
    ///
    /// - Parameter recipient: the fingerprint of a key, or of one encryption subkey, which is then the one encrypted to;
    ///   or a mail address, if exactly one key here has it. The network is never asked.
    /// - Throws: `openpgp.no-key`, `.short-id`, `.ambiguous-recipient`. Whether the key can be used is
    ///   ``PublicKey/encryptionState(at:)``.
    package func key(for recipient: String) async throws -> PublicKey {
        let keys = try await keys()
        if let fingerprint = Fingerprint(recipient) {
            for var key in keys {
                if key.fingerprint == fingerprint { return key }
                guard let subkey = key.subkeys.first(where: { $0.fingerprint == fingerprint }) else { continue }
                key.chosen = subkey.canEncrypt ? fingerprint : nil
                return key
            }
            throw OpenPGPError(
                .noKey, "There is no key \(fingerprint) in \(place).",
                remedy: "Import its public half: holdfast key import FILE")
        }
        return try keyNamedLoosely(recipient, among: keys)
    }

    private func keyNamedLoosely(_ recipient: String, among keys: [PublicKey]) throws -> PublicKey {
        let wanted = recipient.lowercased()
        let digits = wanted.hasPrefix("0x") ? String(wanted.dropFirst(2)) : wanted.filter { $0 != " " }
        if isHexadecimal(digits) {
            let meant = keys.filter { $0.fingerprint.description.hasSuffix(digits.uppercased()) }
            throw OpenPGPError(
                .shortID, "\(recipient) is not a full fingerprint: anybody can make a key with the same short id.",
                remedy: meant.isEmpty
                    ? "Give all 40 digits: holdfast key list" : "If that key is meant, write \(list(of: meant)).")
        }
        guard wanted.contains("@") else {
            throw OpenPGPError(
                .noKey, "\(recipient) is neither a fingerprint nor a mail address.",
                remedy: "Give the 40 digits of the fingerprint: holdfast key list")
        }
        let meant = keys.filter { $0.addresses.contains(wanted) }
        guard meant.count <= 1 else {
            throw OpenPGPError(
                .ambiguousRecipient, "\(meant.count) keys in \(place) have the address \(recipient).",
                remedy: "Write the fingerprint of the one that is meant: \(list(of: meant)).")
        }
        guard let key = meant.first else {
            throw OpenPGPError(
                .noKey, "No key in \(place) has the address \(recipient).",
                remedy: "Import its public half (holdfast key import FILE), and better name it by its fingerprint.")
        }
        return key
    }

    private func list(of keys: [PublicKey]) -> String { keys.map(\.name).joined(separator: "; ") }

    /// For messages.
    var place: String { home.map { "the keyring \($0)" } ?? "the user's keyring" }

    /// Keys whose private half lies beside this keyring, so that this host could read its own backups.
    package func privateEncryptionKeys() async throws -> [PublicKey] {
        try await keys().filter(\.hasEncryptionSecret)
    }

    /// Makes the keyring's folder (0700), if it is not there.
    package func makeHome() async throws { try makeFolders(try await folder()) }

    func list(_ fingerprint: Fingerprint?) async throws -> [PublicKey] {
        let folder = try await folder()
        let names = ["pubring.kbx", "pubring.gpg", "pubring.db", "public-keys.d"]
        // gpg would make an empty keyring where there is none.
        guard names.contains(where: { access("\(folder)/\($0)", F_OK) == 0 }) else {
            guard [ENOENT, ENOTDIR, 0].contains(readable(folder)) else { throw MachineError.call("open", folder) }
            return []
        }
        let report = try await gnupg.run(
            home: home,
            ["--with-colons", "--fixed-list-mode", "--with-subkey-fingerprint", "--with-keygrip", "--list-keys"]
                + (fingerprint.map { [$0.description] } ?? []))
        guard report.outcome.succeeded else {
            if fingerprint != nil { return [] }
            throw OpenPGPError.failed(.gpgFailed, "list the keys in \(place)", report)
        }
        return KeyListing(report.outcome.text, secretGrips: try secretGrips(folder)).keys
    }

    private func readable(_ folder: String) -> Int32 { access(folder, R_OK | X_OK) == 0 ? 0 : errno }

    /// The folder of the keyring.
    func folder() async throws -> String {
        if let home { return home }
        let ask = ChildProcess(gnupg.gpgconf, ["--list-dirs", "homedir"])
        let outcome = try await GnuPG.starting { try await ask.run() }
        guard outcome.succeeded, let line = outcome.text.split(separator: "\n").first else {
            throw OpenPGPError.failed(.gpgFailed, "name the user's keyring", GnuPG.Report(outcome))
        }
        return String(line.replacing("%3a", with: ":").replacing("%25", with: "%"))
    }

    /// Looks at the files themselves rather than asking an agent: that starts none, and a forwarded agent's keys, which
    /// are not on this host, do not count; nor do those that only say that they are on a card.
    private func secretGrips(_ folder: String) throws -> Set<String> {
        let files: Descriptor
        do {
            files = try .open("\(folder)/private-keys-v1.d", O_RDONLY | O_DIRECTORY)
        } catch let error as MachineError where error.errno == ENOENT {
            return []
        }
        var grips: Set<String> = []
        for name in try files.names() where name.hasSuffix(".key") {
            let text = String(decoding: try files.open(name, O_RDONLY).readAll(limit: 1 << 20), as: UTF8.self)
            if !text.contains("shadowed-private-key") { grips.insert(String(name.dropLast(".key".count))) }
        }
        return grips
    }
}
