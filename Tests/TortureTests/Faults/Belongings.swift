import Glibc
import Machine
import TestKit
import Testing

/// What a host has before something goes wrong: its points, to the byte, and the data that lives on it.
struct Belongings {
    let host: DemoHost
    let points: [String: TreeSnapshot]
    let live: [String: TreeSnapshot]

    init(of host: DemoHost) throws {
        self.host = host
        points = try Self.points(of: host)
        live = try Self.live(on: host)
    }

    /// The volume that restores are about in these tests.
    static let volume = "volumes/n8n_data/_data"

    static func points(of host: DemoHost) throws -> [String: TreeSnapshot] {
        guard host.has("backups") else { return [:] }
        return try Dictionary(uniqueKeysWithValues: host.points().map { ($0, try host.snapshot("backups/\($0)")) })
    }

    static func live(on host: DemoHost) throws -> [String: TreeSnapshot] {
        let places = [volume, "volumes/web_data/_data", "compose"].filter { host.has($0) }
        return try Dictionary(uniqueKeysWithValues: places.map { ($0, try host.snapshot($0)) })
    }

    /// Expects that each point of before is there as it was, but for those that may go.
    func expectPoints(except gone: Set<String> = [], _ text: String) throws {
        let now = try Self.points(of: host)
        for (point, before) in points where !(gone.contains(point) && now[point] == nil) {
            #expect(now[point].map { before.differences(from: $0) } == [], "\(point), \(text)")
        }
    }

    /// Expects that all that lives is as it was; of the volume that is being restored, that it is the one or the other.
    ///
    /// - Returns: whether it is the other.
    @discardableResult
    func expectLive(or other: TreeSnapshot? = nil, _ text: String) throws -> Bool {
        var isOther = false
        let now = try Self.live(on: host)
        #expect(now.keys.sorted() == live.keys.sorted(), "\(text)")
        for (place, before) in live {
            guard let now = now[place] else { continue }
            let differences = before.differences(from: now)
            if place == Self.volume, let other, !differences.isEmpty {
                let fromOther = other.differences(from: now)
                #expect(fromOther == [], "a mix, neither old (\(differences)) nor new, \(text)")
                isOther = true
            } else {
                #expect(differences == [], "\(place), \(text)")
            }
        }
        return isOther
    }
}

/// Expects of a command that met a fault: it ended by itself, and said what is wrong unless all went well.
func expectHonest(_ outcome: CommandRunner.Outcome, _ text: String) throws {
    #expect([0, 1, 3, 4, 5].contains(outcome.status), "\(text): \(outcome)")
    guard outcome.status != 0, outcome.status < 128 else { return }
    #expect(!outcome.errors.contains("BUG") && !outcome.errors.contains("Fatal error"), "\(text): \(outcome)")
    guard let json = try? outcome.json() else {
        return #expect(!outcome.errors.isEmpty, "it says nothing: \(text): \(outcome)")
    }
    if case .object = json["error"] {
        #expect(json["error"]["what"].string?.isEmpty == false, "\(text): \(outcome)")
        #expect(json["error"]["remedy"].string?.isEmpty == false, "no remedy: \(text): \(outcome)")
    } else {
        #expect(!outcome.errors.isEmpty || !json["wrong"].all.isEmpty, "it says nothing: \(text): \(outcome)")
    }
}

extension DemoHost {
    /// Expects that, without the fault, the next commands put everything right: nothing is owed or left over, the next backup
    /// is good, and every point verifies.
    ///
    /// - Parameter other: what the volume may be, if it is not as before.
    func expectRecovery(_ before: Belongings, or other: TreeSnapshot? = nil, _ text: String) async throws {
        let resumed = try await holdfast("resume", "--json")
        #expect(resumed.status == 0, "\(text): \(resumed)")
        #expect(journal == "", "\(text)")
        try before.expectLive(or: other, text)
        if has("state/restores"), try names("state/restores").contains(where: { $0.hasSuffix(".json") }) {
            let committed = try await holdfast("restore", "commit", "--yes")
            #expect(committed.status == 0, "\(text): \(committed)")
        }
        let left = try leftovers()
        #expect(left == [], "\(text): \(resumed)")
        let backup = try await holdfast("backup", "--json")
        #expect(backup.status == 0, "\(text): \(backup)")
        let verified = try await holdfast("verify", "--all", "--json")
        #expect(verified.status == 0, "\(text): \(verified)")
        let running = try names("state/runs").filter { try read("state/runs/\($0)").contains("\"running\"") }
        #expect(running == [], "\(text)")
    }

    /// Expects that a point which is there after a backup and was not before is what the command said of it.
    func expectNewPoint(_ outcome: CommandRunner.Outcome, _ before: Belongings, _ text: String) async throws {
        let new = try points().filter { before.points[$0] == nil }
        let result = (try? outcome.json()) ?? .null
        #expect(new.count <= 1, "\(text)")
        if outcome.status == 0 {
            #expect(new.count == 1 && new.first == result["point"].string, "\(text): \(outcome)")
            #expect(result["outcome"].string == "complete", "\(text): \(outcome)")
        }
        guard let point = new.first else { return }
        let verified = try await holdfast("verify", point, "--deep", "--key", privateKey, "--json")
        #expect(verified.status == 0, "\(text): \(verified)")
        let shown = try await holdfast("show", point, "--json").json()
        let isWhole = shown["items"].all.allSatisfy { $0["outcome"].string == "whole" }
        if outcome.status == 0 { #expect(isWhole, "\(text): \(shown)") }
    }
}
