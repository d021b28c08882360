import Docker
import HTTPClient
import Machine
import Monitoring
import Settings
import TestKit
import Testing
import TimeSeries

/// Containers as targets, from what an engine answers.
@Suite struct DockerTargetsTests {
    private static let containers = #"""
        [{"Id":"aaa","Names":["/shop-web-1"],"Labels":{"com.docker.compose.project":"shop","metrics":"true"},
          "Ports":[{"PrivatePort":9100,"Type":"tcp"},{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
                   {"PrivatePort":53,"Type":"udp"}],
          "HostConfig":{"NetworkMode":"shop_default"},
          "NetworkSettings":{"Networks":{"shop_default":{"IPAddress":"172.18.0.2","NetworkID":"n1"},
                                         "admin":{"IPAddress":"172.19.0.2","NetworkID":"n2"}}}},
         {"Id":"bbb","Names":["/host"],"HostConfig":{"NetworkMode":"host"},"Ports":[],
          "NetworkSettings":{"Networks":{"host":{"IPAddress":"","NetworkID":"n3"}}}},
         {"Id":"ccc","Names":["/side"],"HostConfig":{"NetworkMode":"container:aaa"},"NetworkSettings":{"Networks":{}}},
         {"Id":"ddd","Names":["/lost"],"HostConfig":{"NetworkMode":"container:zzz"},"NetworkSettings":{"Networks":{}}},
         {"Id":"eee","Names":["/six"],"HostConfig":{"NetworkMode":"v6"},"Ports":[{"PrivatePort":1,"Type":"tcp"}],
          "NetworkSettings":{"Networks":{"v6":{"IPAddress":"fd00::2","NetworkID":"n4"},"x":null}}},
         {"Id":"fff","Names":[]}]
        """#
    private static let networks = #"""
        [{"Id":"n1","Name":"shop_default","Scope":"local","Internal":false,"Ingress":false,"Labels":{"a.b":"c"}},
         {"Id":"n2","Name":"admin","Scope":"local","Internal":true,"Ingress":false,"Labels":null}]
        """#

    private func targets(_ change: (inout ScrapeSettings.DockerDiscovery) -> Void = { _ in }) async throws -> [[String:
        String]]
    {
        let client = HTTPClient(answeredBy: { request in
            let body =
                switch request.url {
                case "/version": #"{"Version":"26","ApiVersion":"1.45","MinAPIVersion":"1.24"}"#
                case "/v1.45/containers/json": Self.containers
                default: Self.networks
                }
            return HTTPClient.Response(status: 200, body: Array(body.utf8))
        })
        let engine = try await Engine.connect(client, socket: "/s")
        var settings = ScrapeSettings.DockerDiscovery(socket: "/s")
        change(&settings)
        return ContainerTargets(try await engine.endpoints(), try await engine.networks(), settings).all
    }

    @Test func oneForEachPort() async throws {
        let found = try await targets()
        #expect(
            found.map { $0["__address__"] } == [
                "172.19.0.2:9100", "172.19.0.2:80", "localhost", "172.19.0.2:80", "[fd00::2]:1",
            ])
        #expect(
            found[1] == [
                "__address__": "172.19.0.2:80", "__meta_docker_container_id": "aaa",
                "__meta_docker_container_name": "/shop-web-1", "__meta_docker_container_network_mode": "shop_default",
                "__meta_docker_container_label_com_docker_compose_project": "shop",
                "__meta_docker_container_label_metrics": "true", "__meta_docker_network_id": "n2",
                "__meta_docker_network_name": "admin", "__meta_docker_network_scope": "local",
                "__meta_docker_network_internal": "true", "__meta_docker_network_ingress": "false",
                "__meta_docker_network_ip": "172.19.0.2", "__meta_docker_port_private": "80",
                "__meta_docker_port_public": "8080", "__meta_docker_port_public_ip": "0.0.0.0",
            ])
    }

    @Test func andForEachNetworkWhereAllCount() async throws {
        let found = try await targets {
            $0.matchesFirstNetwork = false
            $0.port = 9000
            $0.hostNetworkingHost = "10.0.0.1"
        }
        #expect(
            found.map { $0["__address__"] } == [
                "172.19.0.2:9100", "172.19.0.2:80", "172.18.0.2:9100", "172.18.0.2:80", "10.0.0.1", "172.19.0.2:9000",
                "172.18.0.2:9000", "[fd00::2]:1",
            ])
        #expect(found[2]["__meta_docker_network_label_a_b"] == "c")
    }
}

/// With a real engine and a real exporter.
@Suite(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
struct RealDockerTargetsTests {
    @Test func aContainerIsFoundByItsLabelAndItsSeriesEndWithIt() async throws {
        try await withEngine { engine in
            let mark = uniqueName("mark")
            let talk = Talk()
            let text = """
                scrape_configs:
                - job_name: docker
                  scrape_interval: 1s
                  docker_sd_configs:
                  - { host: "unix://\(engine.socket)", refresh_interval: 1s, filters: [{ name: label, values: ["hf.mark=\(mark)"] }] }
                  relabel_configs:
                  - { source_labels: [__meta_docker_container_label_com_docker_compose_service], target_label: service }
                  - { source_labels: [__meta_docker_container_name], regex: "/(.*)", target_label: instance }
                """
            try await withMonitor(text, talk: talk) { monitor, _ in
                let name = uniqueName("target")
                try await withContainer(engine, name: name) { plan in
                    plan.labels = ["hf.mark": mark, "com.docker.compose.service": "web"]
                } _: { container in
                    try await eventually("it is found \(talk.lines)") { await !monitor.targets().active.isEmpty }
                    let status = try #require(await monitor.targets().active.first)
                    #expect(status.labels == Labels(["instance": name, "job": "docker", "service": "web"]))
                    #expect(status.discovered["__meta_docker_container_id"] == container.id)
                    #expect(status.discovered["__meta_docker_container_network_mode"] == "none")
                    try await eventually("it was tried") {
                        await monitor.targets().active.first?.health == .down
                    }
                }
                try await eventually("it is gone") { await monitor.targets().active.isEmpty }
                let own = ["instance": name, "job": "docker", "service": "web"]
                try await eventually("its series ended") {
                    try monitor.store.values("up", own).last?.isStaleMarker == true
                }
            }
        }
    }
}

@Suite(.enabled(if: RealExporter.isAvailable, Comment(rawValue: RealExporter.howToGetOne)))
struct RealExporterScrapeTests {
    @Test func theNodeExporter() async throws {
        try await RealExporter.running("prometheus-node-exporter") { address in
            let text = """
                scrape_configs:
                - { job_name: node, scrape_interval: 1s, static_configs: [{ targets: ["\(address)"] }] }
                """
            try await withMonitor(text) { monitor, _ in
                let own = ["instance": address, "job": "node"]
                try await eventually("three good scrapes") {
                    try monitor.store.values("up", own).count { $0 == 1 } >= 3
                }
                let scraped = try monitor.store.values("scrape_samples_scraped", own)
                #expect(scraped.allSatisfy { $0 > 200 }, "\(scraped)")
                #expect(try monitor.store.values("node_load1", own).count >= 3)
                let status = try #require(await monitor.targets().active.first)
                #expect(status.health == .up && status.lastError == "")
                #expect(await monitor.metadata().contains { $0.metadata.family == "node_load1" })
            }
        }
    }
}
