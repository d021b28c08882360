import Machine
import OpenPGP
import TestKit
import Testing

@Suite struct ImportTests {
    @Test func aPublicKeyIsTaken() async throws {
        try await withKeyring { keys in
            let made = try await keys.make(onHost: false)
            let found = try await keys.host.inspect(made.public)
            #expect(found.keys.map(\.fingerprint) == [made.fingerprint])
            #expect(!found.containsSecret)
            #expect(try await keys.host.keys() == [])
            let first = try await keys.host.importKey(made.public, now: now)
            #expect(first.key.fingerprint == made.fingerprint)
            #expect(!first.hadPrivateKey)
            #expect(!first.wasKnown)
            #expect(try await keys.host.importKey(made.public, now: now).wasKnown)
            let fresh = Keyring(home: keys.folder + "/new/keyring")
            #expect(try await fresh.importKey(made.public, now: now).key.fingerprint == made.fingerprint)
            #expect(try await fresh.keys().count == 1)
        }
    }

    /// A private key is never imported, only its public half.
    @Test func ofAPrivateKeyOnlyThePublicHalfIsTaken() async throws {
        try await withKeyring { keys in
            for passphrase in ["", "correct horse"] {
                let made = try await keys.make(passphrase: passphrase, onHost: false)
                #expect(try await keys.host.inspect(made.secret).containsSecret)
                let imported = try await keys.host.importKey(made.secret, now: now)
                #expect(imported.hadPrivateKey)
                #expect(imported.key.fingerprint == made.fingerprint)
            }
            #expect(try await keys.host.privateEncryptionKeys() == [])
            #expect(try await keys.host.keys().allSatisfy { !$0.hasSecret })
            let secrets = try await keys.gpg(["--list-secret-keys"], home: keys.host.home).text
            #expect(secrets.isEmpty)
        }
    }

    /// HAZARDS: key file with two keys.
    @Test func aKeyFileWithTwoKeysIsRefused() async throws {
        try await withKeyring { keys in
            let one = try await keys.make(onHost: false)
            let two = try await keys.make(onHost: false)
            let joined = one.public + two.public
            #expect(try await refusal { _ = try await keys.host.importKey(joined, now: now) } == .twoKeys)
            #expect(try await keys.host.keys() == [])
        }
    }

    @Test func badKeysAreRefusedAndTheKeyringStaysAsItIs() async throws {
        try await withKeyring { keys in
            for (kind, expected) in [
                (ThrowAwayKeys.Kind.expired, OpenPGPError.Kind.expired), (.revoked, .revoked), (.signOnly, .signOnly),
            ] {
                let made = try await keys.make(kind, onHost: false)
                #expect(
                    try await refusal { _ = try await keys.host.importKey(made.public, now: now) } == expected,
                    "\(kind)")
                #expect(try await refusal { _ = try await keys.host.importKey(made.secret, now: now) } == expected)
            }
            for junk in [[], Array("hello\n".utf8), [0x99, 0, 1], [UInt8](repeating: 0x85, count: 5 << 20)] {
                #expect(try await refusal { _ = try await keys.host.importKey(junk, now: now) } == .notAKey)
            }
            #expect(try await keys.host.keys() == [])
        }
    }

    @Test func aKeyThatTheKeyringKnowsToBeRevokedStaysRefused() async throws {
        try await withKeyring { keys in
            let made = try await keys.make(onHost: false)
            let before = made.public
            _ = try await keys.host.importKey(before, now: now)
            try await keys.revoke(made.fingerprint)
            let revoked = try await keys.gpg(["--export", made.fingerprint.description]).output
            try await keys.gpg(["--import"], home: keys.host.home, input: revoked)
            #expect(try await refusal { _ = try await keys.host.importKey(before, now: now) } == .revoked)
        }
    }

    @Test func anExtendedExpiryReplacesTheOldOne() async throws {
        try await withKeyring { keys in
            let made = try await keys.make(.expired)
            let listed = try await keys.host.key(for: made.fingerprint.description)
            // gpg's `*` means only subkeys that have not expired.
            for subkeys in [[], listed.subkeys.map(\.fingerprint.description)] {
                try await keys.gpg(["--quick-set-expire", made.fingerprint.description, "1y"] + subkeys)
            }
            let renewed = try await keys.gpg(["--export", made.fingerprint.description]).output
            let imported = try await keys.host.importKey(renewed, now: now)
            #expect(imported.wasKnown)
            guard case .usable(let until?) = imported.key.encryptionState(at: now) else {
                Issue.record("\(imported.key.encryptionState(at: now))")
                return
            }
            #expect(abs(until.since(now) - 365 * 86_400) < 3600)
        }
    }
}
