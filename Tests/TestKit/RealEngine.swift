package import Docker
import FoundationEssentials
import Glibc
import HTTPClient
import Machine

/// The Docker engine that tests may do with as they like: `HOLDFAST_TEST_DOCKER` names its socket. Never the machine's own.
///
///     @Suite(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
package enum RealEngine {
    /// Whether tests that need it are to be run. Under CI always, so that one that is missing fails them.
    package static var isAvailable: Bool { socket != nil || environment("CI") == "true" }

    /// Why tests were skipped, or failed.
    package static let howToGetOne =
        "needs a Docker engine: HOLDFAST_TEST_DOCKER names no socket (Tests/Real/with-real.sh starts one)"

    /// The image that containers are made of; a busybox.
    package static var image: String { environment("HOLDFAST_TEST_IMAGE") ?? "busybox:test" }

    fileprivate static var socket: String? { environment("HOLDFAST_TEST_DOCKER") }

    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}

/// Something that a test's surroundings lack.
package struct TestKitError: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// The engine.
///
/// - Throws: when there is none, or it does not answer.
package func withEngine<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: (Engine) async throws -> Result
) async throws -> Result {
    guard let socket = RealEngine.socket else { throw TestKitError(description: RealEngine.howToGetOne) }
    return try await body(try await Engine.connect(socket: socket))
}

/// A name that nothing else has.
package func uniqueName(_ kind: String) -> String {
    "hf-\(kind)-\(String(UInt64.random(in: .min ... .max), radix: 36))"
}

/// A volume that is there for one test.
package func withVolume<Result>(
    _ engine: Engine, name: String = uniqueName("volume"), driver: String = "local", labels: [String: String] = [:],
    options: [String: String] = [:], isolation: isolated (any Actor)? = #isolation,
    _ body: (Volume) async throws -> Result
) async throws -> Result {
    let volume = try await engine.createVolume(
        name, driver: driver, labels: labels, options: options.mapValues(Redacted.init))
    return try await cleaningUp {
        try await body(volume)
    } after: {
        try await send(engine, "DELETE", "/volumes/\(name)?force=1")
    }
}

/// What a container for a test is made with.
package struct ContainerPlan: Sendable {
    package var image = RealEngine.image
    /// Ends at once when it is told to stop.
    package var command = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"]
    /// Volume name → path in the container.
    package var volumes: [String: String] = [:]
    /// `host path:container path[:ro]`.
    package var binds: [String] = []
    package var labels: [String: String] = [:]
    package var environment: [String] = []
    /// A shell command, run every half second; three failures in a row are "unhealthy".
    package var healthCheck: String?
    /// `no`, `always`, `unless-stopped`, `on-failure`.
    package var restart = "no"
    package var isAutoRemoved = false
    /// In seconds.
    package var stopTimeout: Int?
    /// `SYS_ADMIN`, …: what it may do beyond what containers usually may.
    package var capabilities: [String] = []
    /// `seccomp=unconfined`, …
    package var securityOptions: [String] = []
    /// Whether it sees all of `/proc` and `/sys`, and may write there.
    package var seesTheKernel = false
    /// Folders in memory: path → options.
    package var memoryFolders: [String: String] = [:]
    /// Whether it is started.
    package var isStarted = true

    package init() {}
}

/// A container that is there for one test; it has no network.
///
/// - Parameter change: says how it differs from a plain one.
package func withContainer<Result>(
    _ engine: Engine, name: String = uniqueName("container"), _ change: (inout ContainerPlan) -> Void = { _ in },
    isolation: isolated (any Actor)? = #isolation, _ body: (Container) async throws -> Result
) async throws -> Result {
    var plan = ContainerPlan()
    change(&plan)
    let made = try await send(engine, "POST", "/containers/create?name=\(name)", NewContainer(plan))
    let id = try JSONDecoder().decode(NewContainer.ID.self, from: made).id
    return try await cleaningUp {
        if plan.isStarted { try await engine.start(id) }
        return try await body(try await engine.container(id))
    } after: {
        try await send(engine, "DELETE", "/containers/\(id)?force=1&v=1")
    }
}

/// Removes a container at once, running or not, as `docker rm -f` does.
package func removeContainer(_ engine: Engine, _ id: String) async throws {
    try await send(engine, "DELETE", "/containers/\(id)?force=1&v=1")
}

/// Runs `body`, then `after`, also when the task was cancelled. An error of `body` goes before one of `after`.
package func cleaningUp<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result,
    after: @escaping @Sendable () async throws -> Void
) async throws -> Result {
    let result: Result
    do {
        result = try await body()
    } catch {
        _ = await Task.detached(operation: after).result
        throw error
    }
    try await Task.detached(operation: after).value
    return result
}

/// Asks the engine for what the product has no need of. What is not there, or already on its way out, is fine.
@discardableResult
private func send(_ engine: Engine, _ method: String, _ path: String, _ json: NewContainer? = nil) async throws -> Data
{
    var request = HTTPClient.Request(method, "/v\(engine.version.api)\(path)")
    if let json {
        request.body = Array(try JSONEncoder().encode(json))
        request.headers = [("Content-Type", "application/json")]
    }
    let answer = try await HTTPClient(unixSocket: engine.socket).send(request)
    guard answer.succeeded || method == "DELETE" && [404, 409].contains(answer.status) else {
        throw TestKitError(
            description: "\(method) \(path): \(answer.status) \(String(decoding: answer.body, as: UTF8.self))")
    }
    return Data(answer.body)
}

private struct NewContainer: Encodable {
    let plan: ContainerPlan

    init(_ plan: ContainerPlan) { self.plan = plan }

    struct ID: Decodable {
        let id: String

        enum CodingKeys: String, CodingKey { case id = "Id" }
    }

    private enum Keys: String, CodingKey {
        case image = "Image", command = "Cmd", labels = "Labels", environment = "Env", stopTimeout = "StopTimeout"
        case healthCheck = "Healthcheck", host = "HostConfig"
    }

    private enum HealthKeys: String, CodingKey {
        case test = "Test", interval = "Interval", timeout = "Timeout", retries = "Retries"
    }

    private enum HostKeys: String, CodingKey {
        case binds = "Binds", network = "NetworkMode", restart = "RestartPolicy", isAutoRemoved = "AutoRemove"
        case capabilities = "CapAdd", securityOptions = "SecurityOpt", memoryFolders = "Tmpfs"
        case maskedPaths = "MaskedPaths", readOnlyPaths = "ReadonlyPaths"
    }

    func encode(to encoder: any Encoder) throws {
        var all = encoder.container(keyedBy: Keys.self)
        try all.encode(plan.image, forKey: .image)
        try all.encode(plan.command, forKey: .command)
        try all.encode(plan.labels, forKey: .labels)
        try all.encode(plan.environment, forKey: .environment)
        try all.encodeIfPresent(plan.stopTimeout, forKey: .stopTimeout)
        if let healthCheck = plan.healthCheck {
            let second = 1_000_000_000
            var health = all.nestedContainer(keyedBy: HealthKeys.self, forKey: .healthCheck)
            try health.encode(["CMD-SHELL", healthCheck], forKey: .test)
            try health.encode(second / 2, forKey: .interval)
            try health.encode(5 * second, forKey: .timeout)
            try health.encode(3, forKey: .retries)
        }
        var host = all.nestedContainer(keyedBy: HostKeys.self, forKey: .host)
        try host.encode(plan.volumes.map { "\($0.key):\($0.value)" } + plan.binds, forKey: .binds)
        try host.encode("none", forKey: .network)
        try host.encode(["Name": plan.restart], forKey: .restart)
        try host.encode(plan.isAutoRemoved, forKey: .isAutoRemoved)
        try host.encode(plan.capabilities, forKey: .capabilities)
        try host.encode(plan.securityOptions, forKey: .securityOptions)
        try host.encode(plan.memoryFolders, forKey: .memoryFolders)
        if plan.seesTheKernel {
            try host.encode([String](), forKey: .maskedPaths)
            try host.encode([String](), forKey: .readOnlyPaths)
        }
    }
}
