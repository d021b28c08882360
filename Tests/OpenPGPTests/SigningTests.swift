import Glibc
import Machine
import OpenPGP
import TestKit
import Testing

@Suite struct SigningTests {
    @Test func theHostsKeySignsAndAnybodyCanCheck() async throws {
        try await withKeyring { keys in
            let folder = keys.folder + "/state/signing"
            #expect(try await HostKey.open(folder) == nil)
            let key = try await HostKey.create(in: folder, host: "n8n.example.org")
            #expect(try await HostKey.open(folder)?.fingerprint == key.fingerprint)
            let again = await #expect(throws: MachineError.self) { try await HostKey.create(in: folder, host: "x") }
            #expect(again?.code == "machine.exists")
            let text = Array("{\"format\":1}\n".utf8)
            let signature = try await key.sign(text)
            let publicKey = try await key.publicKey()
            #expect(try await Signature.verify(text, signature: signature, by: publicKey) == key.fingerprint)
            // By stock gpg as well.
            try await keys.gpg(["--import"], input: publicKey)
            try Descriptor.folder(keys.folder).publish("sig", signature)
            let plain = try await keys.gpg(["--status-fd", "1", "--verify", keys.folder + "/sig", "-"], input: text)
            #expect(plain.text.contains("VALIDSIG \(key.fingerprint)"))
            let listed = try #require(try await keys.host.inspect(publicKey).keys.first)
            #expect(listed.encryptionState(at: now) == .signOnly)
            #expect(listed.userIDs == ["Holdfast on n8n.example.org (signs backups)"])
            for name in try Descriptor.folder(folder).names() {
                #expect(try Descriptor.folder(folder).open(name, O_RDONLY).status().st_mode & 0o777 == 0o600)
            }
        }
    }

    @Test func manySignAtOnce() async throws {
        try await withTemporaryFolder { folder in
            let key = try await HostKey.create(in: folder, host: "h")
            try await withThrowingTaskGroup(of: Fingerprint.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        let text = Array("point \(number)".utf8)
                        let signature = try await key.sign(text)
                        return try await Signature.verify(text, signature: signature, by: try await key.publicKey())
                    }
                }
                for try await fingerprint in group { #expect(fingerprint == key.fingerprint) }
            }
        }
    }

    @Test func whatDoesNotFitIsRefused() async throws {
        try await withKeyring { keys in
            let key = try await HostKey.create(in: keys.folder + "/one", host: "one")
            let other = try await HostKey.create(in: keys.folder + "/two", host: "two")
            let text = Array("manifest".utf8)
            let mine = try await key.sign(text)
            let theirs = try await other.sign(text)
            let publicKey = try await key.publicKey()
            func check(_ text: [UInt8], _ signature: [UInt8], _ key: [UInt8]) async throws -> OpenPGPError.Kind? {
                try await refusal { _ = try await Signature.verify(text, signature: signature, by: key) }
            }
            #expect(try await check(text, mine, publicKey) == nil)
            #expect(try await check(text + [10], mine, publicKey) == .badSignature)
            #expect(try await check([], mine, publicKey) == .badSignature)
            #expect(try await check(text, theirs, publicKey) == .unknownSigner)
            #expect(try await check(text, mine + mine, publicKey) == .badSignature)
            #expect(try await check(text, mine + theirs, publicKey) != nil)
            #expect(try await check(text, theirs + mine, publicKey) != nil)
            #expect(try await check(text, [], publicKey) == .badSignature)
            #expect(try await check(text, Array("junk".utf8), publicKey) == .badSignature)
            #expect(try await check(text, Array(mine.dropLast()), publicKey) == .badSignature)
            #expect(try await check(text, mine, []) == .notAKey)
            #expect(try await check(text, mine, publicKey + (try await other.publicKey())) == .twoKeys)
            for place in stride(from: 0, to: mine.count, by: 5) {
                var flipped = mine
                flipped[place] ^= 4
                // Some bytes are only hints (which key, when checked last): then the signature stands for the same text still.
                let verdict = try? await Signature.verify(text, signature: flipped, by: publicKey)
                #expect(verdict == nil || verdict == key.fingerprint)
                #expect(try await check(text + [1], flipped, publicKey) != nil)
            }
        }
    }

    @Test func expiredAndRevokedSignersAreRefused() async throws {
        try await withKeyring { keys in
            let expired = try await keys.make(.expired)
            let good = try await keys.make(.signOnly)
            let text = Array("manifest".utf8)
            let old = try await keys.gpg(
                ["--faked-system-time", "20200601T000000", "-u", expired.fingerprint.description, "--detach-sign"],
                input: text
            ).output
            let signed = try await keys.gpg(["-u", good.fingerprint.description, "--detach-sign"], input: text).output
            try await keys.revoke(good.fingerprint)
            let revoked = try await keys.gpg(["--export", good.fingerprint.description]).output
            #expect(
                try await refusal { _ = try await Signature.verify(text, signature: old, by: expired.public) }
                    == .expired)
            #expect(
                try await refusal { _ = try await Signature.verify(text, signature: signed, by: revoked) } == .revoked)
            #expect(try await Signature.verify(text, signature: signed, by: good.public) == good.fingerprint)
        }
    }

    @Test func aNewPairOfKeysIsWhole() async throws {
        try await withKeyring { keys in
            let until = now.advanced(by: 86_400 * 400)
            for (passphrase, expires) in [(nil, nil), ("correct horse", until)] {
                let pair = try await KeyPair.generate(
                    userID: "Ünï <u@example.org>", passphrase: passphrase.map { Redacted($0) }, expires: expires)
                let imported = try await keys.host.importKey(pair.public, now: now)
                #expect(imported.key.fingerprint == pair.fingerprint)
                #expect(imported.key.userIDs == ["Ünï <u@example.org>"])
                #expect(imported.key.algorithm == "ed25519/cv25519")
                guard case .usable(let end) = imported.key.encryptionState(at: now) else {
                    Issue.record("\(imported.key.encryptionState(at: now))")
                    return
                }
                #expect(end.map { abs($0.since(until)) < 60 } ?? (expires == nil))
                let sink = Kept()
                _ = try await Encryption(keyring: keys.host, recipients: [imported.key])
                    .run({ sink, _ in try sink.write("secret") }, into: sink)
                let key = try await DecryptionKey.load(pair.secret, passphrase: passphrase.map { Redacted($0) })
                #expect(try await decrypt(sink.all, with: key) == Array("secret".utf8))
                key.end()
                let text = String(decoding: pair.revocation, as: UTF8.self)
                #expect(text.contains(":-----BEGIN PGP PUBLIC KEY BLOCK"))
            }
        }
    }
}
