import Glibc
import Machine
import OpenPGP
import TestKit
import Testing

/// Many signatures checked without gpg: never anything that gpg would not have.
@Suite struct SignerKeyTests {
    @Test func whatTheHostSignedIsFoundGood() async throws {
        try await withTemporaryFolder { folder in
            #expect(try HostKey.signer(in: folder + "/one") == nil)
            let key = try await HostKey.create(in: folder + "/one", host: "one")
            let signer = try #require(try HostKey.signer(in: folder + "/one"))
            #expect(signer.fingerprint == key.fingerprint)
            for text in ["", "manifest", String(repeating: "manifest\n", count: 10_000)] {
                try signer.verify(Array(text.utf8), signature: try await key.sign(Array(text.utf8)))
            }
        }
    }

    @Test func whatDoesNotFitIsRefused() async throws {
        try await withTemporaryFolder { folder in
            let key = try await HostKey.create(in: folder + "/one", host: "one")
            let other = try await HostKey.create(in: folder + "/two", host: "two")
            let signer = try #require(try HostKey.signer(in: folder + "/one"))
            let text = Array("manifest".utf8)
            let (mine, theirs) = (try await key.sign(text), try await other.sign(text))
            func check(_ text: [UInt8], _ signature: [UInt8]) async throws -> OpenPGPError.Kind? {
                try await refusal { try signer.verify(text, signature: signature) }
            }
            #expect(try await check(text, mine) == nil)
            #expect(try await check(text, theirs) == .unknownSigner)
            for (text, signature) in [
                (text + [10], mine), ([], mine), (text, mine + mine), (text, mine + theirs), (text, theirs + mine),
                (text, []), (text, Array("junk".utf8)), (text, mine + [0]), (text, [0x88, 0]), (text, [0xc2, 0xff]),
            ] { #expect(try await check(text, signature) != nil) }
            for count in 0..<mine.count { #expect(try await check(text, Array(mine.prefix(count))) == .badSignature) }
        }
    }

    /// Bit for bit: what passes here passes gpg, for the same text.
    @Test func nothingPassesThatGPGRefuses() async throws {
        try await withTemporaryFolder { folder in
            let key = try await HostKey.create(in: folder + "/one", host: "one")
            let signer = try #require(try HostKey.signer(in: folder + "/one"))
            let text = Array("manifest".utf8)
            let signature = try await key.sign(text)
            var passed = 0
            for bit in 0..<signature.count * 8 {
                var flipped = signature
                flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                guard (try? signer.verify(text, signature: flipped)) != nil else { continue }
                passed += 1
                let byGPG = try? await Signature.verify(text, signature: flipped, by: try await key.publicKey())
                #expect(byGPG == key.fingerprint, "bit \(bit)")
            }
            // The critical bit of a subpacket that is not signed, at most.
            #expect(passed <= 16)
        }
    }

    /// Keys of other kinds, and such as may not be good for ever, are gpg's to judge.
    @Test func onlyTheHostsKindOfKeyIsTaken() async throws {
        try await withKeyring { keys in
            for kind in [ThrowAwayKeys.Kind.rsa3072, .modern, .expired] {
                let key = try await keys.make(kind)
                #expect(try await refusal { _ = try SignerKey(key.public) } == .unsupported, "\(kind)")
            }
            let good = try await keys.make(.signOnly)
            #expect(try SignerKey(good.public).fingerprint == good.fingerprint)
            let armored = try await keys.gpg(["--armor", "--export", good.fingerprint.description]).output
            #expect(try SignerKey(armored).fingerprint == good.fingerprint)
            for broken in [[], [1], Array(good.public.dropLast()), Array(armored.dropLast(60)), good.secret] {
                #expect(try await refusal { _ = try SignerKey(broken) } != nil)
            }
            #expect(try await refusal { _ = try SignerKey(good.public + good.public) } == .unsupported)
            try await keys.gpg(["--quick-set-expire", good.fingerprint.description, "1y"])
            let lasting = try await keys.gpg(["--export", good.fingerprint.description]).output
            #expect(try await refusal { _ = try SignerKey(lasting) } == .unsupported)
            try await keys.revoke(good.fingerprint)
            let revoked = try await keys.gpg(["--export", good.fingerprint.description]).output
            #expect(try await refusal { _ = try SignerKey(revoked) } == .unsupported)
        }
    }

    @Test func signaturesOfOtherKindsAreRefused() async throws {
        try await withKeyring { keys in
            let key = try await keys.make(.signOnly)
            let signer = try SignerKey(key.public)
            let text = Array("manifest".utf8)
            func signed(_ options: [String]) async throws -> [UInt8] {
                try await keys.gpg(["-u", key.fingerprint.description] + options + ["--detach-sign"], input: text)
                    .output
            }
            for (options, isGood) in [
                (["--digest-algo", "SHA512"], true), (["--digest-algo", "SHA256"], true),
                (["--digest-algo", "SHA384"], false), (["--textmode"], false), (["--default-sig-expire", "1y"], false),
                (["--set-notation", "!critical@example.org=1"], false), (["--armor"], false),
            ] {
                let kind = try await refusal { try signer.verify(text, signature: try await signed(options)) }
                #expect((kind == nil) == isGood, "\(options): \(String(describing: kind))")
            }
        }
    }
}
