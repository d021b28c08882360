import Glibc
import Machine

/// A script of `Tests/Real`.
package func realScript(_ name: String) -> String {
    let here = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    guard let resolved = realpath(here, nil) else { return here + "/../Real/\(name)" }
    defer { free(resolved) }
    return String(cString: resolved) + "/../Real/\(name)"
}

/// Runs a server of `Tests/Real` that writes its port to `FOLDER/port`, beside `body`; it is gone afterwards.
package func withPythonServer<Result>(
    _ script: String, _ folder: String, _ options: [String] = [], isolation: isolated (any Actor)? = #isolation,
    _ body: (_ port: Int) async throws -> Result
) async throws -> Result {
    unlink("\(folder)/port")
    let running = try CommandRunner().start(["/usr/bin/python3", realScript(script), folder] + options)
    return try await cleaningUp {
        var port: Int?
        let isUp = try await eventually(within: 60) {
            port = contents(of: "\(folder)/port").flatMap { Int(String(decoding: $0, as: UTF8.self)) }
            return port != nil || !isRunning(running.pid)
        }
        guard isUp, let port else {
            throw TestKitError(description: "\(script) did not come up: \(try running.errorsSoFar())")
        }
        return try await body(port)
    } after: {
        running.signal(SIGKILL)
        _ = try await running.wait()
    }
}
