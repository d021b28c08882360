package import HTTPClient
import Machine

/// A Docker engine, asked through its Unix socket.
///
/// Every method throws ``DockerError``, and ``Interrupted`` when the task is cancelled. Nothing is kept between calls: each
/// answer is the engine's newest, and an engine that was restarted is simply asked again.
package struct Engine: Sendable {
    /// The path of its socket.
    package let socket: String
    /// Which engine it is, as it said when we connected.
    package let version: EngineVersion

    let client: HTTPClient

    /// Finds out which engine is there and which version of the API both speak.
    ///
    /// - Throws: ``DockerError`` `unreachable`, `noPermission`, `tooOld`, `tooNew`, `badAnswer`, `timeout`.
    package static func connect(socket: String, timeout: Duration = .seconds(20)) async throws -> Engine {
        try await connect(HTTPClient(unixSocket: socket), socket: socket, timeout: timeout)
    }

    /// As ``connect(socket:timeout:)``, through a client of the caller's.
    package static func connect(
        _ client: HTTPClient, socket: String, timeout: Duration = .seconds(20)
    ) async throws -> Engine {
        let answer = try await ask(
            client, HTTPClient.Request("GET", "/version", timeout: timeout), socket: socket, subject: .engine)
        let facts = try decode(VersionFacts.self, answer, socket: socket)
        guard let newest = APIVersion(facts.apiVersion) else {
            throw DockerError.badAnswer("it says no version of its API.", socket: socket)
        }
        guard newest >= .oldest else {
            throw DockerError(
                .tooOld,
                "Docker \(printable(facts.version)) is too old: its API is \(newest), we need \(APIVersion.oldest).",
                place: socket, remedy: "Update the engine.")
        }
        if let oldest = facts.minAPIVersion.flatMap(APIVersion.init), oldest > .newest {
            throw DockerError(
                .tooNew, "Docker \(printable(facts.version)) no longer speaks API \(APIVersion.newest).",
                place: socket, remedy: "Update holdfast.")
        }
        let version = EngineVersion(
            version: facts.version, api: min(newest, .newest), engineAPI: newest, os: facts.os ?? "linux",
            architecture: facts.arch ?? "")
        return Engine(socket: socket, version: version, client: client)
    }

    /// What the engine says of itself and its host.
    package struct Info: Sendable {
        /// The engine's own id; survives its restarts.
        package let id: String
        /// The host's name.
        package let hostName: String
        /// Where it keeps its data: `/var/lib/docker`.
        package let rootDirectory: String
        /// `overlay2`, …
        package let storageDriver: String
        /// Whether it runs without root: then owners inside volumes are shifted.
        package let isRootless: Bool

        /// Where plain volumes lie.
        package var volumesRoot: String {
            (rootDirectory.hasSuffix("/") ? rootDirectory : rootDirectory + "/") + "volumes"
        }
    }

    /// What the engine says of itself and its host.
    package func info() async throws -> Info {
        let facts = try await get(InfoFacts.self, "info")
        guard let root = facts.rootDirectory, root.hasPrefix("/") else {
            throw DockerError.badAnswer("it does not say where its data lies.", socket: socket)
        }
        return Info(
            id: facts.id ?? "", hostName: facts.name ?? "", rootDirectory: root, storageDriver: facts.driver ?? "",
            isRootless: (facts.securityOptions ?? []).contains { $0.hasPrefix("name=rootless") })
    }
}

private struct VersionFacts: Decodable {
    let version: String
    let apiVersion: String
    let minAPIVersion: String?
    let os: String?
    let arch: String?

    enum CodingKeys: String, CodingKey {
        case version = "Version", apiVersion = "ApiVersion", minAPIVersion = "MinAPIVersion", os = "Os", arch = "Arch"
    }
}

private struct InfoFacts: Decodable {
    let id: String?
    let name: String?
    let rootDirectory: String?
    let driver: String?
    let securityOptions: [String]?

    enum CodingKeys: String, CodingKey {
        case id = "ID", name = "Name", rootDirectory = "DockerRootDir", driver = "Driver"
        case securityOptions = "SecurityOptions"
    }
}
