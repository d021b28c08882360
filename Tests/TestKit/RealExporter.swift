import Glibc
import HTTPClient
import Machine

/// Exporters of Debian's, each started for one test on a port of its own.
///
///     @Test(.enabled(if: RealExporter.isAvailable, Comment(rawValue: RealExporter.howToGetOne)))
package enum RealExporter {
    /// Whether tests that need them are to be run. Under CI always, so that one that is missing fails them.
    package static var isAvailable: Bool {
        let folders = (variable("PATH") ?? "").split(separator: ":")
        return variable("CI") == "true" || folders.contains { access("\($0)/prometheus-node-exporter", X_OK) == 0 }
    }

    /// Why tests were skipped.
    package static let howToGetOne = "needs exporters: `Tests/Real/packages.sh metrics` installs them"

    /// A folder with answers of exporters that cannot be started here, if somebody has one.
    package static var recorded: String? {
        variable("HOLDFAST_TEST_EXPOSITIONS").flatMap { access($0, R_OK) == 0 ? $0 : nil }
    }

    /// What the exporter answers, and the `Content-Type` of it.
    ///
    /// - Parameters:
    ///   - program: one that takes `--web.listen-address`.
    ///   - accept: what is asked for; nil: the text format.
    package static func answer(
        of program: String, environment: [String: String] = [:], accepting accept: String? = nil,
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> (body: [UInt8], type: String) {
        try await running(program, environment: environment) { address in
            var request = HTTPClient.Request("GET", "http://\(address)/metrics", bodyLimit: 64 << 20)
            if let accept { request.headers = [("Accept", accept)] }
            let response = try await HTTPClient().send(request)
            guard response.succeeded else {
                throw TestKitError(description: "\(program) answered \(response.status)")
            }
            return (response.body, response.header("Content-Type") ?? "")
        }
    }

    /// Runs `body` beside an exporter, told where it answers: `127.0.0.1:PORT`.
    ///
    /// - Parameter program: one that takes `--web.listen-address`.
    package static func running<Result>(
        _ program: String, environment: [String: String] = [:], isolation: isolated (any Actor)? = #isolation,
        _ body: (_ address: String) async throws -> Result
    ) async throws -> Result {
        let address = "127.0.0.1:\(try freePort())"
        let running = try CommandRunner(environment: environment).start([program, "--web.listen-address=\(address)"])
        return try await cleaningUp {
            let end = monotonicSeconds() + 60
            while !((try? await HTTPClient().send(HTTPClient.Request("GET", "http://\(address)/")).succeeded) ?? false)
            {
                guard monotonicSeconds() < end, isRunning(running.pid) else {
                    throw TestKitError(description: "\(program) does not answer: \(try running.errorsSoFar())")
                }
                try await Task.sleep(for: .milliseconds(100))
            }
            return try await body(address)
        } after: {
            running.signal(SIGKILL)
            _ = try await running.wait()
        }
    }

    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}

/// A port on 127.0.0.1 that nobody listens on now.
package func freePort() throws -> Int {
    let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard raw >= 0 else { throw MachineError.call("make a socket", "127.0.0.1") }
    defer { close(raw) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(raw, $0, length) | getsockname(raw, $0, &length)
        }
    }
    guard result == 0 else { throw MachineError.call("find a port", "127.0.0.1") }
    return Int(UInt16(bigEndian: address.sin_port))
}
