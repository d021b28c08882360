import Machine

/// What the engine says of one container (`/containers/ID/json`), as far as we use it.
struct ContainerFacts: Decodable {
    let id: String
    let name: String
    let image: String
    let restartCount: Int?
    let state: State
    let configuration: Configuration
    let host: Host?
    let mounts: [MountFacts]?

    enum CodingKeys: String, CodingKey {
        case id = "Id", name = "Name", image = "Image", restartCount = "RestartCount", state = "State"
        case configuration = "Config", host = "HostConfig", mounts = "Mounts"
    }

    struct State: Decodable {
        let status: String
        let exitCode: Int?
        let wasOutOfMemory: Bool?
        let startedAt: String?
        let health: Health?

        enum CodingKeys: String, CodingKey {
            case status = "Status", exitCode = "ExitCode", wasOutOfMemory = "OOMKilled", startedAt = "StartedAt"
            case health = "Health"
        }
    }

    struct Health: Decodable {
        let status: String?
        let failingStreak: Int?
        let log: [Check]?

        enum CodingKeys: String, CodingKey { case status = "Status", failingStreak = "FailingStreak", log = "Log" }

        struct Check: Decodable {
            let exitCode: Int?
            let output: String?

            enum CodingKeys: String, CodingKey { case exitCode = "ExitCode", output = "Output" }
        }
    }

    struct Configuration: Decodable {
        let image: String?
        let labels: [String: String]?
        let environment: [String]?
        let stopTimeout: Int?

        enum CodingKeys: String, CodingKey {
            case image = "Image", labels = "Labels", environment = "Env", stopTimeout = "StopTimeout"
        }
    }

    struct Host: Decodable {
        let isAutoRemoved: Bool?
        let restartPolicy: Policy?

        enum CodingKeys: String, CodingKey { case isAutoRemoved = "AutoRemove", restartPolicy = "RestartPolicy" }

        struct Policy: Decodable {
            let name: String?
            let maximumRetries: Int?

            enum CodingKeys: String, CodingKey { case name = "Name", maximumRetries = "MaximumRetryCount" }
        }
    }
}

/// One mount, as lists and inspections alike have it.
struct MountFacts: Decodable {
    let type: String?
    let name: String?
    let source: String?
    let destination: String?
    let isWritable: Bool?

    enum CodingKeys: String, CodingKey {
        case type = "Type", name = "Name", source = "Source", destination = "Destination", isWritable = "RW"
    }

    var mount: Container.Mount {
        Container.Mount(
            type.flatMap(Container.Mount.Kind.init) ?? .other, name: name.flatMap { $0.isEmpty ? nil : $0 },
            source: source ?? "", destination: destination ?? "", isReadOnly: isWritable == false)
    }
}

extension ContainerFacts {
    var container: Container {
        Container(
            id: id, name: name.hasPrefix("/") ? String(name.dropFirst()) : name, image: configuration.image ?? "",
            imageID: image, labels: configuration.labels ?? [:],
            state: Container.State(rawValue: state.status) ?? .unknown, health: health,
            mounts: (mounts ?? []).map(\.mount), restartPolicy: restartPolicy, exitCode: state.exitCode ?? 0,
            wasOutOfMemory: state.wasOutOfMemory ?? false,
            startedAt: state.startedAt.flatMap(Timestamp.init(rfc3339:)), restartCount: restartCount ?? 0,
            environment: environment, isAutoRemoved: host?.isAutoRemoved ?? false,
            stopTimeout: configuration.stopTimeout.map { .seconds($0) })
    }

    private var health: Container.Health? {
        guard let health = state.health, let status = health.status, status != "none", !status.isEmpty else {
            return nil
        }
        let last = health.log?.last
        return Container.Health(
            Container.Health.Status(rawValue: status) ?? .unknown, failingStreak: health.failingStreak ?? 0,
            lastExitCode: last?.exitCode, lastOutput: last?.output ?? "")
    }

    private var restartPolicy: Container.RestartPolicy {
        Container.RestartPolicy(
            host?.restartPolicy?.name.flatMap(Container.RestartPolicy.Kind.init) ?? .no,
            maximumRetries: host?.restartPolicy?.maximumRetries ?? 0)
    }

    private var environment: [String: Redacted] {
        let pairs = (configuration.environment ?? []).map { entry in
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), Redacted(parts.count > 1 ? String(parts[1]) : ""))
        }
        return Dictionary(pairs) { _, last in last }
    }
}
