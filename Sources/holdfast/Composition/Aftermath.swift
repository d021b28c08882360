import Alerting
import Machine
import Recovery
import Settings

/// What follows every run: messages for those who should know, numbers for those who watch. However that goes, it never
/// changes how the run itself ended.
struct Aftermath {
    let composition: Composition
    let site: Site

    /// Runs `body` and what follows it.
    ///
    /// - Parameters:
    ///   - beats: whether heartbeats hear of it.
    ///   - isWell: whether it went well in all.
    func follow<Value>(
        beats: Bool = false, isWell: (Value) -> Bool = { _ in true }, _ body: () async throws -> Value
    ) async throws -> Value {
        let began = site.clock.now()
        if beats { await tell(.start) }
        do {
            let value = try await body()
            await look()
            if beats { await tell(isWell(value) ? .success : .failure) }
            return value
        } catch {
            let isKept = await look() && isOnRecord(since: began)
            if beats {
                if !isKept { await tellAtOnce(error) }
                await tell(.failure, saying: explain(error).description)
            }
            throw error
        }
    }

    /// Looks how things stand, says what is news, sends what is due, writes the numbers down.
    ///
    /// - Returns: as ``look(sending:)``.
    @discardableResult
    func look() async -> Bool {
        await look { try await deliver() }
    }

    /// The same, with a way of sending of the caller's own.
    ///
    /// - Returns: whether all that is news could be put into the outbox, and the outbox be looked at.
    @discardableResult
    func look(sending send: () async throws -> Void) async -> Bool {
        let isHome = isHome
        let isPut = await warning("how things stand") { if isHome { try put(newsFrom: standing()) } }
        let isSent = await warning("messages", send)
        await warning("numbers") { if isHome { try writeNumbers(Standing(of: site)) } }
        return isPut && isSent
    }

    /// Whether this host backs up: a machine that only holds copies has no news of its own. One whose state is lost has.
    private var isHome: Bool {
        let hasID = (try? site.state.knownHostID()) ?? nil != nil
        return hasID || RunRecords(site.state).latest().contains { $0.command == "backup" }
    }

    /// How things stand; where the backup directory cannot be read, that is what somebody has to hear of.
    private func standing() -> Standing {
        do {
            return try Standing(of: site)
        } catch {
            composition.console.show(.warning("After the run, how things stand: \(explain(error))"))
            return Standing(blindlyOf: site)
        }
    }

    private func put(newsFrom standing: Standing) throws {
        guard !composition.destinations.channels.isEmpty else { return }
        var bulletin = site.state.bulletin()
        let former = bulletin
        let (host, outbox) = ((try? site.state.knownHostID()) ?? "", composition.outbox)
        for news in bulletin.news(from: standing) { try outbox.put(Notice(news, host: host, at: standing.now)) }
        // Only now: after a crash in between, the outbox knows them by their ids.
        if bulletin != former { try site.state.keep(bulletin) }
    }

    private func deliver() async throws {
        for delivery in try await composition.outbox.deliver() {
            guard case .delivered = delivery.answer else {
                let again = delivery.isDead ? "not tried any more" : "tried again later"
                composition.console.show(
                    .warning("Not delivered, \(again) (\(delivery.kind) \(delivery.channel)): \(delivery.answer.words)")
                )
                continue
            }
            composition.console.show(.line("told \(delivery.kind) \(delivery.channel): \(delivery.title)"))
        }
    }

    private func writeNumbers(_ standing: Standing) throws {
        guard let file = site.settings.metrics.textfile else { return }
        try Textfile.write(try standing.measurements() + composition.outbox.measurements(), to: file)
    }

    /// Whether a run that began then, in whole seconds, has a record.
    private func isOnRecord(since moment: Timestamp) -> Bool {
        RunRecords(site.state).latest().contains { $0.command == "backup" && $0.moment.seconds >= moment.seconds }
    }

    /// Tells every channel, once, of a failed backup that the state folder could not take: nobody would send it later.
    private func tellAtOnce(_ error: any Error) async {
        let now = site.clock.now()
        let notice = Notice(
            id: "unrecorded-\(now.format("%Y-%m-%dT%H%M%SZ"))", kind: .failed, key: "holdfast-unrecorded-backup",
            host: hostName(), moment: now, title: "Backup failed, and could not be put on record",
            summary: "The state folder \(site.state.path) cannot be written: this is sent once, and not kept.",
            since: now, wrong: [.init(subject: "this run", text: explain(error).description)], good: [],
            next: "holdfast check && holdfast backup")
        for channel in composition.destinations.channels {
            await warning("a message to \(channel.label)") {
                guard case .delivered = try await channel.attempt(notice) else {
                    return composition.console.show(.warning("Not delivered, and not kept: \(channel.label)"))
                }
            }
        }
    }

    /// All heartbeats at once, so that dead ones hold the run up no longer than one does.
    private func tell(_ beat: Heartbeat.Beat, saying text: String = "") async {
        await withTaskGroup { group in
            for heartbeat in composition.destinations.heartbeats {
                group.addTask { await tell(heartbeat, beat, saying: text) }
            }
        }
    }

    private func tell(_ heartbeat: Heartbeat, _ beat: Heartbeat.Beat, saying text: String) async {
        await warning("the heartbeat \(heartbeat.name)") {
            let answer = try await heartbeat.tell(beat, saying: text)
            guard case .delivered = answer else {
                return composition.console.show(.warning("The heartbeat \(heartbeat.name): \(answer.words)"))
            }
        }
    }

    /// - Returns: whether `body` went well.
    @discardableResult
    private func warning(_ what: String, _ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            return true
        } catch {
            composition.console.show(.warning("After the run, \(what): \(explain(error))"))
            return false
        }
    }
}

extension Notice {
    /// News as a message of this host.
    fileprivate init(_ news: News, host: String, at moment: Timestamp) {
        let kind: Notice.Kind =
            switch news.kind {
            case .failed: .failed
            case .incomplete: .incomplete
            case .stale: .stale
            case .recovered: .recovered
            }
        self.init(
            id: news.id, kind: kind, key: "holdfast-\(host)-\(news.about)", host: hostName(), moment: moment,
            title: news.title, summary: news.summary, since: news.since,
            wrong: news.wrong.map { Part(subject: $0.subject, text: $0.text) },
            good: news.good.map { Part(subject: $0.subject, text: $0.text) }, next: news.next)
    }
}

extension Outbox {
    fileprivate func measurements() throws -> [Measurement] {
        let waiting = try waiting()
        let dead = waiting.filter { $0.isDead || !$0.isKnown }.count
        return [
            Measurement("holdfast_messages_waiting", "Messages not delivered yet.", [], Double(waiting.count - dead)),
            Measurement("holdfast_messages_dead", "Messages nobody tries to deliver any more.", [], Double(dead)),
        ]
    }
}
