import Glibc
import Machine
import OpenPGP
import TestKit
import Testing

@Suite struct DecryptionTests {
    /// A message as ours are, and its key.
    private func withMessage(
        _ plain: [UInt8], _ body: (_ message: [UInt8], ThrowAwayKeys.Key, ThrowAwayKeys) async throws -> Void
    ) async throws {
        try await withKeyring { keys in
            let made = try await keys.make()
            let key = try await keys.host.key(for: made.fingerprint.description)
            let sink = Kept()
            _ = try await Encryption(keyring: keys.host, recipients: [key])
                .run({ sink, _ in try sink.write(plain) }, into: sink)
            try await body(sink.all, made, keys)
        }
    }

    private func withKey(
        _ file: [UInt8], passphrase: String? = nil, _ body: (DecryptionKey) async throws -> Void
    ) async throws {
        let key = try await DecryptionKey.load(file, passphrase: passphrase.map { Redacted($0) })
        do {
            try await body(key)
            key.end()
        } catch {
            key.end()
            throw error
        }
    }

    private func failure(_ message: [UInt8], _ key: DecryptionKey) async throws -> OpenPGPError.Kind? {
        try await refusal { _ = try await decrypt(message, with: key) }
    }

    @Test func whatStockGPGSealedIsOpened() async throws {
        try await withKeyring { keys in
            let made = try await keys.make()
            let plain = random(300_000, seed: 11)
            try await withKey(made.secret) { (key) async throws in
                for options in [
                    [], ["--armor"], ["--compress-algo", "zip"], ["--hidden-recipient", made.fingerprint.description],
                    ["--sign"], ["--rfc4880"], ["--textmode"], ["--set-filename", "a b\n[GNUPG:] x"],
                ] {
                    let recipient = options.first == "--hidden-recipient" ? [] : ["-r", made.fingerprint.description]
                    let text = options == ["--textmode"] ? Array("line\n".utf8) : plain
                    let message = try await keys.gpg(options + recipient + ["--encrypt"], input: text).output
                    #expect(try await decrypt(message, with: key) == text, "\(options)")
                }
            }
        }
    }

    @Test func aKeyWithAPassphraseIsOpenedByItOnly() async throws {
        try await withKeyring { keys in
            let made = try await keys.make(passphrase: "correct horse ü")
            let message = try await keys.gpg(["-r", made.fingerprint.description, "--encrypt"], input: [1, 2, 3]).output
            try await withKey(made.secret, passphrase: "correct horse ü") { (key) async throws in
                #expect(try await decrypt(message, with: key) == [1, 2, 3])
                #expect(key.opens(try inspect(message)) == true)
            }
            #expect(try await refusal { try await withKey(made.secret) { _ in } } == .passphraseNeeded)
            for wrong in ["", "correct horse u", " correct horse ü", "a\nb"] {
                let thrown = try await refusal { try await withKey(made.secret, passphrase: wrong) { _ in } }
                #expect(thrown == .wrongPassphrase, "\(wrong)")
            }
        }
    }

    @Test func whatIsNoPrivateKeyIsNamed() async throws {
        try await withKeyring { keys in
            let made = try await keys.make()
            let other = try await keys.make()
            let signer = try await keys.make(.signOnly)
            let cases: [([UInt8], OpenPGPError.Kind)] = [
                ([], .notAKey), (Array("hello".utf8), .notAKey), (made.public, .noPrivateKey),
                (made.secret + other.secret, .twoKeys), (signer.secret, .signOnly),
                (Array(made.secret.prefix(made.secret.count / 2)), .notAKey),
            ]
            for (file, kind) in cases {
                let thrown = try await refusal { try await withKey(file) { _ in } }
                #expect(thrown == kind)
            }
        }
    }

    @Test func anExpiredOrRevokedKeyStillOpensWhatWasSealedToIt() async throws {
        try await withKeyring { keys in
            for kind in [ThrowAwayKeys.Kind.expired, .revoked] {
                let made = try await keys.make()
                let message = try await keys.gpg(["-r", made.fingerprint.description, "--encrypt"], input: [1, 2, 3])
                    .output
                if kind == .revoked {
                    try await keys.revoke(made.fingerprint)
                } else {
                    try await keys.gpg(["--quick-set-expire", made.fingerprint.description, "seconds=1"])
                    try await Task.sleep(for: .seconds(2))
                }
                let secret = try await keys.gpg(["--export-secret-keys", made.fingerprint.description]).output
                try await withKey(secret) { (key) async throws in
                    #expect(try await decrypt(message, with: key) == [1, 2, 3])
                }
            }
        }
    }

    @Test func aMessageForSomebodyElseSaysForWhom() async throws {
        try await withMessage([1, 2, 3]) { message, made, keys in
            let other = try await keys.make()
            try await withKey(other.secret) { (key) async throws in
                #expect(key.opens(try inspect(message)) == false)
                let error = await #expect(throws: OpenPGPError.self) { try await decrypt(message, with: key) }
                #expect(error?.kind == .wrongKey)
                #expect(error?.keyIDs == [made.keyID])
                #expect(error?.what.contains(made.keyID.description) == true)
                let long = try await keys.gpg(
                    ["-r", made.fingerprint.description, "--encrypt"], input: random(8 << 20, seed: 6)
                ).output
                #expect(try await failure(long, key) == .wrongKey)
                let symmetric = try await keys.gpg(
                    ["--pinentry-mode", "loopback", "--passphrase", "x", "--symmetric"], input: [1]
                ).output
                #expect(try await failure(symmetric, key).map { [.wrongKey, .passphraseNeeded].contains($0) } == true)
            }
        }
    }

    /// HAZARDS: `gpg -d` writes corrupt data first and fails after; a flipped byte emits *all* bytes.
    @Test func aFlippedByteAnywhereIsNeverAccepted() async throws {
        let seed: UInt64 = 7
        let plain = random(700, seed: seed)
        try await withMessage(plain) { message, made, _ in
            try await withKey(made.secret) { (key) async throws in
                var chance = SeededRandom(seed: seed)
                // Every byte of the packets' fronts, and a hundred of the rest.
                let places = Array(0..<130) + (0..<100).map { _ in Int.random(in: 130..<message.count, using: &chance) }
                let accepted = try await withThrowingTaskGroup(of: Int?.self, returning: [Int].self) { group in
                    for (index, place) in (places + (message.count - 24..<message.count)).enumerated() {
                        if index >= 4, let wrong = try await group.next() ?? nil { return [wrong] }
                        var flipped = message
                        flipped[place] ^= 1 << UInt8.random(in: 0...7, using: &chance)
                        let broken = flipped
                        group.addTask {
                            do {
                                // The key id is a label only: gpg tries whatever key it names.
                                return try await decrypt(broken, with: key) == plain ? nil : place
                            } catch is OpenPGPError { return nil }
                        }
                    }
                    return try await group.reduce(into: []) { if let place = $1 { $0.append(place) } }
                }
                #expect(accepted == [])
            }
        }
    }

    @Test func cutAppendedSwappedAndJoinedMessagesAreRefused() async throws {
        try await withMessage(random(20_000, seed: 8)) { message, made, keys in
            let second = try await keys.make()
            let foreign = try await keys.gpg(["-r", second.fingerprint.description, "--encrypt"], input: [1]).output
            let mine = try await keys.gpg(["-r", made.fingerprint.description, "--encrypt"], input: [1]).output
            // The first packet ends where its length says.
            let front = 2 + Int(message[1])
            let foreignFront = 2 + Int(foreign[1])
            try await withKey(made.secret) { (key) async throws in
                for cut in [
                    0, 1, front, front + 1, front + 40, message.count / 2, message.count - 22, message.count - 1,
                ] {
                    #expect(try await failure(Array(message[..<cut]), key) == .truncated, "cut at \(cut)")
                }
                #expect(try await failure(message + [0], key) == .trailingData)
                #expect(try await failure(message + message, key) == .trailingData)
                #expect(try await failure(Array(message[front...]), key) != nil)
                let swapped = Array(foreign[..<foreignFront] + message[front...])
                #expect(try await failure(swapped, key) == .wrongKey)
                // The session key of another message to the same key: opens nothing.
                let mixed = Array(mine[..<front] + message[front...])
                #expect([.altered, .decryptionFailed].contains(try await failure(mixed, key)))
                #expect(try await failure(Array("hello, this is no message at all\n".utf8), key) == .decryptionFailed)
                #expect(try await failure(made.secret, key) != nil)
            }
        }
    }

    @Test func unprotectedMessagesAreRefused() async throws {
        try await withMessage([1, 2, 3]) { message, made, _ in
            let front = 2 + Int(message[1])
            let bare = Array(message[..<front]) + Packets.new(9, random(100, seed: 9))
            try await withKey(made.secret) { (key) async throws in
                #expect(try await failure(bare, key) == .notIntegrityProtected)
            }
        }
    }

    @Test func theConsumerSeesTheEndOnlyOfWhatIsGood() async throws {
        try await withMessage(random(300_000, seed: 10)) { message, made, _ in
            var broken = message
            broken[message.count - 30] ^= 1
            let altered = broken
            try await withKey(made.secret) { (key) async throws in
                let kind = try await refusal {
                    try await key.decrypt(feeding: { sink, _ in try sink.write(altered) }) { source, _ in
                        _ = try readAll(source)
                        Issue.record("it saw the end")
                    }
                }
                #expect(kind == .altered)
            }
        }
    }

    @Test func whoseErrorItIs() async throws {
        try await withMessage(random(3_000_000, seed: 12)) { message, made, _ in
            var broken = message
            broken[message.count / 2] ^= 1
            let altered = broken
            try await withKey(made.secret) { (key) async throws in
                // Stops early, is content: the rest is read and checked all the same.
                let early = try await key.decrypt(feeding: { sink, _ in try sink.write(message) }) { _, _ in 42 }
                #expect(early == 42)
                #expect(
                    try await refusal {
                        _ = try await key.decrypt(feeding: { sink, _ in try sink.write(altered) }) { _, _ in 42 }
                    } == .altered)
                // Stumbles over what a changed message decrypts to: gpg knows why.
                #expect(
                    try await refusal {
                        _ = try await key.decrypt(feeding: { sink, _ in try sink.write(altered) }) { _, _ -> Int in
                            throw OwnTrouble(number: 1)
                        }
                    } == .altered)
                // Its own trouble.
                await #expect(throws: OwnTrouble(number: 2)) {
                    _ = try await key.decrypt(feeding: { sink, _ in try sink.write(message) }) { _, _ -> Int in
                        throw OwnTrouble(number: 2)
                    }
                }
                await #expect(throws: MachineError.self) {
                    _ = try await key.decrypt(feeding: { sink, _ in try sink.write(altered) }) { _, _ -> Int in
                        throw MachineError.call("write to", "a full disk", errno: ENOSPC)
                    }
                }
                // The feeder's.
                await #expect(throws: OwnTrouble(number: 3)) {
                    _ = try await key.decrypt(feeding: { sink, _ in
                        try sink.write(Array(message.prefix(100_000)))
                        throw OwnTrouble(number: 3)
                    }) { source, _ in try readAll(source) }
                }
            }
        }
    }

    @Test func theOwnersOwnKeyringCanBeUsed() async throws {
        try await withMessage([1, 2, 3]) { (message, _, keys) async throws in
            let key = DecryptionKey.agent(home: keys.ownerHome)
            #expect(try await decrypt(message, with: key) == [1, 2, 3])
            key.end()
            #expect(try await Keyring(home: keys.ownerHome).keys().count == 1)
            let host = DecryptionKey.agent(home: keys.host.home)
            #expect(try await failure(message, host) == .wrongKey)
        }
    }

    @Test func cancellingEndsItPromptly() async throws {
        try await withMessage(random(3_000_000, seed: 13)) { message, made, _ in
            try await withKey(made.secret) { (key) async throws in
                let start = monotonicSeconds()
                let work = Task {
                    try await key.decrypt(feeding: { sink, stop in
                        try sink.write(Array(message.prefix(1000)))
                        while true {
                            try stop.check()
                            usleep(1000)
                        }
                    }) { source, _ in try readAll(source) }
                }
                try await Task.sleep(for: .milliseconds(300))
                work.cancel()
                await #expect(throws: Interrupted.self) { _ = try await work.value }
                #expect(monotonicSeconds() - start < 30)
            }
        }
    }
}
