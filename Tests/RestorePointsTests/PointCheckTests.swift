import Glibc
import Machine
import OpenPGP
import RestorePoints
import TestKit
import Testing

/// HAZARDS: bit rot; replayed, swapped, cut, appended; whoever has the public key can encrypt, but not sign.
@Suite(.timeLimit(.minutes(2))) struct PointCheckTests {
    private let first = "2026-11-22T020000Z"
    private let second = "2026-11-23T020000Z"

    @Test func pointAsItWasMadeIsVerified() async throws {
        try await withPoints { kit in
            try await kit.make("2026-11-22T02:00:00Z")
            let found = try await kit.check(first)
            #expect(found.failures == [:])
            #expect(
                found.keys.sorted() == [
                    "chain", "private.json.zst.gpg", "signature", "volume.a.tar.zst.gpg", "volume.b.tar.zst.gpg",
                ])
            // The order is: the whole first, then files by name.
            let point = try kit.catalog.point(first)
            let meter = Meter()
            let findings = try await PointCheck(point, among: [], trust: try await kit.trust).run(meter: meter)
            #expect(
                findings.map(\.subject) == [
                    "signature", "chain", "private.json.zst.gpg", "volume.a.tar.zst.gpg", "volume.b.tar.zst.gpg",
                ])
            #expect(meter.bytes == (try point.manifest.get().size))
            let key = try #require(kit.recipient.encryptionSubkey(at: SystemClock().now())?.keyID)
            for case .passed(let text) in findings.suffix(3).map(\.verdict) { #expect(text.hasSuffix("for \(key)")) }
        }
    }

    @Test func flippedBitInAnyFileIsFound() async throws {
        try await withPoints { kit in
            let point = try await kit.make("2026-11-22T02:00:00Z")
            let seed = UInt64.random(in: .min ... .max)
            var random = SeededRandom(seed: seed)
            for name in try Descriptor.folder(point.path).names() {
                let path = "\(point.path)/\(name)"
                let good = try #require(contents(of: path))
                // Of a signature its number only: there are bits beside it that sign nothing, such as the issuer's id.
                let tested = name == Manifest.signatureName ? (good.count - 30)..<good.count : good.indices
                let positions = (0..<4).map { _ in Int.random(in: tested, using: &random) }
                for position in [tested.lowerBound, good.count - 1] + positions {
                    var bad = good
                    bad[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                    try kit.overwrite(path, bad)
                    let failures = try await kit.check(first).failures
                    #expect(!failures.isEmpty, "\(name), byte \(position), seed \(seed)")
                    if !name.hasPrefix("manifest") { #expect(failures == [name: "point.damaged"]) }
                }
                try kit.overwrite(path, good)
            }
            #expect(try await kit.check(first).failures == [:])
        }
    }

    @Test func fileThatWasCutGrewOrIsGoneIsFound() async throws {
        try await withPoints { kit in
            let point = try await kit.make("2026-11-22T02:00:00Z")
            for name in try Descriptor.folder(point.path).names() {
                let path = "\(point.path)/\(name)"
                let good = try #require(contents(of: path))
                let isArchive = !name.hasPrefix("manifest")
                for bad in [Array(good.dropLast()), Array(good.prefix(good.count / 2)), [], good + [0], good + good] {
                    try kit.overwrite(path, bad)
                    let failures = try await kit.check(first).failures
                    #expect(!failures.isEmpty, "\(name), \(bad.count) of \(good.count) bytes")
                    if isArchive { #expect(failures == [name: "point.damaged"]) }
                }
                try Descriptor.folder(point.path).removeTree(name)
                let failures = try await kit.check(first).failures
                #expect(!failures.isEmpty, "\(name) is missing")
                if isArchive { #expect(failures == [name: "point.file-missing"]) }
                if name == Manifest.signatureName { #expect(failures == ["signature": "point.unsigned"]) }
                try kit.overwrite(path, good)
            }
            #expect(try await kit.check(first).failures == [:])
        }
    }

    @Test func whatIsNoFileIsFoundAndNotWaitedFor() async throws {
        try await withPoints { kit in
            let point = try await kit.make("2026-11-22T02:00:00Z")
            let folder = try Descriptor.folder(point.path)
            for name in ["volume.a.tar.zst.gpg", "manifest.json.sig"] {
                let good = try #require(contents(of: "\(point.path)/\(name)"))
                try folder.removeTree(name)
                #expect(mkfifo("\(point.path)/\(name)", 0o600) == 0)
                #expect(try await kit.check(first).failures.count == 1, "a FIFO as \(name)")
                try folder.removeTree(name)
                try folder.makeFolder(name)
                #expect(try await kit.check(first).failures.count == 1, "a folder as \(name)")
                try folder.removeTree(name)
                try kit.overwrite(kit.directory + "/elsewhere", good)
                #expect(symlink("../elsewhere", "\(point.path)/\(name)") == 0)
                #expect(try await kit.check(first).failures.count == 1, "a link as \(name)")
                try folder.removeTree(name)
                try kit.overwrite("\(point.path)/\(name)", good)
            }
        }
    }

    @Test func strangersAreFound() async throws {
        try await withPoints { kit in
            let point = try await kit.make("2026-11-22T02:00:00Z")
            try kit.overwrite(point.path + "/volume.c.tar.zst.gpg", [1])
            try kit.overwrite(point.path + "/a\n\u{1B}[31m", [1])
            try makeFolders(point.path + "/folder")
            let failures = try await kit.check(first).failures
            #expect(
                failures == [
                    "volume.c.tar.zst.gpg": "point.stranger", "a\\n\\x1b[31m": "point.stranger",
                    "folder": "point.stranger",
                ])
        }
    }

    @Test func archivesThatChangedPlacesAreFound() async throws {
        try await withPoints { kit in
            let point = try await kit.make("2026-11-22T02:00:00Z")
            let folder = try Descriptor.folder(point.path)
            try folder.exchange("volume.a.tar.zst.gpg", "volume.b.tar.zst.gpg")
            #expect(
                try await kit.check(first).failures
                    == ["volume.a.tar.zst.gpg": "point.damaged", "volume.b.tar.zst.gpg": "point.damaged"])
        }
    }

    @Test func archiveOfAnOlderPointIsFound() async throws {
        try await withPoints { kit in
            let older = try await kit.make("2026-11-22T02:00:00Z")
            let newer = try await kit.make("2026-11-23T02:00:00Z", text: "DATA")
            let name = "volume.a.tar.zst.gpg"
            try kit.overwrite("\(newer.path)/\(name)", try #require(contents(of: "\(older.path)/\(name)")))
            #expect(try await kit.check(second).failures == [name: "point.damaged"])
        }
    }

    @Test func archiveMadeForAnotherKeyIsFound() async throws {
        try await withPoints { kit in
            let other = try await kit.keys.make(userID: "Somebody <s@example.org>")
            let name = "volume.a.tar.zst.gpg"
            // Even signed by the host, and with its right digest: the packets name another key than the manifest does.
            let sealed = try await kit.keys.gpg(
                ["--encrypt", "--recipient", other.fingerprint.description, "--output", "-"], home: kit.keys.host.home,
                input: Array("data".utf8)
            ).output
            let point = try await kit.make("2026-11-22T02:00:00Z") { manifest in
                for index in manifest.archives.indices where manifest.archives[index].file == name {
                    manifest.archives[index].size = Int64(sealed.count)
                    manifest.archives[index].sha256 = Digest.of(sealed).description
                }
            }
            try kit.overwrite("\(point.path)/\(name)", sealed)
            #expect(try await kit.check(first).failures == [name: "point.damaged"])
            let findings = try await PointCheck(point, among: [], trust: try await kit.trust).run(meter: Meter())
            for case .failed(let error) in findings.map(\.verdict) {
                #expect(error.what.contains(other.keyID.description))
            }
        }
    }

    @Test func plaintextUnderTheNameOfAnArchiveIsFound() async throws {
        try await withPoints { kit in
            let name = "volume.a.tar.zst.gpg"
            let plain = Array("tar tar tar".utf8)
            let point = try await kit.make("2026-11-22T02:00:00Z") { manifest in
                for index in manifest.archives.indices where manifest.archives[index].file == name {
                    manifest.archives[index].size = Int64(plain.count)
                    manifest.archives[index].sha256 = Digest.of(plain).description
                }
            }
            try kit.overwrite("\(point.path)/\(name)", plain)
            #expect(try await kit.check(first).failures == [name: "point.damaged"])
        }
    }
}
