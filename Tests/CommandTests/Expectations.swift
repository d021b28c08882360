import Glibc
import TestKit
import Testing

/// Expects that `holdfast … --json` failed, and said what, where and what to do.
///
/// - Parameter words: have to stand in what, place or remedy.
func expectFailure(
    _ outcome: CommandRunner.Outcome, _ status: Int32, _ code: String, says words: String...,
    at location: SourceLocation = #_sourceLocation
) throws {
    #expect(outcome.status == status, "\(outcome)", sourceLocation: location)
    let error = try outcome.json()["error"]
    #expect(error["code"].string == code, "\(outcome)", sourceLocation: location)
    #expect(error["what"].string?.isEmpty == false, sourceLocation: location)
    let text = ["what", "place", "remedy"].compactMap { error[$0].string }.joined(separator: "\n")
    for word in words { #expect(text.contains(word), "“\(word)” is missing: \(outcome)", sourceLocation: location) }
    #expect(error["remedy"].string?.isEmpty == false, "no remedy: \(outcome)", sourceLocation: location)
}

/// Expects that two trees are the same, and says where they are not.
func expectSame(
    _ one: TreeSnapshot, _ other: TreeSnapshot, _ text: String = "", at location: SourceLocation = #_sourceLocation
) {
    let differences = one.differences(from: other)
    #expect(differences.isEmpty, "\(text) \(differences.joined(separator: "\n"))", sourceLocation: location)
}

/// What a host has that may not suffer from a failure: its points and its live data.
struct Possessions {
    private let points: [String]
    private let live: [String: TreeSnapshot]

    init(of host: DemoHost) throws {
        points = try host.points()
        live = try Self.look(host)
    }

    /// Each volume's data and the files; a volume's own folder is where staging comes and goes.
    private static func look(_ host: DemoHost) throws -> [String: TreeSnapshot] {
        let volumes = try host.names("volumes").map { "volumes/\($0)/_data" }
        var live: [String: TreeSnapshot] = [:]
        for place in volumes + ["compose"] where host.has(place) { live[place] = try host.snapshot(place) }
        return live
    }

    /// Expects that nothing was published, lost, changed or left lying about, and that all points still verify.
    func expectUntouched(_ host: DemoHost, verifying: Bool = true, at location: SourceLocation = #_sourceLocation)
        async throws
    {
        #expect(try host.points() == points, sourceLocation: location)
        #expect(try host.leftovers() == [], sourceLocation: location)
        #expect(host.journal == "", sourceLocation: location)
        let now = try Self.look(host)
        #expect(now.keys.sorted() == live.keys.sorted(), sourceLocation: location)
        for (place, now) in now {
            #expect(live[place]?.differences(from: now) == [], sourceLocation: location)
        }
        guard verifying, !points.isEmpty else { return }
        let verified = try await host.holdfast("verify", "--all")
        #expect(verified.status == 0, "\(verified)", sourceLocation: location)
    }
}

let isRoot = geteuid() == 0
let needsRoot = Comment(rawValue: "needs root, as `make test` says")
