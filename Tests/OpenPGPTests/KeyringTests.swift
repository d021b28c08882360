import Machine
import OpenPGP
import TestKit
import Testing

/// Which error of ours a piece of work throws; nil if none.
func refusal(_ body: () async throws -> Void) async throws -> OpenPGPError.Kind? {
    do {
        try await body()
        return nil
    } catch let error as OpenPGPError {
        #expect(error.remedy?.isEmpty == false, "\(error.code) has no remedy")
        return error.kind
    }
}

var now: Timestamp { SystemClock().now() }

@Suite struct KeyringTests {
    @Test func gpgIsThere() async throws {
        #expect(try await Keyring.gpgVersion().hasPrefix("2."))
    }

    @Test func aMissingGPGIsSaidToBeMissing() async throws {
        let keyring = Keyring(home: nil, gnupg: GnuPG(executable: "gpg-that-is-not-there"))
        #expect(try await refusal { _ = try await keyring.inspect([1]) } == .noGPG)
    }

    @Test func aKeyIsListedWithAllThatIsKnownOfIt() async throws {
        try await withKeyring { keys in
            let made = try await keys.make(userID: "Ada: the \\ first <Ada@Example.org>")
            let listed = try #require(try await keys.host.keys().first)
            #expect(listed.fingerprint == made.fingerprint)
            #expect(listed.userIDs == ["Ada: the \\ first <Ada@Example.org>"])
            #expect(listed.algorithm == "ed25519/cv25519")
            #expect(listed.subkeys.map(\.keyID) == [made.keyID])
            #expect(abs(listed.created.since(now)) < 600)
            #expect(listed.expires == nil)
            #expect(listed.encryptionState(at: now) == .usable(until: nil))
            #expect(!listed.hasSecret)
        }
    }

    /// A key comes from a stranger; its name may not act on the terminal that it is shown on.
    @Test func aUserIDIsShownAndDoesNothing() async throws {
        try await withKeyring { keys in
            _ = try await keys.make(userID: "Ada\u{1b}[2J\u{7} <ada@example.org>")
            let listed = try #require(try await keys.host.keys().first)
            #expect(
                !listed.name.unicodeScalars.contains { $0.properties.generalCategory == .control }, "\(listed.name)")
            #expect(listed.addresses == ["ada@example.org"])
        }
    }

    @Test func listingAKeyringThatIsNotThereMakesNone() async throws {
        try await withTemporaryFolder { folder in
            for home in [folder + "/nothing", folder] {
                let keys = try await Keyring(home: home).keys()
                #expect(keys.isEmpty)
            }
            #expect(try Descriptor.folder(folder).names() == [])
        }
    }

    @Test func theUsersOwnKeyringIsTheDefault() async throws {
        _ = try await Keyring(home: nil).keys()
    }

    @Test func aPrivateEncryptionKeyOnTheHostIsFound() async throws {
        try await withKeyring { keys in
            let made = try await keys.make()
            _ = try await keys.make(.signOnly, userID: "Signer <signer@example.org>")
            #expect(try await keys.host.privateEncryptionKeys() == [])
            let owner = Keyring(home: keys.ownerHome)
            #expect(try await owner.privateEncryptionKeys().map(\.fingerprint) == [made.fingerprint])
            #expect(try await owner.keys().allSatisfy(\.hasSecret))
        }
    }

    @Test func recipientsAreNamedByFullFingerprint() async throws {
        try await withKeyring { keys in
            let made = try await keys.make()
            let digits = made.fingerprint.description
            #expect(try await keys.host.key(for: digits).fingerprint == made.fingerprint)
            #expect(try await keys.host.key(for: digits.lowercased()).fingerprint == made.fingerprint)
            #expect(try await keys.host.key(for: made.fingerprint.grouped).fingerprint == made.fingerprint)
            #expect(try await keys.host.key(for: "owner@EXAMPLE.org").fingerprint == made.fingerprint)
            for short in [String(digits.suffix(8)), String(digits.suffix(16)), "0x" + digits.suffix(16), digits + "00"]
            {
                #expect(try await refusal { _ = try await keys.host.key(for: short) } == .shortID, "\(short)")
            }
            let other = String(digits.reversed())
            #expect(try await refusal { _ = try await keys.host.key(for: other) } == .noKey)
            #expect(try await refusal { _ = try await keys.host.key(for: "owner") } == .noKey)
            #expect(try await refusal { _ = try await keys.host.key(for: "wner@example.org") } == .noKey)
            #expect(try await refusal { _ = try await keys.host.key(for: "nobody@gnupg.org") } == .noKey)
        }
    }

    /// HAZARDS: recipient by e-mail.
    @Test func aRecipientByEmailThatMatchesTwoIsRefusedWithBothNamed() async throws {
        try await withKeyring { keys in
            let one = try await keys.make(userID: "One <same@example.org>")
            let two = try await keys.make(userID: "Two <same@example.org>")
            do {
                _ = try await keys.host.key(for: "same@example.org")
                Issue.record("accepted")
            } catch let error as OpenPGPError {
                #expect(error.kind == .ambiguousRecipient)
                #expect(error.description.contains(one.fingerprint.description))
                #expect(error.description.contains(two.fingerprint.description))
            }
        }
    }

    @Test func aSubkeyCanBeNamedAndIsThenTheOneEncryptedTo() async throws {
        try await withKeyring { keys in
            let made = try await keys.make()
            try await keys.addSubkey(to: made.fingerprint)
            let both = try await keys.gpg(["--export", made.fingerprint.description]).output
            try await keys.gpg(["--import"], home: keys.host.home, input: both)
            let key = try await keys.host.key(for: made.fingerprint.description)
            #expect(key.subkeys.count == 2)
            for subkey in key.subkeys {
                let chosen = try await keys.host.key(for: subkey.fingerprint.description)
                #expect(chosen.encryptionSubkey(at: now)?.keyID == subkey.keyID)
            }
        }
    }

    @Test func badKeysAreTold() async throws {
        try await withKeyring { keys in
            let expired = try await keys.make(.expired)
            let revoked = try await keys.make(.revoked)
            let signOnly = try await keys.make(.signOnly)
            func state(_ key: ThrowAwayKeys.Key) async throws -> PublicKey.EncryptionState {
                try await keys.host.key(for: key.fingerprint.description).encryptionState(at: now)
            }
            let end = try #require(Timestamp("2021-01-01T00:00:00Z"))
            #expect(try await state(expired) == .expired(end))
            #expect(try await state(revoked) == .revoked)
            #expect(try await state(signOnly) == .signOnly)
        }
    }
}
