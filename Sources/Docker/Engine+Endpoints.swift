internal import HTTPClient
import Machine

/// Where a running container can be reached.
package struct ContainerEndpoint: Sendable {
    package struct Port: Sendable {
        /// In the container.
        package let inside: Int
        /// On the host; nil: not published.
        package let published: Int?
        /// The host's address that it is published on.
        package let publishedAddress: String
        /// `tcp`, `udp`, `sctp`.
        package let kind: String
    }

    package struct Attachment: Sendable {
        /// Empty where the container has no address of its own there.
        package let address: String
        package let networkID: String
    }

    package let id: String
    /// With the slash that the engine puts before it.
    package let name: String
    package let labels: [String: String]
    /// `host`, `none`, `container:ID`, or the name of a network.
    package let networkMode: String
    package let ports: [Port]
    /// By the network's name.
    package let networks: [String: Attachment]
}

/// A network of the engine.
package struct ContainerNetwork: Sendable {
    package let id: String
    package let name: String
    package let scope: String
    package let isInternal: Bool
    package let isIngress: Bool
    package let labels: [String: String]
}

extension Engine {
    /// The running containers that pass the engine's own filters; each filter passes what has one of its values.
    package func endpoints(filters: [String: [String]] = [:]) async throws -> [ContainerEndpoint] {
        let query = filters.isEmpty ? [] : [("filters", String(decoding: try JSON.writeLine(filters), as: UTF8.self))]
        return try await get([EndpointFacts].self, "containers", "json", query: query).compactMap(\.endpoint)
    }

    package func networks() async throws -> [ContainerNetwork] {
        try await get([NetworkFacts].self, "networks").map(\.network)
    }
}

private struct EndpointFacts: Decodable {
    let id: String
    let names: [String]?
    let labels: [String: String]?
    let ports: [Port]?
    let host: Host?
    let network: Settings?

    enum CodingKeys: String, CodingKey {
        case id = "Id", names = "Names", labels = "Labels", ports = "Ports", host = "HostConfig"
        case network = "NetworkSettings"
    }

    struct Host: Decodable {
        let networkMode: String?

        enum CodingKeys: String, CodingKey { case networkMode = "NetworkMode" }
    }

    struct Port: Decodable {
        let address: String?
        let inside: Int
        let published: Int?
        let kind: String?

        enum CodingKeys: String, CodingKey {
            case address = "IP", inside = "PrivatePort", published = "PublicPort", kind = "Type"
        }
    }

    struct Settings: Decodable {
        let networks: [String: Attachment?]?

        enum CodingKeys: String, CodingKey { case networks = "Networks" }
    }

    struct Attachment: Decodable {
        let address: String?
        let networkID: String?

        enum CodingKeys: String, CodingKey { case address = "IPAddress", networkID = "NetworkID" }
    }

    /// Nil for a container without a name: it is on its way out.
    var endpoint: ContainerEndpoint? {
        guard let name = names?.first else { return nil }
        return ContainerEndpoint(
            id: id, name: name, labels: labels ?? [:], networkMode: host?.networkMode ?? "",
            ports: (ports ?? []).map { port in
                ContainerEndpoint.Port(
                    inside: port.inside, published: port.published.flatMap { $0 > 0 ? $0 : nil },
                    publishedAddress: port.address ?? "", kind: port.kind ?? "")
            },
            networks: (network?.networks ?? [:]).compactMapValues { attachment in
                attachment.map {
                    ContainerEndpoint.Attachment(address: $0.address ?? "", networkID: $0.networkID ?? "")
                }
            })
    }
}

private struct NetworkFacts: Decodable {
    let id: String
    let name: String
    let scope: String?
    let isInternal: Bool?
    let isIngress: Bool?
    let labels: [String: String]?

    enum CodingKeys: String, CodingKey {
        case id = "Id", name = "Name", scope = "Scope", isInternal = "Internal", isIngress = "Ingress"
        case labels = "Labels"
    }

    var network: ContainerNetwork {
        ContainerNetwork(
            id: id, name: name, scope: scope ?? "", isInternal: isInternal ?? false, isIngress: isIngress ?? false,
            labels: labels ?? [:])
    }
}
