import Glibc
import Machine
import OpenPGP
import RestorePoints
import TestKit
import Testing

/// HAZARDS: an older archive replayed under a newer name: host and point inside a signed manifest, and a chain of digests.
@Suite(.timeLimit(.minutes(2))) struct SignatureAndChainTests {
    private let first = "2026-11-22T020000Z"
    private let second = "2026-11-23T020000Z"

    private func previous(_ point: Catalog.Point) -> Manifest.Previous {
        .init(point: point.name, sha256: point.digest.description)
    }

    @Test func manifestSignedByAnotherHostIsFound() async throws {
        try await withPoints { kit in
            let stranger = try await HostKey.create(in: kit.keys.folder + "/stranger", host: "stranger")
            let point = try await kit.make("2026-11-22T02:00:00Z", signer: stranger)
            #expect(try await kit.check(first).failures == ["signature": "openpgp.unknown-signer"])
            // Nor does it help to give that key for the one whose fingerprint is pinned.
            let trust = SignerTrust.pinned(publicKey: try await stranger.publicKey(), kit.host.fingerprint)
            #expect(try await kit.check(first, trust: trust).failures == ["signature": "point.other-signer"])
            // A signature of ours over something else.
            try kit.overwrite(point.path + "/manifest.json.sig", try await kit.host.sign([1, 2, 3]))
            #expect(try await kit.check(first).failures == ["signature": "openpgp.bad-signature"])
        }
    }

    @Test func manifestThatWasChangedAndSoundsRightIsFound() async throws {
        try await withPoints { kit in
            let point = try await kit.make("2026-11-22T02:00:00Z", ["volume.a", "volume.b"])
            var manifest = try point.manifest.get()
            manifest.items.removeLast()
            try kit.overwrite(point.path + "/manifest.json", try JSON.write(manifest))
            #expect(try await kit.check(first).failures == ["signature": "openpgp.bad-signature"])
        }
    }

    @Test func signaturesAreNotCheckedWhenNobodyIsTrustedAndTheRestIs() async throws {
        try await withPoints { kit in
            let point = try await kit.make("2026-11-22T02:00:00Z")
            #expect(
                try await kit.check(first, trust: .nobody(because: "no card")).failures == ["signature": "not checked"])
            try kit.overwrite(point.path + "/volume.a.tar.zst.gpg", [1])
            #expect(
                try await kit.check(first, trust: .nobody(because: "no card")).failures
                    == ["signature": "not checked", "volume.a.tar.zst.gpg": "point.damaged"])
            let verdict = await PointCheck.signatureVerdict(of: point, trust: .nobody(because: "no card"))
            guard case .notChecked("no card") = verdict else {
                Issue.record("\(verdict)")
                return
            }
        }
    }

    @Test func olderPointUnderANewerNameIsFound() async throws {
        try await withPoints { kit in
            let point = try await kit.make("2026-11-22T02:00:00Z")
            // All of it, signature included, as whoever wants old data to be restored would.
            #expect(try await ChildProcess("cp", ["-a", point.path, "\(kit.directory)/\(second)"]).run().succeeded)
            #expect(try await kit.check(second) == ["manifest": "point.renamed"])
            #expect(try await kit.check(first).failures == [:])
        }
    }

    @Test func manifestOfAnOlderPointInANewerIsFound() async throws {
        try await withPoints { kit in
            let older = try await kit.make("2026-11-22T02:00:00Z")
            let newer = try await kit.make("2026-11-23T02:00:00Z", text: "DATA", previous: previous(older))
            for name in ["manifest.json", "manifest.json.sig"] {
                try kit.overwrite("\(newer.path)/\(name)", try #require(contents(of: "\(older.path)/\(name)")))
            }
            #expect(try await kit.check(second) == ["manifest": "point.renamed"])
        }
    }

    @Test func chainHoldsAlsoAfterPruning() async throws {
        try await withPoints { kit in
            let one = try await kit.make("2026-11-22T02:00:00Z", ["volume.a"])
            let two = try await kit.make("2026-11-23T02:00:00Z", ["volume.a"], previous: previous(one))
            #expect(try await kit.check(first).failures == [:])
            #expect(try await kit.check(second).failures == [:])
            try Descriptor.folder(kit.directory).removeTree(first)
            #expect(try await kit.check(second).failures == [:])
            #expect(try await chain(of: two, among: []) == "2026-11-22T020000Z, which it follows, is no longer here")
        }
    }

    private func chain(of point: Catalog.Point, among others: [Catalog.Point]) async throws -> String {
        let check = PointCheck(point, among: others, trust: .nobody(because: ""))
        for finding in await check.surroundings(try point.manifest.get()) where finding.subject == "chain" {
            switch finding.verdict {
            case .passed(let text): return text
            case .failed(let error): return error.code
            case .notChecked: return "not checked"
            }
        }
        return "nothing was said of the chain"
    }

    @Test func previousPointThatWasExchangedIsFound() async throws {
        try await withPoints { kit in
            let one = try await kit.make("2026-11-22T02:00:00Z", ["volume.a"])
            let two = try await kit.make("2026-11-23T02:00:00Z", ["volume.a"], previous: previous(one))
            #expect(try await chain(of: two, among: [one]) == "follows \(first)")
            // Made anew under the same name, by the host itself.
            try Descriptor.folder(kit.directory).removeTree(first)
            try await kit.make("2026-11-22T02:00:00Z", ["volume.b"])
            #expect(try await kit.check(second).failures == ["chain": "point.bad-chain"])
            // And when it cannot be read at all.
            try kit.overwrite("\(kit.directory)/\(first)/manifest.json", [])
            #expect(try await kit.check(second).failures == ["chain": "point.bad-chain"])
        }
    }

    @Test func pointMadeAfterAClockWasPutBackHoldsAndSaysSo() async throws {
        try await withPoints { kit in
            let early = try await kit.make("2030-01-01T00:00:00Z", ["volume.a"])
            let late = try await kit.make("2026-11-22T02:00:00Z", ["volume.a"], previous: previous(early))
            #expect(try await kit.check(first).failures == [:])
            #expect(try await chain(of: late, among: [early]).contains("a clock was wrong"))
            // A point that claims to follow one that it does not.
            let wrong = Manifest.Previous(point: early.name, sha256: Digest.of([1]).description)
            try await kit.make("2026-11-23T02:00:00Z", ["volume.a"], previous: wrong)
            #expect(try await kit.check(second).failures == ["chain": "point.bad-chain"])
        }
    }
}
