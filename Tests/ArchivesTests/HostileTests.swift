import Archives
import Glibc
import Machine
import TestKit
import Testing

/// Archives made to do harm: refused as a whole, and nothing outside the staging folder is touched.
@Suite struct HostileTests {
    private func refuse(
        _ code: String, _ tar: TinyTar, _ policy: ForeignPolicy = ForeignPolicy(), space: ByteCount? = nil,
        origin: ArchiveReader.Origin? = nil
    ) async throws {
        try await withTemporaryFolder { folder in
            try TreeMaker(folder).file("outside", "untouched")
            let target = try made(folder, "target") { _ in }
            let before = try TreeSnapshot(of: folder, ignoring: ["target"])
            expectCode(code) {
                _ = try Kit.extract(tar.closed, origin: origin ?? .foreign(policy), into: target, space: space)
            }
            var after = try TreeSnapshot(of: folder, ignoring: ["target"])
            #expect(after.differences(from: before) == [])
            after = try TreeSnapshot(of: target)
            #expect(!after.items.values.contains { ["char", "block"].contains($0.type) || $0.mode & 0o6000 != 0 })
        }
    }

    @Test(arguments: ["../outside", "a/../../outside", "..", "./..", "a/b/../../../outside"])
    func namesThatClimbOut(_ name: String) async throws {
        var tar = TinyTar()
        tar.add(name, "harm")
        try await refuse("archive.unsafe-path", tar)
        var ours = TinyTar.ours
        ours.add("./", type: "5")
        ours.add("./" + name, "harm")
        try await refuse("archive.unsafe-path", ours, origin: .ours(expecting: nil))
    }

    @Test func absoluteNames() async throws {
        var tar = TinyTar()
        tar.add("/tmp/hf-absolute", "harm")
        try await refuse("archive.unsafe-path", tar)
        #expect(access("/tmp/hf-absolute", F_OK) != 0)
    }

    @Test func aLinkIsPlantedAndWrittenThrough() async throws {
        var policy = ForeignPolicy()
        policy.allowEscapingLinks = true
        var tar = TinyTar()
        tar.add("way", type: "2", link: "..")
        tar.add("way/outside", "harm")
        try await refuse("archive.unsafe-path", tar, policy)
        var replaced = TinyTar()
        replaced.add("outside", type: "2", link: "../outside")
        replaced.add("outside", "harm")
        try await refuse("archive.unsafe-path", replaced, policy)
        var ours = TinyTar.ours
        ours.add("./", type: "5")
        ours.add("./way", type: "2", link: "..")
        ours.add("./way/outside", "harm")
        try await refuse("archive.damaged", ours, origin: .ours(expecting: nil))
    }

    @Test(arguments: ["/etc", "..", "../..", "a/../../..", "./../x"])
    func linksThatLeadOutAreRefusedUnlessAllowed(_ link: String) async throws {
        var tar = TinyTar()
        tar.add("link", type: "2", link: link)
        try await refuse("archive.unsafe-entry", tar)
        try await withTemporaryFolder { folder in
            let target = try made(folder, "target") { _ in }
            var policy = ForeignPolicy()
            policy.allowEscapingLinks = true
            #expect(try Kit.extract(tar.closed, origin: .foreign(policy), into: target).entries == 1)
        }
    }

    @Test func linksWithinTheTreeAreFine() async throws {
        try await withTemporaryFolder { folder in
            var tar = TinyTar()
            tar.add("a/b/file", "x")
            tar.add("a/b/link", type: "2", link: "../../c")
            tar.add("c", "y")
            let target = try made(folder, "target") { _ in }
            #expect(try Kit.extract(tar.closed, origin: .foreign(ForeignPolicy()), into: target).entries == 3)
        }
    }

    @Test func hardLinksToOutside() async throws {
        for link in ["../outside", "/etc/passwd", "not there", "way/outside"] {
            var tar = TinyTar()
            tar.add("way", type: "2", link: ".")
            tar.add("name", type: "1", link: link)
            try await refuse("archive.unsafe-path", tar)
        }
    }

    @Test(.enabled(if: geteuid() == 0)) func devices() async throws {
        var tar = TinyTar()
        tar.add("disk", type: "4", device: (8, 0))
        try await refuse("archive.unsafe-entry", tar)
    }

    @Test(arguments: [0o4755, 0o2755] as [UInt32]) func setIDFiles(_ mode: UInt32) async throws {
        var tar = TinyTar()
        tar.add("program", type: "0", Array("x".utf8), mode: mode)
        try await refuse("archive.unsafe-entry", tar)
    }

    @Test func namesThatComeTwiceAsSomethingElse() async throws {
        var tar = TinyTar()
        tar.add("name", "file")
        tar.add("name/below", "harm")
        try await refuse("archive.unsafe-path", tar)
        var folder = TinyTar()
        folder.add("name/", type: "5")
        folder.add("name", "file")
        try await refuse("archive.unsafe-path", folder)
        var ours = TinyTar.ours
        ours.add("./", type: "5")
        ours.add("./name", "one")
        ours.add("./name", "two")
        try await refuse("archive.unsafe-path", ours, origin: .ours(expecting: nil))
    }

    @Test func aStrangersLaterVersionOfAFileWins() async throws {
        try await withTemporaryFolder { folder in
            var tar = TinyTar()
            tar.add("file", "former")
            tar.add("file", "later")
            let target = try made(folder, "target") { _ in }
            _ = try Kit.extract(tar.closed, origin: .foreign(ForeignPolicy()), into: target)
            #expect(try Descriptor.open("\(target)/file", O_RDONLY).readAll(limit: 100) == Array("later".utf8))
        }
    }

    @Test func moreThanThereIsRoomFor() async throws {
        var tar = TinyTar()
        tar.add("large", [UInt8](repeating: 0, count: 100_000))
        try await refuse("archive.no-space", tar, space: ByteCount(50_000))
    }

    @Test func absurdPaxHeaders() async throws {
        var ours = TinyTar.ours
        ours.add("x", type: "x", Array("99999999999999999999 path=x\n".utf8))
        ours.add("./name", "x")
        try await refuse("archive.damaged", ours, origin: .ours(expecting: nil))
        // libarchive would go on under the name in the header.
        for record in ["99999999999999999999 path=x\n", "-5 path=x\n", "\n", "5 a=", "x path=a\n"] {
            var tar = TinyTar()
            tar.add("x", type: "x", Array(record.utf8))
            tar.add("name", "x")
            try await refuse("archive.damaged", tar)
        }
        for record in ["10 path=\n", "3 a", "0 \n", "-5 path=x\n", "12 size=-1\n\n\n"] {
            var ours = TinyTar.ours
            ours.add("x", type: "x", Array(record.utf8))
            ours.add("./name", "x")
            try await refuse("archive.damaged", ours, origin: .ours(expecting: nil))
        }
    }

    @Test func tooDeep() async throws {
        var tar = TinyTar()
        let path = String(repeating: "d/", count: 5000) + "x"
        let record = "path=\(path)\n"
        let length = record.utf8.count + 6
        tar.add("x", type: "x", Array("\(length) \(record)".utf8))
        tar.add("short", "x")
        try await refuse("archive.too-deep", tar)
    }

    /// Anybody can write what ours begin with; only a point's signed manifest speaks for an archive.
    @Test(.enabled(if: geteuid() == 0), arguments: ["link", "program", "device"])
    func oneInOurFormThatNobodySignedIsJudgedAsAStrangers(what: String) async throws {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { path in
                let tree = TreeMaker(path)
                switch what {
                case "link": try tree.symlink("link", to: "/etc/passwd")
                case "program": try tree.file("program", "x", mode: 0o4755)
                default: try tree.device("device", S_IFBLK, 8, 0)
                }
            }
            let archive = try Kit.archive(source).bytes
            let target = try made(folder, "target") { _ in }
            expectCode("archive.unsafe-entry") {
                _ = try Kit.extract(archive, origin: .foreign(ForeignPolicy()), into: target)
            }
            #expect(try Descriptor.folder(target).names() == [])
            var trusting = ForeignPolicy()
            (trusting.allowEscapingLinks, trusting.allowSetID, trusting.allowDevices) = (true, true, true)
            #expect(try Kit.extract(archive, origin: .foreign(trusting), into: target).entries == 2)
            let again = try made(folder, "again") { _ in }
            #expect(try Kit.extract(archive, into: again).entries == 2)
        }
    }

    /// What a stranger wrote into an archive of our form may not act on the terminal that it is shown on.
    @Test func controlsInOurFormAreShownAsCodes() throws {
        let begin = #"{"format":"holdfast-archive/1","host":"\u001b[2J","item":"\u001b[31m","point":"\u0007"}"#
        var tar = TinyTar()
        tar.add(".holdfast/begin.json", begin)
        let end = begin.dropLast() + #","bytes":0,"entries":0,"manifests":0,"torn":0}"#
        tar.add(".holdfast/end.json", String(end))
        let report = try Kit.check(tar.closed, origin: .foreign(ForeignPolicy()))
        expectPrintable(try #require(report.identity).description)
        do {
            _ = try Kit.check(tar.closed)
            Issue.record("another's archive was taken")
        } catch let error as any Explained { expectPrintable(error.description) }
        var lying = TinyTar.ours
        lying.add("./", type: "5")
        lying.add(".holdfast/manifest-000001.jsonl", #"{"path":".","\u001b[2J":1}"# + "\n")
        do {
            _ = try Kit.check(lying.closed)
            Issue.record("a manifest that lies was believed")
        } catch let error as any Explained { expectPrintable(error.description) }
    }

    private func expectPrintable(_ text: String) {
        let controls = text.unicodeScalars.filter { $0.properties.generalCategory == .control && $0 != "\n" }
        #expect(controls.isEmpty, "\(text.debugDescription)")
    }

    @Test func rubbishIsNoTar() throws {
        let rubbish = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 13) }
        expectCode("archive.no-tar") { _ = try Kit.check(rubbish, origin: .foreign(ForeignPolicy())) }
    }
}
