internal import FoundationEssentials
import Glibc
import Machine

/// An HTTP server that behaves as Slack, Discord, PagerDuty, ntfy and healthchecks.io document (`Tests/Real/hook-server.py`).
package struct HookServer: Sendable {
    /// Where its records and its plan lie.
    package let folder: String
    package let port: Int

    /// `http://127.0.0.1:PORT/PATH`
    package func url(_ path: String) -> String { "http://127.0.0.1:\(port)/\(path)" }

    /// Says what the next requests are answered, one line of JSON each; see the script.
    package func plan(_ lines: String...) throws {
        try Descriptor.folder(folder).publish("plan", Array(lines.map { $0 + "\n" }.joined().utf8), replacing: true)
    }

    /// The requests so far: `path`, `headers`, `body`, `status`.
    package func requests() throws -> [JSONValue] { try records(in: folder) }
}

/// Runs `body` beside such a server.
package func withHookServer<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: (HookServer) async throws -> Result
) async throws -> Result {
    try await withTemporaryFolder { folder in
        try await withPythonServer("hook-server.py", folder) { port in
            try await body(HookServer(folder: folder, port: port))
        }
    }
}

/// The files `1.json`, `2.json`, … of a folder.
func records(in folder: String) throws -> [JSONValue] {
    var records: [JSONValue] = []
    while let bytes = contents(of: "\(folder)/\(records.count + 1).json") {
        records.append(try JSONDecoder().decode(JSONValue.self, from: Data(bytes)))
    }
    return records
}

extension JSONValue {
    /// Reads JSON.
    package init(parsing text: String) throws { self = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) }
}
