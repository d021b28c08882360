import Archives
import Glibc
import Machine
import TestKit
import Testing

/// Strangers' archives: refused, or extracted as GNU tar would have; and nothing outside is touched.
@Suite struct HostileArchiveTests {
    @Test func strangersTars() async throws { try await aside { try await tars() } }

    private func tars() async throws {
        var accepted = 0
        try await Arena.with { arena in
            for round in Torture.rounds(of: "hostile tars", short: 400) {
                let made = HostileTar(round.random, victims: arena.victims)
                var random = made.random
                let policy = anyPolicy(&random)
                let result = try extract(made.bytes, .foreign(policy), into: arena)
                let about = Comment(rawValue: "\(round): \(made.tricks) \(policy)")
                #expect(try arena.damage() == [], about)
                switch result {
                case .failure(let refusal):
                    #expect(refusal.isPrintable, "\(round): \(refusal.error)")
                    #expect(!refusal.error.what.isEmpty && refusal.error.code != "unexplained", about)
                case .success:
                    accepted += 1
                    let now = try TreeSnapshot(of: arena.target)
                    #expect(violations(of: policy, in: now) == [], about)
                    let gnu = GNUTar(arena, without: made.undefined)
                    let different = try await gnu.differences(of: made.bytes, from: now)
                    #expect(different == [], about)
                }
                try arena.clear()
            }
        }
        // A generator that only ever makes what is refused at once would test little.
        #expect(accepted > 5)
    }

    /// Made by somebody with the public key, in our own form and with a manifest that fits: nobody's signature is looked at
    /// when a person names a file.
    @Test func strangersArchivesInOurForm() async throws { try await aside { try await archivesInOurForm() } }

    private func archivesInOurForm() async throws {
        var accepted = 0
        try await Arena.with { arena in
            for round in Torture.rounds(of: "hostile archives in our form", short: 400) {
                var random = round.random
                let policy = anyPolicy(&random)
                let made = HostileOwnTar(random, victims: arena.victims)
                let result = try extract(made.bytes, .foreign(policy), into: arena)
                let about = Comment(rawValue: "\(round): \(made.tricks) \(policy)")
                #expect(try arena.damage() == [], about)
                switch result {
                case .failure(let refusal): #expect(refusal.isPrintable, "\(round): \(refusal.error)")
                case .success:
                    accepted += 1
                    let now = try TreeSnapshot(of: arena.target)
                    #expect(violations(of: policy, in: now) == [], about)
                    let gnu = GNUTar(arena, without: [made.controlFolder])
                    let different = try await gnu.differences(of: made.bytes, from: now)
                    #expect(different == [], about)
                }
                try arena.clear()
            }
        }
        #expect(accepted > 5)
    }

    private func anyPolicy(_ random: inout SeededRandom) -> ForeignPolicy {
        var policy = ForeignPolicy()
        policy.allowDevices = Int.random(in: 0..<4, using: &random) == 0
        policy.allowSetID = Int.random(in: 0..<4, using: &random) == 0
        policy.allowEscapingLinks = Int.random(in: 0..<4, using: &random) == 0
        return policy
    }

    /// What was made although the policy forbids it.
    private func violations(of policy: ForeignPolicy, in tree: TreeSnapshot) -> [String] {
        tree.items.compactMap { path, item in
            let isDevice = ["char", "block"].contains(item.type)
            let isSetID = item.type != "folder" && item.type != "link" && item.mode & 0o6000 != 0
            let isOut =
                item.type == "link"
                && (item.link.first == 0x2f || climbs(item.link, from: path.split(separator: 0x2f).count - 1))
            let isWrong =
                isDevice && !policy.allowDevices || isSetID && !policy.allowSetID
                || isOut && !policy.allowEscapingLinks
            return isWrong ? "\(RawPath(path)): \(item)" : nil
        }
    }

    /// Whether a link's text leads above where it began, `depth` folders deep.
    private func climbs(_ link: [UInt8], from depth: Int) -> Bool {
        var depth = depth
        for part in link.split(separator: 0x2f) where !part.elementsEqual(".".utf8) {
            depth += part.elementsEqual("..".utf8) ? -1 : 1
            if depth < 0 { return true }
        }
        return false
    }
}

/// What GNU tar makes of an archive: the extractor that everybody has.
struct GNUTar {
    private let arena: Arena
    private let left: Set<String>
    private static let complaints = ["Malformed extended header", "value expected", "memory exhausted"]

    /// - Parameter left: what is left out of the comparison.
    init(_ arena: Arena, without left: Set<String> = []) {
        self.arena = arena
        self.left = left
    }

    /// In words, where a tree is not what GNU tar makes of the same bytes.
    func differences(of bytes: [UInt8], from tree: TreeSnapshot) async throws -> [String] {
        try await withTemporaryFolder(below: "/dev/shm") { folder in
            let file = try Descriptor.open("\(folder)/x.tar", O_WRONLY | O_CREAT)
            try file.write(bytes)
            try file.close()
            try makeFolders("\(folder)/out")
            let options = ["-x", "-p", "-f", "\(folder)/x.tar", "-C", "\(folder)/out", "--numeric-owner", "--no-acls"]
            let outcome = try await CommandRunner().run(["tar"] + options)
            guard outcome.status == 0 else {
                // libarchive takes words for numbers, which GNU tar refuses: nothing follows from that.
                let isAboutNumbers = Self.complaints.contains { outcome.errors.contains($0) }
                return isAboutNumbers ? [] : ["tar says \(outcome.status): \(outcome.errors)"]
            }
            let theirs = essence(try TreeSnapshot(of: "\(folder)/out"))
            let ours = essence(tree)
            return Set(theirs.keys).union(ours.keys).sorted { $0.lexicographicallyPrecedes($1) }.compactMap { path in
                ours[path] == theirs[path]
                    ? nil
                    : "\(RawPath(path)): \(ours[path] ?? "nothing"), and with GNU tar \(theirs[path] ?? "nothing")"
            }
        }
    }

    /// Kind, content, mode of files, and which names are one file; the rest is compared elsewhere, with honest archives.
    private func essence(_ tree: TreeSnapshot) -> [[UInt8]: String] {
        tree.items.filter { path, _ in !path.isEmpty && !isLeft(path) }.mapValues { item in
            let content = item.digest.map { "\($0)" } ?? RawPath(item.link).description
            let mode = item.type == "folder" || item.type == "link" ? "" : String(item.mode, radix: 8)
            return "\(item.type) \(mode) \(item.size) \(item.device) \(content) \(RawPath(item.firstName))"
        }
    }

    /// Whether it is, or lies in, what is left out.
    private func isLeft(_ path: [UInt8]) -> Bool {
        left.contains { path.elementsEqual($0.utf8) || path.starts(with: Array($0.utf8) + [0x2f]) }
    }
}
