import ArgumentParser
import Glibc
import Machine
import OpenPGP
import Recovery

/// How the private key comes in for one restore.
struct KeyOptions: ParsableArguments {
    @Option(
        help:
            "File with the private key, or - for standard input. Without: the gpg agent of this user, also a forwarded one."
    )
    var key: String?

    @Option(help: "File with the private key's passphrase; else $HOLDFAST_PASSPHRASE, or it is asked for.")
    var passphraseFile: String?

    /// Runs `body` with the key, which is wiped afterwards whatever happens.
    func withKey<Value>(_ body: (DecryptionKey) async throws -> Value) async throws -> Value {
        let key = try await load()
        defer { key.end() }
        return try await body(key)
    }

    private func load() async throws -> DecryptionKey {
        guard let key else { return .agent(home: nil) }
        let bytes = try readKeyFile(key)
        let given = try givenPassphrase()
        do {
            return try await DecryptionKey.load(bytes, passphrase: given)
        } catch let error as OpenPGPError where error.kind == .passphraseNeeded {
            guard given == nil, let asked = try askPassphrase() else { throw error }
            return try await DecryptionKey.load(bytes, passphrase: asked)
        }
    }

    private func givenPassphrase() throws -> Redacted? {
        if let passphraseFile {
            let bytes = try Descriptor.open(passphraseFile, O_RDONLY).readAll(limit: 4096)
            return Redacted(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
        }
        return environment()["HOLDFAST_PASSPHRASE"].map(Redacted.init)
    }

    private func askPassphrase() throws -> Redacted? {
        key == "-" ? nil : try Terminal.askSecret("Passphrase of the private key: ")
    }
}

/// Reads a key file, or standard input for `-`.
func readKeyFile(_ name: String) throws -> [UInt8] {
    let limit = 4 << 20
    if name == "-" { return try Terminal.Input().readAll(limit: limit, place: "standard input") }
    return try Descriptor.open(name, O_RDONLY).readAll(limit: limit)
}
