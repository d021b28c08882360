import Machine
import RestorePoints
import TestKit
import Testing

/// What comes of manifests that somebody meddled with: an error, or a manifest that can do no harm; never a crash.
@Suite(.timeLimit(.minutes(1))) struct ManifestMutationTests {
    @Test func mutatedManifestsNeverCrashNorNameWhatLiesElsewhere() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("manifest mutations: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let folder = try pointName("2026-11-22T020000Z")
        var survivors = 0
        for round in 0..<10_000 {
            var bytes = Array(goldenManifest.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&bytes, &random) }
            guard let manifest = try? Manifest.read(bytes, folder: folder, place: "x") else { continue }
            survivors += 1
            let note: Comment = "seed \(seed), round \(round)"
            for name in manifest.archives.map(\.file) + manifest.items.compactMap(\.within) {
                #expect(isHarmless(name), note)
            }
            for record in manifest.items {
                #expect(isHarmless(record.item.description), note)
                #expect(record.entries >= 0 && record.bytes >= 0 && record.seconds >= 0, note)
                if let archive = record.archive { #expect(manifest.archive(named: archive) != nil, note) }
                #expect((record.archive == nil) == (record.outcome == .failed), note)
            }
            #expect(manifest.point == folder && manifest.size.bytes >= 0, note)
            #expect(!"\(manifest)".utf8.contains(27), note)
        }
        #expect(survivors > 100, "the mutations are too rough to test anything: seed \(seed)")
    }

    private func isHarmless(_ name: String) -> Bool {
        guard let first = name.utf8.first, first != UInt8(ascii: "."), first != UInt8(ascii: "-") else { return false }
        return name.utf8.count <= 247 && !["manifest.json", "manifest.json.sig"].contains(name)
            && !name.hasSuffix(".partial")
            && name.unicodeScalars.allSatisfy {
                $0.isASCII
                    && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "._-".unicodeScalars.contains($0))
            }
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        let pieces =
            hostileNames + [
                "-1", "9223372036854775807", "18446744073709551616", "1e999", "null", "{}", "[]", "{", "\"", ",",
                "\\ud800", "true", "0.5",
                "\"size\" : 9223372036854775807,", "\"file\" : \"../../etc/passwd\",", "\u{0}", "\u{1B}", "whole",
                "failed", " ", "\n",
            ]
        let position = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[position] = UInt8.random(in: .min ... .max, using: &random)
        case 2: bytes.removeSubrange(position..<min(bytes.count, position + Int.random(in: 1...40, using: &random)))
        case 3: bytes.insert(contentsOf: (pieces.randomElement(using: &random) ?? "").utf8, at: position)
        case 4:
            // A value for a value: what stands between two quotes.
            let quotes = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\"") }
            guard let open = (0..<(quotes.count / 2)).randomElement(using: &random),
                quotes[open * 2] < quotes[open * 2 + 1]
            else { return }
            bytes.replaceSubrange(
                (quotes[open * 2] + 1)..<quotes[open * 2 + 1], with: (pieces.randomElement(using: &random) ?? "").utf8)
        default:
            // A line twice, or gone.
            var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let line = Int.random(in: 0..<lines.count, using: &random)
            if Bool.random(using: &random) { lines.remove(at: line) } else { lines.insert(lines[line], at: line) }
            bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
        }
        if bytes.isEmpty { bytes = [0x7B] }
    }
}
