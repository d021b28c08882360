import Glibc
import Machine
import OpenPGP
import RestorePoints
import TestKit
import Testing

/// Whoever can write to the backup directory can put points there: they count for nothing.
@Suite struct ProvenanceTests {
    private let genuine = ["2026-11-20T020000Z", "2026-11-21T020000Z"]
    private let unsigned = "2026-11-22T020000Z"
    private let strangers = "2026-11-23T020000Z"
    private let replayed = "2026-11-24T020000Z"
    private let others = "2026-11-25T020000Z"

    /// Two points of this host, and each way to add one that is not.
    private func withForgeries(_ body: (PointKit) async throws -> Void) async throws {
        try await withPoints { kit in
            let old = try await kit.make("2026-11-20T02:00:00Z", ["volume.a"])
            try await kit.make("2026-11-21T02:00:00Z", ["volume.a"])
            let stranger = try await HostKey.create(in: kit.keys.folder + "/stranger", host: "stranger")
            let point = try await kit.make("2026-11-22T02:00:00Z", ["volume.a"])
            unlink(point.path + "/" + Manifest.signatureName)
            try await kit.make("2026-11-23T02:00:00Z", ["volume.a"], signer: stranger)
            // An older point under a newer name, its manifest made to fit.
            let copy = "\(kit.directory)/\(replayed)"
            #expect(try await ChildProcess("cp", ["-a", old.path, copy]).run().succeeded)
            var manifest = try old.manifest.get()
            manifest.point = try pointName(replayed)
            try kit.overwrite(copy + "/manifest.json", try JSON.write(manifest))
            try await kit.make("2026-11-25T02:00:00Z", ["volume.a"], signer: stranger) {
                $0.host = String(hostID.reversed())
            }
            try await body(kit)
        }
    }

    @Test func onlyWhatThisHostSignedIsItsOwn() async throws {
        try await withForgeries { kit in
            let points = try kit.catalog.points()
            #expect(points.count == 6)
            let provenance = Provenance(of: points, host: hostID, signingHome: kit.keys.folder + "/signing")
            #expect(provenance.unknown == nil)
            for name in genuine { #expect(provenance.refusal(of: try pointName(name)) == nil) }
            #expect(provenance.refusal(of: try pointName(unsigned))?.contains("no signature") == true)
            #expect(provenance.refusal(of: try pointName(strangers))?.contains("was signed by") == true)
            #expect(provenance.refusal(of: try pointName(replayed))?.contains("does not fit") == true)
            // Another host's own matter.
            #expect(provenance.refusal(of: try pointName(others)) == nil)
        }
    }

    @Test func forgedPointsPushNoneOut() async throws {
        try await withForgeries { kit in
            let points = try kit.catalog.points()
            let provenance = Provenance(of: points, host: hostID, signingHome: kit.keys.folder + "/signing")
            let candidates = points.map {
                RetentionCandidate($0, host: hostID, refusal: provenance.refusal(of: $0.name))
            }
            let plan = RetentionPlan(
                candidates, policy: RetentionPolicy(last: 1), now: try moment("2026-11-26T00:00:00Z"))
            #expect(plan.removed == [try pointName(genuine[0])])
            #expect(plan.reasons(genuine[1]) == ["newest whole copy", "the newest"])
            for name in [unsigned, strangers, replayed] {
                let verdict = try #require(plan.points.first { $0.point.description == name })
                #expect(verdict.isKept && verdict.items.isEmpty)
                #expect(verdict.reasons.first?.description.hasPrefix("not signed by this host") == true)
            }
        }
    }

    @Test func withoutAKeyNothingIsSaid() async throws {
        try await withForgeries { kit in
            let points = try kit.catalog.points()
            for (host, folder) in [(hostID, "/nowhere"), (nil, "/signing")] {
                let provenance = Provenance(of: points, host: host, signingHome: kit.keys.folder + folder)
                #expect(provenance.unknown?.contains("no signing key") == true)
                #expect(points.allSatisfy { provenance.refusal(of: $0.name) == nil })
            }
            let file = kit.keys.folder + "/signing/host-key.public.asc"
            try kit.overwrite(file, Array("junk".utf8))
            #expect(
                Provenance(of: points, host: hostID, signingHome: kit.keys.folder + "/signing").unknown != nil)
        }
    }
}
