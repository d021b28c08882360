import Glibc
import Machine
import OpenPGP
import Recovery
import RestorePoints
import Settings
import TestKit
import Testing

/// Somebody changed a published file, however little: whoever looks sees it, and a restore gives what was saved or nothing.
@Suite struct TamperRoundTests {
    /// How often a round goes on to the private key, to a restore, to the built program.
    private static let (deep, restore, binary) = (4, 3, 40)

    @Test func everyChangeIsSeen() async throws {
        try await withDemoHost(.backedUp) { host in
            let bench = try await TamperBench(host)
            for round in Torture.rounds(of: "tampering", short: 160) {
                var random = round.random
                let item = TamperBench.items.randomElement(using: &random) ?? TamperBench.items[0]
                try await bench.tampering.changed(&random) { change in
                    let point = bench.tampering.points.first { !change.names(in: $0).isEmpty } ?? ""
                    let about = Comment(rawValue: "\(round): \(change)")
                    let outside = try await bench.fromOutside(point, change)
                    #expect(outside == .failed || bench.isHarmless(change), about)
                    if round.number % Self.deep == 0 {
                        let inside = try await bench.fromInside(point)
                        #expect(inside == .failed || bench.isHarmless(change), about)
                    }
                    if round.number % Self.restore == 0 {
                        #expect(try await bench.restore(item, from: point) == [], about)
                    }
                    if round.number % Self.binary == 0 { try await bench.program(point, change, about) }
                }
            }
            bench.end()
        }
    }

    /// One file that a person names, without anything that says what it should be: what gpg and the archive itself say.
    @Test func everyChangeOfAFileIsSeenFromInside() async throws {
        try await withDemoHost(.backedUp) { host in
            let bench = try await TamperBench(host)
            for round in Torture.rounds(of: "tampering with a file", short: 40) {
                var random = round.random
                try await bench.tampering.changed(&random) { change in
                    for (path, content) in change.files where path.contains("/volume.web_data") {
                        guard case .bytes(let bytes)? = content else { continue }
                        let found = try await bench.alone(bytes)
                        #expect(found == [], "\(round): \(change)")
                    }
                }
            }
            bench.end()
        }
    }
}

/// A host with two points, and what a restore of each is to give.
struct TamperBench {
    static let items = ["volume n8n_data", "volume web_data", "files compose"]

    let tampering: Tampering
    private let host: DemoHost
    private let site: Site
    private let trust: SignerTrust
    private let key: DecryptionKey
    private let live: [TreeSnapshot]
    private var expected: [String: TreeSnapshot] = [:]

    init(_ host: DemoHost) async throws {
        self.host = host
        let settings = try Settings.load(from: host.config)
        site = Site(
            settings: settings, recipients: [], engine: .absent(Interrupted()), keyring: Keyring(home: host.ring),
            state: StateFolder(host.state), version: "test", report: { _ in })
        guard let signer = try await HostKey.open(site.state.signingHome) else {
            throw TestKitError(description: "the host has no signing key")
        }
        trust = .pinned(publicKey: try await signer.publicKey(), signer.fingerprint)
        key = try await DecryptionKey.load(host.keys.owner.secret)
        live = try Self.look(host)
        tampering = try Tampering(host.backups)
        for point in tampering.points {
            for item in Self.items {
                guard case .success(let tree) = try await extract(item, from: point) else {
                    throw TestKitError(description: "\(item) of \(point) cannot be restored")
                }
                expected["\(item) \(point)"] = tree
            }
        }
    }

    func end() { key.end() }

    private static func look(_ host: DemoHost) throws -> [TreeSnapshot] {
        try ["volumes", "compose", "stick"].map { try host.snapshot($0) }
    }

    /// What verify without a private key comes to; by the signature as well where that can make a difference.
    func fromOutside(_ name: String, _ change: Tampering.Change) async throws -> Verification.Verdict.Overall {
        let points = try site.catalog.points()
        guard let point = points.first(where: { $0.name.description == name }) else { return .failed }
        let isAboutFiles = change.names(in: name).isDisjoint(with: ["manifest.json", "manifest.json.sig"])
        let trust = isAboutFiles ? SignerTrust.nobody(because: "its files are enough") : trust
        return Verification.Verdict.Overall(
            try await PointCheck(point, among: points, trust: trust).run(meter: Meter()))
    }

    /// What verify with the private key comes to.
    func fromInside(_ name: String) async throws -> Verification.Verdict.Overall {
        let points = try site.catalog.points()
        guard let point = points.first(where: { $0.name.description == name }) else { return .failed }
        return try await Verification(site, trust: trust).verify(point, among: points, deep: key).overall
    }

    /// Restores an item to a folder of its own.
    ///
    /// - Returns: what came of it that may not be: other data than was saved, or anything live that was touched.
    func restore(_ item: String, from point: String) async throws -> [String] {
        let result = try await extract(item, from: point)
        var wrong = zip(live, try Self.look(host)).flatMap { $0.differences(from: $1) }
        wrong += try host.leftovers().filter { !$0.hasPrefix("backups/") }
        switch result {
        case .success(let tree): wrong += expected["\(item) \(point)"]?.differences(from: tree) ?? ["nothing expected"]
        case .failure(let refusal):
            if !refusal.isPrintable || refusal.error.code == "unexplained" { wrong.append("\(refusal.error)") }
        }
        return wrong
    }

    private func extract(_ item: String, from point: String) async throws -> Result<TreeSnapshot, Refusal> {
        let words = item.split(separator: " ").map(String.init)
        let kind = Item.Kind(rawValue: words[0]) ?? .volume
        let request = RestoreRequest(kind: kind, names: [words[1]], from: point, to: host.path("out"))
        return try await restored { try await RestorePlanner(site, trust: trust).plan(request) }
    }

    private func restored(_ plan: () async throws -> RestorePlan) async throws -> Result<TreeSnapshot, Refusal> {
        let (lock, _) = try await HeldLock.take(for: "restore", site)
        defer { lock.release() }
        do {
            _ = try await RestoreRun(try await plan(), site, key: key, holding: lock).run()
        } catch let error as any Explained {
            return .failure(Refusal(error: error))
        }
        let tree = try host.snapshot("out")
        try host.remove("out")
        return .success(tree)
    }

    /// Checks and restores one file that a person named.
    ///
    /// - Returns: what came of it that may not be.
    func alone(_ bytes: [UInt8]) async throws -> [String] {
        guard !bytes.isEmpty else { return [] }
        try host.write("alone", bytes)
        let file: ArchiveFile
        do {
            file = try ArchiveFile(
                [host.path("alone")], allowed: ArchiveFile.Allowed(devices: false, setID: false, linksOut: false))
        } catch is any Explained { return [] }
        let findings = try await FileVerification(file, site).run(deep: key)
        let result = try await restored {
            try await RestorePlanner(site, trust: trust).plan(file, volume: nil, to: host.path("out"), paths: [])
        }
        switch (Verification.Verdict.Overall(findings), result) {
        case (.verified, .failure(let refusal)): return ["verified, but: \(refusal.error)"]
        case (_, .success(let tree)):
            let known = expected.filter { $0.key.contains("volume") || $0.key.contains("files") }.values
            return known.contains { $0.differences(from: tree) == [] } ? [] : ["other data than was ever saved"]
        default: return []
        }
    }

    /// The same by the built program.
    func program(_ point: String, _ change: Tampering.Change, _ about: Comment) async throws {
        let verified = try await host.holdfast("verify", point)
        #expect(verified.status == 1 || isHarmless(change), "\(about) \(verified)")
        let restored = try await host.restore("volume", "n8n_data", "--from", point, "--to", host.path("out"), "--json")
        if restored.status == 0 {
            let tree = try host.snapshot("out")
            #expect(expected["volume n8n_data \(point)"]?.differences(from: tree) == [], about)
            try host.remove("out")
        } else {
            #expect([1, 4].contains(restored.status), "\(about) \(restored)")
            #expect(try restored.json()["error"]["remedy"].string?.isEmpty == false, "\(about) \(restored)")
            #expect(!host.has("out"), about)
        }
        #expect(try zip(live, Self.look(host)).flatMap { $0.differences(from: $1) } == [], about)
    }

    /// What of a signature is signed itself, and its numbers, are as they were; what stands between and behind them signs
    /// nothing, and gpg does not look at all of it. The manifest is still the one that was signed.
    func isHarmless(_ change: Tampering.Change) -> Bool {
        change.files.allSatisfy { path, content in
            guard path.hasSuffix("/manifest.json.sig"), case .bytes(let now)? = content else { return false }
            let then = tampering.bytes(path)
            // RFC 4880, 5.2.3: two bytes of packet header; version, class, two algorithms; then each part with its length.
            let hashedEnd = 8 + Int(then[6]) << 8 + Int(then[7])
            let numbers = hashedEnd + 2 + Int(then[hashedEnd]) << 8 + Int(then[hashedEnd + 1]) + 2
            guard now.count >= then.count else { return false }
            return now[2..<hashedEnd] == then[2..<hashedEnd] && now[numbers..<then.count] == then[numbers...]
        }
    }
}
