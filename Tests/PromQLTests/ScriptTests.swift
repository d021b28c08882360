import Foundation
import Testing

/// The scripts in `scripts/`: one for each group of the language, all of which has to hold.
@Suite struct ScriptTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "scripts")

    private static let names = (try? ScriptFolder(folder).names) ?? []

    @Test func thereAreScripts() { #expect(Self.names.count > 5) }

    @Test(arguments: names) func holds(_ name: String) throws {
        let outcomes = try ScriptFolder(Self.folder).outcomes(of: name)
        #expect(!outcomes.isEmpty)
        for outcome in outcomes {
            #expect(outcome.failure == nil, "\(name):\(outcome.line): \(outcome.expression)")
        }
    }
}

/// A folder of promqltest scripts.
struct ScriptFolder {
    let folder: URL

    init(_ folder: URL) { self.folder = folder }

    var names: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".test") }.sorted()
        }
    }

    func outcomes(of name: String) throws -> [ScriptRunner.Outcome] {
        let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        return try ScriptRunner().run(try Script(text))
    }
}
