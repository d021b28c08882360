import Glibc
import Machine
import OpenPGP
import TestKit
import Testing

/// Where private keys and passphrases go: into no argument, onto no disk, and away afterwards.
@Suite struct SecrecyTests {
    /// A gpg that notes what it is called with.
    private struct Noting {
        let gnupg: GnuPG
        let log: String

        init(in folder: String) throws {
            log = folder + "/log"
            let path = folder + "/noting-gpg"
            try Descriptor.open(path, O_WRONLY | O_CREAT, mode: 0o700)
                .write("#!/bin/sh\nprintf '%s\\n' \"$@\" >> \(log)\nexec gpg \"$@\"\n")
            gnupg = GnuPG(executable: path)
        }

        var words: [String] {
            get throws {
                // Nothing was called if it was cancelled early enough.
                guard access(log, F_OK) == 0 else { return [] }
                return String(decoding: try Descriptor.open(log, O_RDONLY).readAll(limit: 1 << 20), as: UTF8.self)
                    .split(separator: "\n").map(String.init)
            }
        }

        /// The homes that it was called with.
        var homes: Set<String> {
            get throws { Set(zip(try words, try words.dropFirst()).filter { $0.0 == "--homedir" }.map(\.1)) }
        }
    }

    /// Waits a moment for an agent to notice that its home is gone.
    private func agentsAreGone(_ homes: Set<String>, looks: Int = 50) async throws -> Bool {
        for _ in 0..<looks {
            let running = try Descriptor.folder("/proc").names().filter { pid_t($0) != nil }.contains { process in
                guard let bytes = try? Descriptor.open("/proc/\(process)/cmdline", O_RDONLY).readAll(limit: 1 << 20)
                else { return false }
                let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
                return words.contains { homes.contains($0) }
            }
            if !running, !homes.contains(where: { access($0, F_OK) == 0 }) { return true }
            try await Task.sleep(for: .milliseconds(100))
        }
        return false
    }

    private func check(_ noting: Noting, secrets: [String], besides: Set<String> = [], mayBeNone: Bool = false)
        async throws
    {
        let words = try noting.words
        for secret in secrets { #expect(!words.contains { $0.contains(secret) }) }
        let homes = try noting.homes.subtracting(besides)
        #expect(mayBeNone || !homes.isEmpty)
        #expect(homes.allSatisfy { $0.hasPrefix("/dev/shm/holdfast-\(getpid())-") }, "\(homes)")
        #expect(try await agentsAreGone(homes))
    }

    @Test func ofAPrivateKeyThatDecrypts() async throws {
        try await withKeyring { keys in
            let noting = try Noting(in: keys.folder)
            let made = try await keys.make(passphrase: "correct horse")
            let message = try await keys.gpg(["-r", made.fingerprint.description, "--encrypt"], input: [1, 2, 3]).output
            let ended = try await DecryptionKey.load(
                made.secret, passphrase: Redacted("correct horse"), gnupg: noting.gnupg)
            #expect(try await decrypt(message, with: ended) == [1, 2, 3])
            #expect(try await agentsAreGone(try noting.homes, looks: 1) == false)
            ended.end()
            ended.end()
            #expect(try await agentsAreGone(try noting.homes))
            try await check(noting, secrets: ["correct", "PRIVATE"])

            var forgotten: DecryptionKey? = try await DecryptionKey.load(
                made.secret, passphrase: Redacted("correct horse"), gnupg: noting.gnupg)
            #expect(forgotten?.key?.fingerprint == made.fingerprint)
            forgotten = nil
            try await check(noting, secrets: ["correct", "PRIVATE"])

            _ = try? await DecryptionKey.load(made.secret, passphrase: Redacted("wrong horse"), gnupg: noting.gnupg)
            try await check(noting, secrets: ["horse", "PRIVATE"])
        }
    }

    @Test func ofAPrivateKeyThatIsOnlyLookedAt() async throws {
        try await withKeyring { keys in
            let noting = try Noting(in: keys.folder)
            let made = try await keys.make(onHost: false)
            let host = Keyring(home: keys.folder + "/other", gnupg: noting.gnupg)
            #expect(try await host.importKey(made.secret, now: now).hadPrivateKey)
            try await check(noting, secrets: ["PRIVATE"], besides: [keys.folder + "/other"])
            #expect(try Descriptor.folder(keys.folder + "/other").names().filter { $0.hasPrefix("private") } == [])
        }
    }

    @Test func ofKeysThatAreMade() async throws {
        try await withTemporaryFolder { folder in
            let noting = try Noting(in: folder)
            let pair = try await KeyPair.generate(
                userID: "U <u@example.org>", passphrase: Redacted("correct horse"), gnupg: noting.gnupg)
            #expect(!pair.secret.isEmpty)
            let key = try await HostKey.create(in: folder + "/state", host: "h", gnupg: noting.gnupg)
            let signature = try await key.sign([1])
            _ = try await Signature.verify(
                [1], signature: signature, by: try await key.publicKey(), gnupg: noting.gnupg)
            try await check(noting, secrets: ["correct", "PRIVATE"])
        }
    }

    /// An agent that is told to end in the wrong moment waits for ever: a few moments have to be tried.
    @Test(arguments: 1...8) func ofADecryptionThatIsCancelled(after moments: Int) async throws {
        try await withKeyring { keys in
            let noting = try Noting(in: keys.folder)
            let made = try await keys.make()
            let work = Task {
                let key = try await DecryptionKey.load(made.secret, gnupg: noting.gnupg)
                return try await key.decrypt(feeding: { _, stop in
                    while true {
                        try stop.check()
                        usleep(1000)
                    }
                }) { source, _ in try readAll(source) }
            }
            try await Task.sleep(for: .milliseconds(moments * 80))
            work.cancel()
            await #expect(throws: (any Error).self) { try await work.value }
            try await check(noting, secrets: ["PRIVATE"], mayBeNone: true)
        }
    }
}
