import Glibc
import TestKit
import Testing

/// Whom backups are made for: exactly those named, or nobody at all.
@Suite struct RecipientTests {
    private func expectRefused(
        _ recipients: [String], _ code: String, says words: String..., at location: SourceLocation = #_sourceLocation
    ) async throws {
        try await withDemoHost(.backedUp) {
            $0.recipients = recipients
        } _: { host in
            let before = try Possessions(of: host)
            let outcome = try await host.holdfast("backup", "--json")
            try expectFailure(outcome, 4, code, at: location)
            for word in words {
                #expect(outcome.output.contains(word), "“\(word)” is missing: \(outcome)", sourceLocation: location)
            }
            try await before.expectUntouched(host, verifying: false, at: location)
        }
    }

    private func keys(_ test: (DemoKeys) async throws -> Void) async throws {
        let keys = try await withDemoHost { $0.keys }
        try await test(keys)
    }

    @Test func aFingerprintThatIsNotHere() async throws {
        try await expectRefused(
            [String(repeating: "0123456789", count: 4)], "openpgp.no-key", says: "holdfast key import")
    }

    @Test(arguments: ["DEADBEEF", "0xDEADBEEFDEADBEEF", "0123456789ABCDEF0123456789ABCDEF0123456", "Owner"])
    func aFingerprintThatIsNotWhole(text: String) async throws {
        try await expectRefused([text], "settings.bad-value", says: text, "holdfast.yml:4")
    }

    @Test func anAddressThatTwoKeysHave() async throws {
        try await keys { keys in
            try await expectRefused(
                ["twin@example.org"], "openpgp.ambiguous-recipient", says: keys.twins[0].digits,
                keys.twins[1].digits)
        }
    }

    @Test func anAddressThatNoKeyHas() async throws {
        try await expectRefused(["nobody@example.org"], "openpgp.no-key", says: "nobody@example.org")
    }

    @Test func anExpiredKey() async throws {
        try await keys { keys in
            let fingerprint = keys.expired.digits
            try await expectRefused(
                [fingerprint], "openpgp.expired", says: fingerprint, "2021-01-01", "quick-set-expire")
        }
    }

    @Test func oneExpiredKeyOfTwoIsNamed() async throws {
        try await keys { keys in
            try await expectRefused(
                [keys.owner.digits, keys.expired.digits], "openpgp.expired",
                says: keys.expired.digits)
        }
    }

    @Test func aRevokedKey() async throws {
        try await keys { keys in
            let fingerprint = keys.revoked.digits
            try await expectRefused([fingerprint], "openpgp.revoked", says: fingerprint)
        }
    }

    @Test func aKeyThatCanOnlySign() async throws {
        try await keys { keys in
            let fingerprint = keys.signOnly.digits
            try await expectRefused([fingerprint], "openpgp.sign-only", says: fingerprint, "quick-add-key")
        }
    }

    @Test func nobody() async throws {
        try await withDemoHost {
            $0.recipients = []
        } _: { host in
            let outcome = try await host.holdfast("backup", "--json")
            #expect(outcome.status == 4, "\(outcome)")
            #expect(outcome.output.contains("backup.encryption.recipients"), "\(outcome)")
            #expect(try host.points() == [])
        }
    }

    @Test func anAddressThatOneKeyHasIsPinnedToItsFingerprint() async throws {
        try await withDemoHost {
            $0.recipients = ["owner@example.org"]
        } _: { host in
            try await host.backup()
            let shown = try await host.holdfast("show", "latest", "--json").json()
            #expect(shown["recipients"].all.map(\.string) == [host.keys.owner.digits])
        }
    }

    @Test func theVariableOverridesTheFile() async throws {
        try await withDemoHost { host in
            var holdfast = host.holdfast
            holdfast.environment["GPG_RECIPIENT"] = host.keys.other.digits
            #expect(try await holdfast("backup").status == 0)
            let shown = try await holdfast("show", "latest", "--json").json()
            #expect(shown["recipients"].all.map(\.string) == [host.keys.other.digits])
            #expect(shown["archives"][0]["keys"].all.map(\.string) == [host.keys.other.packetID])
        }
    }

    @Test func eachOfTwoRecipientsOpensIt() async throws {
        try await withDemoHost(.ready) { _ in
        } _: { host in
            try host.configure { $0.recipients.append(host.keys.other.digits) }
            try host.write("stick/other.asc", host.keys.other.secret)
            try await host.backup()
            for key in ["stick/private.asc", "stick/other.asc"] {
                let deep = try await host.holdfast("verify", "--deep", "--key", host.path(key))
                #expect(deep.status == 0, "\(deep)")
            }
        }
    }

    @Test(arguments: [true, false])
    func encryptToInTheUsersGPGConfigurationAddsNoReader(inOwnKeyring: Bool) async throws {
        try await withDemoHost { host in
            let home = inOwnKeyring ? "ring" : "user"
            try host.configure { if !inOwnKeyring { $0.keyring = nil } }
            if !inOwnKeyring { try await host.shell("cp ring/*.kbx user/") }
            try host.write(
                "\(home)/gpg.conf",
                "encrypt-to \(host.keys.other.digits)\nhidden-encrypt-to \(host.keys.twins[0].digits)\n")
            let point = try await host.backup()
            let packets = try await host.shell(
                "gpg --batch --list-packets --list-only \(host.archive(of: point)) 2>/dev/null | grep -c ':pubkey enc packet:'"
            )
            #expect(packets == "1\n")
            let shown = try await host.holdfast("show", "latest", "--json").json()
            for archive in shown["archives"].all {
                #expect(archive["keys"].all.map(\.string) == [host.keys.owner.packetID])
            }
        }
    }

    /// gpg itself says "no assurance" and ends with status 2.
    @Test func aFreshlyImportedKeyWorksWithoutTrust() async throws {
        try await withDemoHost {
            $0.keyring? += ".new"
        } _: { host in
            try host.write("public.gpg", host.keys.owner.public)
            let imported = try await host.holdfast("key", "import", "public.gpg")
            #expect(imported.status == 0, "\(imported)")
            #expect(imported.output.contains(host.keys.owner.digits))
            try await host.backup()
            let deep = try await host.holdfast("verify", "--deep", "--key", host.privateKey)
            #expect(deep.status == 0, "\(deep)")
        }
    }
}

/// `key import`: one good public key, or a refusal that leaves the keyring alone.
@Suite struct KeyImportTests {
    private func expectRefused(
        _ code: String, at location: SourceLocation = #_sourceLocation, _ file: (DemoKeys) -> [UInt8]
    ) async throws {
        try await withDemoHost { host in
            try host.configure { $0.keyring = host.path("empty") }
            try host.write("key", file(host.keys))
            let outcome = try await host.holdfast("key", "import", "key", "--json")
            try expectFailure(outcome, 4, code, at: location)
            #expect(try await host.holdfast("key", "list", "--json").json().all.isEmpty, sourceLocation: location)
        }
    }

    @Test func twoKeysInAFile() async throws {
        try await expectRefused("openpgp.two-keys") { $0.owner.public + $0.other.public }
    }
    @Test func anExpiredKey() async throws { try await expectRefused("openpgp.expired") { $0.expired.public } }
    @Test func aRevokedKey() async throws { try await expectRefused("openpgp.revoked") { $0.revoked.public } }
    @Test func aKeyThatCanOnlySign() async throws {
        try await expectRefused("openpgp.sign-only") { $0.signOnly.public }
    }
    @Test func noKeyAtAll() async throws { try await expectRefused("openpgp.not-a-key") { _ in Array("hello\n".utf8) } }
    @Test func anEmptyFile() async throws { try await expectRefused("openpgp.not-a-key") { _ in [] } }

    @Test func ofAPrivateKeyOnlyThePublicHalfIsTakenWithALoudWarning() async throws {
        try await withDemoHost { host in
            try host.configure { $0.keyring = host.path("empty") }
            let outcome = try await host.holdfast("key", "import", host.privateKey)
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.errors.contains("PRIVATE key") && outcome.errors.contains("shred"))
            #expect(try host.find("empty").filter { $0.hasSuffix(".key") } == [])
            let listed = try await host.holdfast("key", "list", "--json").json()
            #expect(listed[0]["privateKeyHere"].bool == false)
        }
    }

    @Test func fromStandardInput() async throws {
        try await withDemoHost { host in
            try host.configure { $0.keyring = host.path("empty") }
            let outcome = try await host.holdfast("key", "import", "-", "--json", input: host.keys.owner.public)
            #expect(outcome.status == 0, "\(outcome)")
            let key = try outcome.json()["key"]
            #expect(key["fingerprint"].string == host.keys.owner.digits)
            #expect(key["algorithm"].string?.isEmpty == false)
            #expect(key["userIDs"][0].string == "Owner <owner@example.org>")
        }
    }
}
