import Alerting
import Machine
import TestKit
import Testing

@Suite struct NoticeTests {
    @Test func isReadBackAsItWasWritten() throws {
        let one = notice()
        let bytes = try JSON.write(one)
        #expect(try JSON.read(Notice.self, bytes, place: "here") == one)
        let json = try JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
        #expect(json["moment"].string == one.moment.description)
        #expect(json["kind"].string == "failed")
    }

    @Test(arguments: ["", "a/b", "a b", "ä", "..", ".hidden", "a\n", String(repeating: "a", count: 161)])
    func aBadIDIsRefused(id: String) async throws {
        try await expectRefusal(notice(id))
    }

    @Test func moreThanOneLineIsRefused() async throws {
        try await expectRefusal(notice { $0.title = "a\nb" })
        try await expectRefusal(notice { $0.summary = "a\r\nb" })
        try await expectRefusal(notice { $0.key = "" })
        try await expectRefusal(notice { $0.key = String(repeating: "k", count: 256) })
        try await expectRefusal(notice { $0.title = "" })
    }

    private func expectRefusal(_ notice: Notice, at location: SourceLocation = #_sourceLocation) async throws {
        try await withTemporaryFolder { folder in
            let outbox = Outbox("\(folder)/outbox", channels: [FakeChannel()], clock: FakeClock())
            let error = #expect(throws: AlertingError.self, sourceLocation: location) { try outbox.put(notice) }
            #expect(error?.code == "alerting.bad-notice", sourceLocation: location)
            let waiting = try outbox.waiting()
            #expect(waiting == [], sourceLocation: location)
        }
    }
}
