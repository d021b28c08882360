import Glibc
import Machine
import TestKit
import Testing

/// Every call by which a command changes or reads something fails, one after the other: the first, the second, … the last.
@Suite struct WritePathTests {
    @Test(arguments: Deed.allCases)
    func failsAtEveryCall(_ deed: Deed) async throws {
        let calls = try await deed.countCalls()
        #expect(calls.values.reduce(0, +) >= 20, "\(deed): \(calls)")
        var shuffling = SeededRandom(seed: Torture.seed)
        let places = calls.sorted { $0.key.rawValue < $1.key.rawValue }.flatMap { kind, count in
            (1...count).map { (kind: kind, number: $0) }
        }.shuffled(using: &shuffling)
        print("torture: \(deed) makes \(places.count) calls")
        for round in Torture.rounds(of: "every call of \(deed)", short: 2) {
            var round = round
            let place = places[round.number % places.count]
            let error = place.kind.errors.randomElement(using: &round.random) ?? EIO
            let how: Fault.How = Bool.random(using: &round.random) ? .once : .stay
            try await suffer(Fault(place.kind, place.number, error, how), deed, "\(round)")
        }
    }

    /// From some call on nothing can be changed any more: the disk of all, of the backups or of the state is full, read-only
    /// or dead.
    @Test(arguments: Deed.allCases)
    func aDiskThatDiesInTheMiddle(_ deed: Deed) async throws {
        let calls = try await deed.countCalls()
        let all = calls.filter(\.key.changesSomething).values.reduce(0, +)
        for round in Torture.rounds(of: "a dying disk under \(deed)", short: 1) {
            var round = round
            let below = ["", "backups", "state", "volumes"].randomElement(using: &round.random) ?? ""
            let number = Int.random(in: 1...(below.isEmpty ? all : max(1, all / 2)), using: &round.random)
            let error = Fault.Kind.any.errors.randomElement(using: &round.random) ?? EIO
            try await suffer(Fault(.any, number, error, .stay, below: below), deed, "\(round)")
        }
    }

    private func suffer(_ fault: Fault, _ deed: Deed, _ round: String) async throws {
        try await withDemoHost(.backedUp) { host in
            let trial = try await Trial(deed, on: host)
            let outcome = try await trial.run(on: try await host.failing(fault))
            let met = host.faultyCalls().first
            let text = "\(deed), \(fault) (\(met?.description ?? "not met")), \(round)"
            if let met, [.write, .sync, .create].contains(fault.kind), isData(met, host) {
                #expect(outcome.status != 0, "it did not notice: \(text): \(outcome)")
            }
            try await trial.judge(outcome, text)
        }
    }

    /// Whether a call was about what a command is for: not about its own notes.
    private func isData(_ call: Call, _ host: DemoHost) -> Bool {
        [host.backups, host.volumes, host.path("out")].contains { call.path.hasPrefix($0 + "/") }
    }

    /// A file or folder of a source that cannot be read is never left out in silence.
    @Test func whatCannotBeReadIsNoticed() async throws {
        for round in Torture.rounds(of: "read errors", short: 3) {
            var round = round
            let kind: Fault.Kind = Bool.random(using: &round.random) ? .read : .open
            let number = Int.random(in: 1...(kind == .read ? 30 : 12), using: &round.random)
            let fault = Fault(kind, number, EIO, Bool.random(using: &round.random) ? .once : .stay, below: "volumes")
            try await withDemoHost(.backedUp) { host in
                let trial = try await Trial(.backup, on: host)
                let outcome = try await trial.run(on: try await host.failing(fault))
                let met = host.faultyCalls().first
                let text = "\(fault) (\(met?.description ?? "not met")), \(round)"
                #expect((outcome.status == 0) == (met == nil), "\(text): \(outcome)")
                try await trial.judge(outcome, text)
            }
        }
    }

    /// The kernel may do a call by halves, and a signal may come into it: neither is an error.
    @Test func callsThatAreDoneByHalves() async throws {
        let ways: [(name: String, deed: CallDeed, kinds: [Fault.Kind])] = [
            ("interrupted", .error(EINTR), [.create, .open, .read, .write, .sync]),
            ("done by half", .short, [.read, .write]), ("done by half from then on", .short.lasting, [.read, .write]),
        ]
        for round in Torture.rounds(of: "calls done by halves", short: 3) {
            var round = round
            let deed = Deed.allCases.randomElement(using: &round.random) ?? .backup
            let way = ways[round.number % ways.count]
            let kind = way.kinds.randomElement(using: &round.random) ?? .write
            let number = Int.random(in: 1...40, using: &round.random)
            try await withDemoHost(.backedUp) { host in
                let trial = try await Trial(deed, on: host)
                let outcome = try await trial.run(on: try await host.meeting(way.deed, at: number, of: kind))
                let text = "\(deed), \(kind) \(number) \(way.name), \(round)"
                #expect(outcome.status == 0, "\(text): \(outcome)")
                try await trial.judge(outcome, text)
            }
        }
    }

    /// A message that waits is delivered in the end, whatever of the outbox could not be written meanwhile.
    @Test func messagesAreNotLost() async throws {
        for round in Torture.rounds(of: "messages", short: 2) {
            var round = round
            let kinds: [Fault.Kind] = [.create, .write, .sync, .rename, .close, .unlink, .open, .read]
            let kind = kinds.randomElement(using: &round.random) ?? .write
            let fault = Fault(
                kind, Int.random(in: 1...8, using: &round.random),
                kind.errors.randomElement(using: &round.random) ?? EIO,
                Bool.random(using: &round.random) ? .once : .stay, below: "state")
            try await withDemoHost(.backedUp) { host in
                try await withHookServer { hooks in
                    try host.configure { $0.more = "notify: [ { webhook: ops, url: \"http://127.0.0.1:9/\" } ]" }
                    try await host.shell("mv volumes away")
                    #expect(try await host.holdfast("backup").status == 1)
                    try host.configure { $0.more = "notify: [ { webhook: ops, url: \"\(hooks.url("hook/ops"))\" } ]" }
                    let later = try await host.withClock(offBy: 7200)
                    let outcome = try await later.failing(fault).holdfast("notify", "send", "--json")
                    let text = "\(fault), \(round): \(outcome)"
                    #expect([0, 1].contains(outcome.status), "\(text)")
                    let again = try await host.withClock(offBy: 14_400).holdfast("notify", "send")
                    #expect(again.status == 0, "\(again), \(text)")
                    let requests = try hooks.requests().filter {
                        $0["body"].string?.contains("Backup failed") == true
                    }
                    // Twice only if it could not be written down that it was sent.
                    #expect((1...2).contains(requests.count), "\(requests.count), \(text)")
                    #expect(try await host.holdfast("notify", "list", "--json").json().all.isEmpty, "\(text)")
                }
            }
        }
    }
}
