import Machine
import RestorePoints
import TestKit
import Testing

/// Names that a manifest may carry to write, read or delete elsewhere.
let hostileNames = [
    "../x", "/etc/passwd", "a/b", "..", ".", "", ".hidden", "-rf", "manifest.json", "manifest.json.sig", "x.partial",
    "a\\nb",
    "a\\u0000", "ü", String(repeating: "x", count: 250), "a b", "a\\u001b[31m",
]

@Suite(.timeLimit(.minutes(1))) struct ManifestTests {
    private func read(_ text: String, folder: String = "2026-11-22T020000Z") throws -> Manifest {
        try Manifest.read(Array(text.utf8), folder: try pointName(folder), place: "/b/manifest.json")
    }

    private func refusal(of text: String, folder: String = "2026-11-22T020000Z") -> (any Explained)? {
        do {
            _ = try read(text, folder: folder)
            return nil
        } catch {
            let explained = explain(error)
            #expect(explained.place == "/b/manifest.json")
            return explained
        }
    }

    /// The golden manifest with one text replaced.
    private func changed(_ old: String, _ new: String) throws -> String {
        let range = try #require(goldenManifest.firstRange(of: old), "\(old)")
        return goldenManifest.replacingCharacters(in: range, with: new)
    }

    @Test func everyKeyIsReadAndWrittenAsTheFormatSays() throws {
        let manifest = try read(goldenManifest)
        #expect(String(decoding: try JSON.write(manifest), as: UTF8.self) == goldenManifest)
        #expect(manifest.host == hostID)
        #expect(manifest.previous?.point == PointName("2026-11-21T020000Z"))
        #expect(manifest.outcome == .incomplete)
        #expect(manifest.archive(named: "volume.n8n_data.tar.zst.gpg")?.size == 9_007_199_254_740_993)
        #expect(manifest.size.bytes == 9_007_199_254_741_770)
        let record = try #require(Item("volume.n8n_data").flatMap { manifest.record(of: $0) })
        #expect(record.outcome == .torn && record.entries == 42 && record.grew == 2 && record.seconds == 3.5)
        #expect(Item("files.compose").flatMap { manifest.record(of: $0) }?.error == "machine.disk-full")
    }

    @Test func keysThatAreNotKnownAreIgnored() throws {
        let text = try changed("\"format\"", "\"later\" : {\"a\" : [1, null]}, \"format\"")
        #expect(try read(text).point == pointName("2026-11-22T020000Z"))
    }

    @Test(arguments: ["holdfast-point/2", "", "restic", "\\u001b[31m"]) func unknownFormatsAreRefused(format: String)
        throws
    {
        let error = refusal(of: try changed("holdfast-point/1", format))
        #expect(error?.code == "point.unknown-format")
        #expect(error?.description.contains("\u{1B}") == false)
        // Before anything else, for a later format may have other keys.
        #expect(refusal(of: "{\"format\" : \"holdfast-point/2\"}")?.code == "point.unknown-format")
    }

    /// HAZARDS: an older archive replayed under a newer name.
    @Test func manifestOfAnotherPointIsRefused() {
        #expect(refusal(of: goldenManifest, folder: "2026-11-23T020000Z")?.code == "point.renamed")
    }

    @Test(arguments: hostileNames) func namesThatLeadElsewhereAreRefused(name: String) throws {
        let text = goldenManifest.split(separator: "volume.n8n_data.tar.zst.gpg", omittingEmptySubsequences: false)
            .joined(separator: name)
        #expect(refusal(of: text) != nil)
        #expect(refusal(of: try changed("\"within\" : \"volume.n8n_data\"", "\"within\" : \"\(name)\"")) != nil)
        #expect(
            refusal(of: try changed("\"item\" : \"volume.n8n_data\"", "\"item\" : \"volume.\(name)\"")) != nil
                || name == "manifest.json" || name == "manifest.json.sig" || name == "x.partial")
    }

    @Test(arguments: [
        ("\"size\" : 777", "\"size\" : -1"), ("\"size\" : 777", "\"size\" : 9223372036854775807"),
        ("\"entries\" : 42", "\"entries\" : -1"),
        ("\"bytes\" : 123456789", "\"bytes\" : -5"), ("\"grew\" : 2", "\"grew\" : -2"),
        ("\"torn\" : 1", "\"torn\" : -1"),
        ("\"seconds\" : 3.5", "\"seconds\" : -1"), ("\"seconds\" : 3.5", "\"seconds\" : 1e300"),
        ("\"seconds\" : 3.5", "\"seconds\" : 1e999"),
        ("\"size\" : 777", "\"size\" : 1.5"), ("\"size\" : 777", "\"size\" : \"777\""),
        ("\"size\" : 777", "\"size\" : null"),
    ])
    func numbersThatCannotBeAreRefused(old: String, new: String) throws {
        #expect(refusal(of: try changed(old, new)) != nil)
    }

    @Test(arguments: [
        // Saved, but nowhere; failed, but saved; in a file that is none of the point's.
        ("      \"archive\" : \"volume.n8n_data.tar.zst.gpg\",\n", ""),
        ("\"outcome\" : \"torn\"", "\"outcome\" : \"failed\""),
        ("\"archive\" : \"volume.n8n_data.tar.zst.gpg\"", "\"archive\" : \"volume.other.tar.zst.gpg\""),
        ("\"outcome\" : \"failed\"", "\"outcome\" : \"whole\""),
        ("\"outcome\" : \"incomplete\"", "\"outcome\" : \"complete\""),
        ("\"item\" : \"files.compose\"", "\"item\" : \"volume.n8n_data\""),
        ("private.json.zst.gpg", "volume.n8n_data.tar.zst.gpg"),
        ("\"outcome\" : \"torn\"", "\"outcome\" : \"fine\""),
    ])
    func contradictionsAreRefused(old: String, new: String) throws {
        #expect(refusal(of: try changed(old, new)) != nil)
    }

    /// They are printed, before anybody has checked the signature.
    @Test(arguments: [
        ("0123456789abcdef0123456789abcdef", "web1"), ("2026-11-22T02:00:09Z", "\\u001b[2J"),
        ("2026-11-22T02:00:00Z", "yesterday"),
        ("\"0.1.0\"", "\"\\u001b]0;x\\u0007\""), ("0123456789ABCDEF0123456789ABCDEF01234567", "me@example.org"),
        ("\"FEDCBA9876543210\"", "\"\\n\""),
        ("machine.disk-full", "\\u009b31m"), ("248d6a61d20638b8", "x"), ("e3b0c44298fc1c14", "E3B0"),
        ("2026-11-21T020000Z", "../2026"),
    ])
    func textsThatAreNotWhatTheyShouldBeAreRefused(old: String, new: String) throws {
        #expect(refusal(of: try changed(old, new)) != nil)
    }

    @Test func everyKeyThatIsMissingIsNamed() throws {
        for key in [
            "archives", "finished", "host", "items", "outcome", "point", "recipients", "started", "holdfast", "entries",
            "sha256",
        ] {
            let error = refusal(of: try changed("\"\(key)\" :", "\"x-\(key)\" :"))
            #expect(error?.what.contains("\(key)` is missing") == true, "\(key): \(error?.what ?? "read")")
        }
        #expect(try read(try changed("\"previous\" :", "\"x\" :")).previous == nil)
    }

    @Test func longestNameThatAnItemMayHaveCanBeReadBack() throws {
        let name = "volume." + String(repeating: "x", count: 200)
        let text = goldenManifest.split(separator: "volume.n8n_data", omittingEmptySubsequences: false).joined(
            separator: name)
        #expect(try read(text).record(of: try #require(Item(name)))?.within == name)
    }

    @Test func cutManifestIsNeverRead() {
        for count in stride(from: 0, to: goldenManifest.utf8.count - 2, by: 7) {
            #expect(refusal(of: String(decoding: Array(goldenManifest.utf8.prefix(count)), as: UTF8.self)) != nil)
        }
    }

    @Test func manyEntriesAreReadInTime() throws {
        let entry = { (number: Int) in
            "{\"file\":\"v\(number)\",\"keys\":[],\"sha256\":\"\(String(repeating: "0", count: 64))\",\"size\":1}"
        }
        let record = { (number: Int) in
            "{\"item\":\"volume.v\(number)\",\"outcome\":\"whole\",\"archive\":\"v\(number)\",\"entries\":1,\"bytes\":1,\"grew\":0,\"torn\":0,\"seconds\":0}"
        }
        let head = try changed(
            "\"archives\" :", "\"archives\" : [\((0..<20_000).map(entry).joined(separator: ","))], \"x\" :")
        let range = try #require(head.firstRange(of: "\"items\" :"))
        let text = head.replacingCharacters(
            in: range, with: "\"items\" : [\((0..<20_000).map(record).joined(separator: ","))], \"y\" :")
        let began = monotonicSeconds()
        let error = refusal(of: text)
        // All are whole, and the manifest says otherwise.
        #expect(error?.code == "point.bad-manifest")
        let whole = try #require(text.firstRange(of: "\"outcome\" : \"incomplete\""))
        #expect(try read(text.replacingCharacters(in: whole, with: "\"outcome\" : \"complete\"")).items.count == 20_000)
        #expect(monotonicSeconds() - began < 20)
    }
}

extension String {
    func replacingCharacters(in range: Range<Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}
