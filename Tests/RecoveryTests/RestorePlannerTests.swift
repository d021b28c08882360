import Archives
import Glibc
import Machine
import OpenPGP
import Recovery
import RestorePoints
import Settings
import TestKit
import Testing

/// What a restore refuses before it begins, with points whose manifests are signed and whose archives hold nothing: the plan
/// opens none.
struct RestorePlannerTests {
    private static let first = Timestamp(seconds: TestSite.now.seconds - 7200)
    private static let second = Timestamp(seconds: TestSite.now.seconds - 3600)

    /// A host with two points: `a` whole in both, `b` only in the first, `torn` torn in the second, `failed` in neither.
    private func withPoints(
        _ body: (TestSite, Site, SignerTrust) async throws -> Void
    ) async throws {
        try await withTestSite { host in
            let key = try await HostKey.create(in: host.state.signingHome, host: "test")
            let items: [(Timestamp, [(String, ItemOutcome, Int64)])] = [
                (Self.first, [("volume.a", .whole, 10), ("volume.b", .whole, 1 << 60), ("files.compose", .whole, 10)]),
                (Self.second, [("volume.a", .whole, 11), ("volume.torn", .torn, 5), ("volume.failed", .failed, 0)]),
            ]
            for (moment, records) in items { try await publish(records, at: moment, key, host) }
            for name in ["a", "b", "torn"] { try host.make("volumes/\(name)/_data", holding: "live") }
            try host.make("compose", holding: "live")
            let site = host.site(
                files: [Settings.FilesSource(name: "compose", path: host.folder + "/compose")],
                volumesRoot: host.volumes)
            try await body(host, site, .pinned(publicKey: try await key.publicKey(), key.fingerprint))
        }
    }

    private func publish(
        _ records: [(String, ItemOutcome, Int64)], at moment: Timestamp, _ key: HostKey, _ host: TestSite
    ) async throws {
        let writer = try PointWriter(in: host.backups, at: moment)
        var archives: [Manifest.Archive] = []
        let items = try records.map { name, outcome, bytes in
            var record = Manifest.ItemRecord(item: try #require(Item(name)), outcome: outcome)
            guard outcome != .failed else { return record }
            record.archive = name + ".tar.zst.gpg"
            record.bytes = bytes
            record.torn = outcome == .torn ? 2 : 0
            let file = try writer.file(name + ".tar.zst.gpg")
            try file.write(Array("sealed".utf8))
            try file.publish()
            archives.append(
                .init(
                    file: name + ".tar.zst.gpg", size: 6, sha256: Digest.of(Array("sealed".utf8)).description, keys: [])
            )
            return record
        }
        let manifest = Manifest(
            host: String(repeating: "a", count: 32), point: writer.name, started: moment, finished: moment,
            previous: nil,
            recipients: [], archives: archives, items: items, holdfast: "test")
        let bytes = try JSON.write(manifest)
        try writer.publish(bytes, signature: try await key.sign(bytes), files: archives.map(\.file).sorted())
    }

    private func refusal(
        _ planner: RestorePlanner, _ request: RestoreRequest, sourceLocation: SourceLocation = #_sourceLocation
    ) async -> (any Explained)? {
        await #expect(throws: (any Error).self, sourceLocation: sourceLocation) { _ = try await planner.plan(request) }
            .map { explain($0) }
    }

    @Test func plansTheNewestWholePointInPlace() async throws {
        try await withPoints { host, site, trust in
            let planner = RestorePlanner(site, trust: trust)
            let plan = try await planner.plan(RestoreRequest(kind: .volume, names: ["a"]))
            #expect(plan.items.map(\.source.name) == [PointName(Self.second).description])
            #expect(plan.items.map(\.target) == [.live(folder: host.volumes + "/a", live: "_data")])
            #expect(plan.items.first?.source.data == ByteCount(11))
            #expect(plan.changesLiveData)
            #expect(
                plan.warnings == ["There is no engine to ask who uses the data: stop those programs yourself first."])
            let files = try await planner.plan(RestoreRequest(kind: .files, names: ["compose"]))
            #expect(files.items.map(\.source.name) == [PointName(Self.first).description])
            #expect(files.items.map(\.target) == [.live(folder: host.folder, live: "compose")])
        }
    }

    @Test func plansIntoFolders() async throws {
        try await withPoints { host, site, trust in
            let planner = RestorePlanner(site, trust: trust)
            let one = try await planner.plan(
                RestoreRequest(kind: .volume, names: ["a"], to: host.folder + "/new/", paths: ["x"]))
            #expect(one.items.map(\.target) == [.folder(host.folder + "/new")])
            #expect(one.items.first?.selection != nil)
            #expect(!one.changesLiveData && one.warnings.isEmpty)
            let torn = try await planner.plan(
                RestoreRequest(
                    kind: .volume, names: ["a", "torn"], from: PointName(Self.second).description,
                    to: host.folder + "/new"))
            #expect(torn.items.map(\.target) == [.folder(host.folder + "/new/a"), .folder(host.folder + "/new/torn")])
            #expect(torn.warnings.map { $0.contains("volume.torn is torn in") } == [true])
            #expect(!host.has("new"))
        }
    }

    @Test func refusesNamesThatAreInNoPoint() async throws {
        try await withPoints { _, site, trust in
            let planner = RestorePlanner(site, trust: trust)
            let unknown = await refusal(planner, RestoreRequest(kind: .volume, names: ["aa"]))
            #expect(unknown?.code == "recovery.in-no-point")
            #expect(unknown?.remedy?.contains("files.compose, volume.a, volume.b, volume.failed, volume.torn") == true)
            let torn = await refusal(planner, RestoreRequest(kind: .volume, names: ["torn"]))
            #expect(torn?.code == "recovery.in-no-point")
            #expect(torn?.remedy?.contains("--from POINT") == true)
            let elsewhere = await refusal(
                planner, RestoreRequest(kind: .volume, names: ["b"], from: PointName(Self.second).description))
            #expect(elsewhere?.code == "recovery.not-in-point")
            let failed = await refusal(planner, RestoreRequest(kind: .volume, names: ["failed"], from: "latest"))
            #expect(failed?.code == "recovery.not-in-point")
            #expect(await refusal(planner, RestoreRequest(kind: .volume, names: []))?.code == "recovery.no-name")
            for name in ["../a", "a/b", "", ".a", "a\n"] {
                #expect(
                    await refusal(planner, RestoreRequest(kind: .volume, names: [name]))?.code == "recovery.bad-name")
            }
            let noPoint = await refusal(
                planner, RestoreRequest(kind: .volume, names: ["a"], from: "2020-01-01T000000Z"))
            #expect(noPoint?.code == "point.missing")
        }
    }

    @Test func refusesPlacesThatCannotTakeIt() async throws {
        try await withPoints { host, site, trust in
            let planner = RestorePlanner(site, trust: trust)
            try host.make("full", holding: "something")
            let full = await refusal(planner, RestoreRequest(kind: .volume, names: ["a"], to: host.folder + "/full"))
            #expect(full?.code == "recovery.not-empty")
            let file = await refusal(
                planner, RestoreRequest(kind: .volume, names: ["a"], to: host.folder + "/full/file"))
            #expect(file?.code == "recovery.not-empty")
            let paths = await refusal(planner, RestoreRequest(kind: .volume, names: ["a"], paths: ["x"]))
            #expect(paths?.code == "recovery.path-needs-to")
            let space = await refusal(planner, RestoreRequest(kind: .volume, names: ["b"]))
            #expect(space?.code == "recovery.no-space")
            let unnamed = RestorePlanner(host.site(), trust: trust)
            #expect(
                await refusal(unnamed, RestoreRequest(kind: .files, names: ["compose"]))?.code == "recovery.no-place")
            #expect(await refusal(unnamed, RestoreRequest(kind: .volume, names: ["a"]))?.code == "recovery.no-engine")
        }
    }

    @Test(.enabled(if: geteuid() == 0, "mounts something")) func refusesWhatIsMounted() async throws {
        try await withPoints { host, site, trust in
            let place = host.folder + "/compose"
            let mounted = try await ChildProcess("mount", ["-t", "tmpfs", "tmpfs", place]).run()
            try #require(mounted.succeeded, "\(mounted.errors)")
            let error = await refusal(
                RestorePlanner(site, trust: trust), RestoreRequest(kind: .files, names: ["compose"]))
            let unmounted = try await ChildProcess("umount", [place]).run()
            #expect(unmounted.succeeded, "\(unmounted.errors)")
            #expect(error?.code == "recovery.mount-point")
            #expect(error?.place == place)
        }
    }

    @Test func refusesASecondRestoreOfWhatIsStillUndecided() async throws {
        try await withPoints { host, site, trust in
            try host.write(
                "state/restores/2025-12-21T000000Z.json",
                """
                {"restore": "2025-12-21T000000Z", "point": "x", "swaps": [{"item": "volume.a", "folder": "\(host.volumes)/a",
                 "live": "_data", "staged": ".holdfast-x", "inode": 1, "existed": true}]}
                """)
            let planner = RestorePlanner(site, trust: trust)
            let error = await refusal(planner, RestoreRequest(kind: .volume, names: ["a"]))
            #expect(error?.code == "recovery.pending")
            #expect(error?.what.contains("2025-12-21T000000Z") == true)
            _ = try await planner.plan(RestoreRequest(kind: .volume, names: ["a"], to: host.folder + "/new"))
        }
    }

    @Test func refusesWhatNobodyTrustedSigned() async throws {
        try await withPoints { host, site, trust in
            let request = RestoreRequest(kind: .volume, names: ["a"])
            let nobody = await refusal(RestorePlanner(site, trust: .nobody(because: "the state is gone")), request)
            #expect(nobody?.code == "recovery.signer-unknown")
            #expect(nobody?.what.contains("the state is gone") == true)
            let other = try await HostKey.create(in: host.folder + "/other", host: "other")
            let pinned = SignerTrust.pinned(publicKey: try await other.publicKey(), other.fingerprint)
            #expect(await refusal(RestorePlanner(site, trust: pinned), request) != nil)
            let name = "backups/\(PointName(Self.second))/manifest.json"
            try host.write(name, try host.read(name).replacing("\"bytes\" : 11", with: "\"bytes\" : 12"))
            #expect(await refusal(RestorePlanner(site, trust: trust), request) != nil)
        }
    }

    @Test func archiveNeedsOnePlace() async throws {
        try await withTestSite { host in
            try host.write("a.tar", "x")
            let allowed = ArchiveFile.Allowed(devices: false, setID: false, linksOut: false)
            let file = try ArchiveFile([host.folder + "/a.tar"], allowed: allowed)
            let planner = RestorePlanner(
                host.site(volumesRoot: host.volumes), trust: .nobody(because: "a file was named"))
            for (volume, to) in [(nil, nil), ("a", host.folder + "/new"), ("../a", nil)] as [(String?, String?)] {
                let error = await #expect(throws: RecoveryError.self) {
                    _ = try await planner.plan(file, volume: volume, to: to, paths: [])
                }
                #expect(error?.code == "recovery.no-target")
            }
            let plan = try await planner.plan(file, volume: nil, to: host.folder + "/new", paths: [])
            #expect(plan.items.map(\.target) == [.folder(host.folder + "/new")])
        }
    }
}
