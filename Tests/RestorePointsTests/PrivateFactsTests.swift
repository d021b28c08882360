import Machine
import RestorePoints
import Testing

@Suite struct PrivateFactsTests {
    @Test func formIsStable() throws {
        let facts = PrivateFacts(
            host: hostID, point: try pointName("2026-11-22T020000Z"),
            volumes: ["n8n": .init(driver: "local", labels: ["a": "b"], options: ["device": "/x"])],
            images: ["n8n:1": ["sha256:0"]],
            containers: [.init(name: "n8n", image: "n8n:1", volumes: ["n8n"], project: "p", service: nil)],
            problems: ["volume.n8n": "It shrank."])
        let golden =
            #"{"containers":[{"image":"n8n:1","name":"n8n","project":"p","volumes":["n8n"]}],"format":"holdfast-private/1","#
            + #""host":"0123456789abcdef0123456789abcdef","images":{"n8n:1":["sha256:0"]},"point":"2026-11-22T020000Z","#
            + #""problems":{"volume.n8n":"It shrank."},"volumes":{"n8n":{"driver":"local","labels":{"a":"b"},"options":{"device":"/x"}}}}"#
        #expect(String(decoding: try JSON.writeLine(facts), as: UTF8.self) == golden)
        let again = try JSON.read(PrivateFacts.self, Array(golden.utf8), place: "x")
        #expect(
            again.volumes == facts.volumes && again.containers == facts.containers && again.problems == facts.problems)
        #expect(again.format == PrivateFacts.currentFormat && again.point == facts.point)
    }
}
