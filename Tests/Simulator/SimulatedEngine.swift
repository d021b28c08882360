import Docker
import HTTPClient
import Machine
import Settings

/// The engine of the simulated host: what the real ``Engine`` asks is answered from here.
final class SimulatedEngine: @unchecked Sendable {
    struct Container {
        let id: String
        let name: String
        let volume: String
        var state = "running"
    }

    var containers: [Container]

    init() {
        containers = [
            Container(id: String(repeating: "d", count: 64), name: "db", volume: "a"),
            Container(id: String(repeating: "f", count: 64), name: "web", volume: "b"),
        ]
    }

    /// What the real client of a process that is simulated asks: of the engine of its own host.
    static let connected = Task {
        try await Engine.connect(
            HTTPClient(answeredBy: { request in
                guard let process = System.kernel as? SimulatedProcess else {
                    return HTTPClient.Response(
                        status: 200, body: Array(#"{"Version":"20.10.24","ApiVersion":"1.41"}"#.utf8))
                }
                return try process.engine.answer(request, process)
            }), socket: "/simulated/docker.sock")
    }

    private func answer(_ request: HTTPClient.Request, _ process: SimulatedProcess) throws -> HTTPClient.Response {
        if process.isDead { throw Interrupted() }
        let path = request.url.prefix { $0 != "?" }.split(separator: "/").dropFirst(2).map(String.init)
        if path == ["json"] {
            let list = containers.map { #"{"Id":"\#($0.id)","Mounts":\#(Self.mounts($0))}"# }
            return ok("[\(list.joined(separator: ","))]")
        }
        guard let index = containers.firstIndex(where: { $0.id == path[0] }), path.count == 2 else {
            return HTTPClient.Response(status: 404, body: Array(#"{"message":"no such container"}"#.utf8))
        }
        if path[1] == "json" { return ok(Self.facts(containers[index])) }
        return change(index, path[1], process)
    }

    private func change(_ index: Int, _ verb: String, _ process: SimulatedProcess) -> HTTPClient.Response {
        let step = Step(deed: .engine, inode: nil, name: "\(containers[index].name): \(verb)")
        // A conflict: of other failures it is taken that they go by within seconds, which nobody here waits for.
        if process.trouble(step) != nil {
            return HTTPClient.Response(status: 409, body: Array(#"{"message":"it cannot be done now"}"#.utf8))
        }
        let wanted = ["stop": "exited", "start": "running", "pause": "paused", "unpause": "running"][verb]
        guard let wanted, wanted != containers[index].state else { return HTTPClient.Response(status: 304) }
        process.sabotage.act(step, process) { [self] in containers[index].state = wanted }
        return HTTPClient.Response(status: 204)
    }

    private func ok(_ text: String) -> HTTPClient.Response { HTTPClient.Response(status: 200, body: Array(text.utf8)) }

    private static func mounts(_ container: Container) -> String {
        #"[{"Type":"volume","Name":"\#(container.volume)","Source":"\#(Host.volumes)/\#(container.volume)/_data","Destination":"/data","RW":true}]"#
    }

    private static func facts(_ container: Container) -> String {
        #"{"Id":"\#(container.id)","Name":"/\#(container.name)","Image":"sha256:0","State":{"Status":"\#(container.state)","ExitCode":0,"Health":{"Status":"healthy"}},"Config":{"Image":"x"},"Mounts":\#(mounts(container))}"#
    }
}
