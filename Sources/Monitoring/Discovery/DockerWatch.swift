package import Docker
internal import Machine
package import Settings

/// Targets that are containers of a Docker engine (`docker_sd_configs`), as Prometheus 3.5 finds them
/// (`discovery/moby/docker.go`): one for each network and TCP port of a running container.
///
/// The address is the container's own in a bridge network, which its host reaches whatever network we are in.
struct DockerWatch: Discovery {
    let settings: ScrapeSettings.DockerDiscovery

    var pace: Int64 { settings.refresh }

    func look() async throws -> Discovered {
        let engine = try await Engine.connect(socket: settings.socket)
        let filters = Dictionary(settings.filters.map { ($0.name, $0.values) }) { $0 + $1 }
        let targets = ContainerTargets(
            try await engine.endpoints(filters: filters), try await engine.networks(), settings)
        return Discovered(targets: targets.all)
    }
}

/// Makes targets of containers.
package struct ContainerTargets {
    private let containers: [ContainerEndpoint]
    private let networks: [String: ContainerNetwork]
    private let settings: ScrapeSettings.DockerDiscovery

    package init(
        _ containers: [ContainerEndpoint], _ networks: [ContainerNetwork], _ settings: ScrapeSettings.DockerDiscovery
    ) {
        self.containers = containers
        self.networks = Dictionary(networks.map { ($0.id, $0) }) { first, _ in first }
        self.settings = settings
    }

    /// The labels of each.
    package var all: [[String: String]] { containers.flatMap(targets) }

    private func targets(of container: ContainerEndpoint) -> [[String: String]] {
        attachments(of: container).flatMap { attachment -> [[String: String]] in
            var common = labels(of: container).merging(labels(ofNetwork: attachment.networkID)) { $1 }
            common["__meta_docker_network_ip"] = attachment.address
            let ports = container.ports.filter { $0.kind == "tcp" }
            guard ports.isEmpty else {
                return ports.map { port in
                    var labels = common
                    labels["__meta_docker_port_private"] = "\(port.inside)"
                    if let published = port.published {
                        labels["__meta_docker_port_public"] = "\(published)"
                        labels["__meta_docker_port_public_ip"] = port.publishedAddress
                    }
                    labels[ReservedLabel.address] = joined(attachment.address, port.inside)
                    return labels
                }
            }
            // In the host's own network there are no ports to tell.
            let isHost = container.networkMode == "host"
            common[ReservedLabel.address] =
                isHost ? settings.hostNetworkingHost : joined(attachment.address, Int(settings.port))
            return [common]
        }
    }

    /// The networks that count, in the order of their names. A container that lives in another's network has that one's.
    private func attachments(of container: ContainerEndpoint) -> [ContainerEndpoint.Attachment] {
        var owner = container
        var seen: Set<String> = []
        while owner.networks.isEmpty, owner.networkMode.hasPrefix("container:"), seen.insert(owner.id).inserted {
            let id = owner.networkMode.dropFirst("container:".count)
            guard let next = containers.first(where: { $0.id == id }) else { break }
            owner = next
        }
        let sorted = owner.networks.sorted { $0.key < $1.key }.map(\.value)
        return settings.matchesFirstNetwork ? Array(sorted.prefix(1)) : sorted
    }

    private func labels(of container: ContainerEndpoint) -> [String: String] {
        var labels = [
            "__meta_docker_container_id": container.id,
            "__meta_docker_container_name": container.name,
            "__meta_docker_container_network_mode": container.networkMode,
        ]
        for (name, value) in container.labels {
            labels["__meta_docker_container_label_" + sanitised(name)] = value
        }
        return labels
    }

    private func labels(ofNetwork id: String) -> [String: String] {
        guard let network = networks[id] else { return [:] }
        var labels = [
            "__meta_docker_network_id": network.id,
            "__meta_docker_network_name": network.name,
            "__meta_docker_network_scope": network.scope,
            "__meta_docker_network_internal": "\(network.isInternal)",
            "__meta_docker_network_ingress": "\(network.isIngress)",
        ]
        for (name, value) in network.labels { labels["__meta_docker_network_label_" + sanitised(name)] = value }
        return labels
    }

    private func joined(_ host: String, _ port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
