import Alerting
import Glibc
import Machine
import TestKit
import Testing

/// Nothing that was put is lost, and nothing is sent twice.
@Suite struct OutboxTests {
    /// A restart forgets alerts: not here.
    @Test func aRestartForgetsNothingAndSendsNothingTwice() async throws {
        try await withTemporaryFolder { folder in
            let (channel, clock) = (FakeChannel(), FakeClock())
            func outbox() -> Outbox { Outbox("\(folder)/outbox", channels: [channel], clock: clock) }
            try outbox().put(notice("a"))
            try outbox().put(notice("b", key: "other"))
            #expect(try outbox().waiting().map(\.id) == ["a", "b"])
            #expect(try await outbox().deliver().map(\.id) == ["a", "b"])
            try outbox().put(notice("a"))
            #expect(try await outbox().deliver() == [])
            #expect(channel.ids == ["a", "b"])
            #expect(try outbox().waiting() == [])
        }
    }

    @Test func whatIsWaitingIsNotPutAgain() async throws {
        try await withTemporaryFolder { folder in
            let (channel, clock) = (FakeChannel(), FakeClock())
            let outbox = Outbox("\(folder)/outbox", channels: [channel], clock: clock)
            channel.answer(.later(after: nil, "down"))
            try outbox.put(notice("a"))
            _ = try await outbox.deliver()
            try outbox.put(notice("a"))
            let waiting = try outbox.waiting()
            #expect(waiting.map(\.tries) == [1] && waiting.map(\.reason) == ["down"])
        }
    }

    @Test func eachChannelHasItsOwn() async throws {
        try await withTemporaryFolder { folder in
            let (one, two, clock) = (FakeChannel("one"), FakeChannel("two"), FakeClock())
            let outbox = Outbox("\(folder)/outbox", channels: [one, two], clock: clock)
            one.answer(.later(after: nil, "down"))
            try outbox.put(notice("a"))
            _ = try await outbox.deliver()
            #expect(two.ids == ["a"])
            #expect(try outbox.waiting().map(\.channel) == ["one"])
            clock.advance(60)
            _ = try await outbox.deliver()
            #expect(one.ids == ["a", "a"] && two.ids == ["a"])
        }
    }

    @Test func pausesDoubleUpToAnHour() async throws {
        try await withTemporaryFolder { folder in
            let (channel, clock) = (FakeChannel(), FakeClock())
            let outbox = Outbox("\(folder)/outbox", channels: [channel], clock: clock)
            try outbox.put(notice("a"))
            var pauses: [Int64] = []
            for _ in 0..<9 {
                channel.answer(.later(after: nil, "down"))
                let delivery = try #require(try await outbox.deliver().first)
                let pause = Int64(try #require(delivery.next).since(clock.now()))
                pauses.append(pause)
                clock.advance(pause - 1)
                #expect(try await outbox.deliver() == [])
                clock.advance(1)
            }
            #expect(pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600])
        }
    }

    /// 429 drops the message: not here; and the time that the other side names is kept, for all messages of the channel.
    @Test func aRequestToWaitIsObeyed() async throws {
        try await withTemporaryFolder { folder in
            let (channel, clock) = (FakeChannel(), FakeClock())
            let outbox = Outbox("\(folder)/outbox", channels: [channel], clock: clock)
            channel.answer(.later(after: 299.2, "429"))
            try outbox.put(notice("a"))
            try outbox.put(notice("b", key: "other"))
            #expect(try await outbox.deliver().count == 1)
            clock.advance(299)
            #expect(try await outbox.deliver() == [])
            clock.advance(1)
            #expect(try await outbox.deliver().map(\.id) == ["a", "b"])
            #expect(channel.ids == ["a", "a", "b"])
        }
    }

    /// A chat that takes one message a second: the second one is waited for, once.
    @Test func aShortRequestToWaitIsObeyedOnTheSpot() async throws {
        try await withTemporaryFolder { folder in
            let (channel, clock) = (FakeChannel(), FakeClock())
            let outbox = Outbox("\(folder)/outbox", channels: [channel], clock: clock)
            channel.answer(.later(after: 0.2, "429"))
            try outbox.put(notice("a"))
            #expect(try await outbox.deliver().map(\.next) == [nil])
            #expect(channel.ids == ["a", "a"])
            channel.answer(.later(after: 0.2, "429"), .later(after: 0.2, "429"))
            try outbox.put(notice("b"))
            try outbox.put(notice("c", key: "other"))
            #expect(try await outbox.deliver().map(\.id) == ["b"])
            #expect(try outbox.waiting().map(\.tries) == [2, 0])
        }
    }

    /// Six dead channels keep no seventh from its message, nor the run waiting six times.
    @Test func channelsDoNotWaitForEachOther() async throws {
        try await withTemporaryFolder { folder in
            let (slow, quick, clock) = (SlowChannel(), FakeChannel(), FakeClock())
            let outbox = Outbox("\(folder)/outbox", channels: [slow, quick], clock: clock)
            try outbox.put(notice("a"))
            async let all = outbox.deliver()
            await slow.untilAsked()
            #expect(try await eventually(within: 60) { quick.ids == ["a"] })
            slow.letGo()
            #expect(try await all.map(\.channel) == ["slow", "one"])
        }
    }

    @Test func aRecoveryDoesNotOvertakeItsFailure() async throws {
        try await withTemporaryFolder { folder in
            let (channel, clock) = (FakeChannel(), FakeClock())
            let outbox = Outbox("\(folder)/outbox", channels: [channel], clock: clock)
            channel.answer(.later(after: nil, "down"))
            try outbox.put(notice("z-failed"))
            _ = try await outbox.deliver()
            clock.advance(10)
            try outbox.put(notice("a-recovered", .recovered))
            try outbox.put(notice("other", key: "other"))
            #expect(try await outbox.deliver().map(\.id) == ["other"])
            clock.advance(60)
            #expect(try await outbox.deliver().map(\.id) == ["z-failed", "a-recovered"])
        }
    }

    @Test func afterThreeDaysALetterIsDeadAndShown() async throws {
        try await withTemporaryFolder { folder in
            let (channel, clock) = (FakeChannel(), FakeClock())
            let outbox = Outbox("\(folder)/outbox", channels: [channel], clock: clock)
            try outbox.put(notice("a"))
            // Off for a week: that is no failing.
            clock.advance(7 * 86_400)
            channel.answer(.later(after: nil, "down"), .later(after: nil, "still down"), .later(after: nil, "too long"))
            #expect(try await outbox.deliver().map(\.isDead) == [false])
            clock.advance(3 * 86_400 - 1)
            #expect(try await outbox.deliver().map(\.isDead) == [false])
            clock.advance(3600)
            #expect(try await outbox.deliver().map(\.isDead) == [true])
            clock.advance(86_400)
            #expect(try await outbox.deliver() == [])
            let dead = try #require(try outbox.waiting().first)
            #expect(dead.isDead && dead.reason == "too long" && dead.tries == 3)
            #expect(try await outbox.deliver(again: true).map(\.id) == ["a"])
            #expect(try outbox.waiting() == [])
        }
    }

    @Test func aRefusalForGoodIsADeadLetterAndHoldsNothingUp() async throws {
        try await withTemporaryFolder { folder in
            let (channel, clock) = (FakeChannel(), FakeClock())
            let outbox = Outbox("\(folder)/outbox", channels: [channel], clock: clock)
            channel.answer(.refused("404: no_service"))
            try outbox.put(notice("a"))
            try outbox.put(notice("b"))
            #expect(try await outbox.deliver().map(\.isDead) == [true, false])
            #expect(try outbox.waiting().map(\.reason) == ["404: no_service"])
        }
    }

    @Test func aClockThatWasPutBackHoldsNothingUp() async throws {
        try await withTemporaryFolder { folder in
            let (channel, clock) = (FakeChannel(), FakeClock())
            let outbox = Outbox("\(folder)/outbox", channels: [channel], clock: clock)
            channel.answer(.later(after: nil, "down"))
            try outbox.put(notice("a"))
            _ = try await outbox.deliver()
            clock.advance(-10 * 86_400)
            #expect(try await outbox.deliver().map(\.id) == ["a"])
        }
    }

    @Test func aDeliveryIsRememberedForThirtyDays() async throws {
        try await withTemporaryFolder { folder in
            let (channel, clock) = (FakeChannel(), FakeClock())
            let outbox = Outbox("\(folder)/outbox", channels: [channel], clock: clock)
            try outbox.put(notice("a"))
            _ = try await outbox.deliver()
            clock.advance(30 * 86_400)
            _ = try await outbox.deliver()
            try outbox.put(notice("a"))
            #expect(try outbox.waiting() == [])
            clock.advance(1)
            _ = try await outbox.deliver()
            #expect(try names(folder).filter { $0.hasSuffix(".sent") } == [])
        }
    }

    @Test func aChannelThatIsGoneIsShownAndNotLost() async throws {
        try await withTemporaryFolder { folder in
            let clock = FakeClock()
            try Outbox("\(folder)/outbox", channels: [FakeChannel("gone")], clock: clock).put(notice("a"))
            let now = Outbox("\(folder)/outbox", channels: [FakeChannel("one")], clock: clock)
            #expect(try await now.deliver() == [])
            let waiting = try #require(try now.waiting().first)
            #expect(waiting.channel == "gone" && !waiting.isKnown && !waiting.isDead)
            #expect(waiting.reason?.contains("no such channel") == true)
            let back = FakeChannel("gone")
            #expect(try await Outbox("\(folder)/outbox", channels: [back], clock: clock).deliver().count == 1)
        }
    }

    @Test(arguments: ["", "{", "{\"format\": 1}", "null"])
    func aFileThatCannotBeReadIsShownAndHoldsNothingUp(text: String) async throws {
        try await withTemporaryFolder { folder in
            let (channel, clock) = (FakeChannel(), FakeClock())
            let outbox = Outbox("\(folder)/outbox", channels: [channel], clock: clock)
            try outbox.put(notice("b"))
            try Descriptor.folder("\(folder)/outbox").publish("a.0123456789abcdef.json", Array(text.utf8))
            #expect(try await outbox.deliver().map(\.id) == ["b"])
            let waiting = try #require(try outbox.waiting().first)
            #expect(!waiting.isKnown && waiting.id == "a.0123456789abcdef.json" && waiting.reason != nil)
        }
    }

    @Test(arguments: ["9223372036854775807", "-9223372036854775808"])
    func countsThatNobodyCanHaveWrittenEndNoRun(tries: String) async throws {
        try await withTemporaryFolder { folder in
            let (channel, clock) = (FakeChannel(), FakeClock())
            let outbox = Outbox("\(folder)/outbox", channels: [channel], clock: clock)
            try outbox.put(notice("a"))
            let file = try #require(try names(folder).first { $0.hasSuffix(".json") })
            let text = String(decoding: try #require(contents(of: "\(folder)/outbox/\(file)")), as: UTF8.self)
            let spoilt = text.replacing(/"tries" ?: ?0/, with: "\"tries\": \(tries)")
            #expect(spoilt != text)
            try Descriptor.folder("\(folder)/outbox").publish(file, Array(spoilt.utf8), replacing: true)
            #expect(try await outbox.deliver() == [])
            #expect(try outbox.waiting().first?.reason?.contains("tried \(tries) times") == true)
        }
    }

    /// It keeps its own message from being sent again, and no other one.
    @Test func aReceiptThatCannotBeReadHoldsNothingUp() async throws {
        try await withTemporaryFolder { folder in
            let (channel, clock) = (FakeChannel(), FakeClock())
            let outbox = Outbox("\(folder)/outbox", channels: [channel], clock: clock)
            try outbox.put(notice("a"))
            #expect(mkdir("\(folder)/outbox/x.sent", 0o700) == 0)
            #expect(symlink("/nowhere", "\(folder)/outbox/y.sent") == 0)
            #expect(try await outbox.deliver().map(\.id) == ["a"])
            #expect(try names(folder).filter { $0.hasSuffix(".sent") }.count == 3)
        }
    }

    @Test func aReceiptWinsOverWhatWasNotForgottenYet() async throws {
        try await withTemporaryFolder { folder in
            let (channel, clock) = (FakeChannel(), FakeClock())
            let outbox = Outbox("\(folder)/outbox", channels: [channel], clock: clock)
            try outbox.put(notice("a"))
            let file = try #require(try names(folder).first { $0.hasSuffix(".json") })
            let bytes = try #require(contents(of: "\(folder)/outbox/\(file)"))
            _ = try await outbox.deliver()
            // As a kill between the two steps leaves it.
            try Descriptor.folder("\(folder)/outbox").publish(file, bytes)
            #expect(try outbox.waiting() == [])
            #expect(try await outbox.deliver() == [])
            #expect(channel.ids == ["a"])
            #expect(try !names(folder).contains(file))
        }
    }

    @Test func oneSendsWhileOthersPut() async throws {
        try await withTemporaryFolder { folder in
            let clock = FakeClock()
            let slow = SlowChannel()
            let outbox = Outbox("\(folder)/outbox", channels: [slow], clock: clock)
            try outbox.put(notice("a"))
            async let first = outbox.deliver()
            await slow.untilAsked()
            #expect(try await outbox.deliver() == [])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    group.addTask { try outbox.put(notice("n\(number % 20)", key: "k\(number % 20)")) }
                }
                try await group.waitForAll()
            }
            slow.letGo()
            #expect(try await first.map(\.id) == ["a"])
            #expect(try outbox.waiting().count == 20)
            #expect(try await outbox.deliver().count == 20)
        }
    }

    @Test func filesAreNobodyElsesBusiness() async throws {
        try await withTemporaryFolder { folder in
            let outbox = Outbox("\(folder)/outbox", channels: [FakeChannel()], clock: FakeClock())
            try outbox.put(notice("a"))
            _ = try await outbox.deliver()
            try outbox.put(notice("b"))
            for name in try names(folder) {
                let status = try Descriptor.open("\(folder)/outbox/\(name)", O_RDONLY).status()
                #expect(status.st_mode & 0o777 == 0o600, "\(name)")
            }
            #expect(try Descriptor.folder("\(folder)/outbox").status().st_mode & 0o777 == 0o700)
            #expect(chmod("\(folder)/outbox", 0o755) == 0)
            let error = #expect(throws: AlertingError.self) { try outbox.put(notice("c")) }
            #expect(error?.code == "alerting.unsafe-outbox")
        }
    }

    @Test func withoutAChannelNothingIsKept() async throws {
        try await withTemporaryFolder { folder in
            let outbox = Outbox("\(folder)/outbox", channels: [], clock: FakeClock())
            try outbox.put(notice())
            #expect(try await outbox.deliver() == [])
            #expect(try outbox.waiting() == [])
            #expect(access("\(folder)/outbox", F_OK) != 0)
        }
    }

    private func names(_ folder: String) throws -> [String] { try Descriptor.folder("\(folder)/outbox").names() }
}

/// A channel that takes its time.
private final class SlowChannel: Channel {
    let kind = "slow"
    let name = "slow"
    private let asked = AsyncStream<Void>.makeStream()
    private let free = AsyncStream<Void>.makeStream()

    func untilAsked() async { for await _ in asked.stream { return } }
    func letGo() { free.continuation.finish() }

    func send(_ notice: Notice) async throws -> Answer {
        asked.continuation.yield()
        for await _ in free.stream {}
        return .delivered("")
    }
}
