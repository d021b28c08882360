import Alerting
import Machine
import Settings
import Synchronization

/// A channel that keeps what it gets, and answers as it is told.
final class FakeChannel: Channel {
    let kind = "fake"
    let name: String
    private let sent = Mutex<[Notice]>([])
    private let answers = Mutex<[Answer]>([])

    init(_ name: String = "one") { self.name = name }

    /// The ids that it got so far, however it answered.
    var ids: [String] { sent.withLock { $0.map(\.id) } }

    /// What it says next; when there is nothing left: that it was delivered.
    func answer(_ next: Answer...) { answers.withLock { $0 += next } }

    func send(_ notice: Notice) async throws -> Answer {
        sent.withLock { $0.append(notice) }
        return answers.withLock { $0.isEmpty ? .delivered("ok") : $0.removeFirst() }
    }
}

/// A clock that a test sets.
final class FakeClock: WallClock {
    private let moment = Mutex(Timestamp(seconds: 1_795_312_800))

    func now() -> Timestamp { moment.withLock { $0 } }
    func advance(_ seconds: Int64) { moment.withLock { $0 = $0.advanced(by: seconds) } }
}

/// A notice as a night would bring it.
func notice(
    _ id: String = "2026-11-22T020000Z-backup.failed", _ kind: Notice.Kind = .failed, key: String = "backup",
    _ change: (inout Notice) -> Void = { _ in }
) -> Notice {
    let moment = Timestamp(seconds: 1_795_312_800)
    var notice = Notice(
        id: id, kind: kind, key: key, host: "inlock", moment: moment, title: "Backup failed: 1 of 4 items",
        summary: "The run of 02:00 saved 3 of 4 items.", since: moment.advanced(by: -90_000),
        wrong: [
            .init(subject: "volume.n8n_data", text: "Could not write: No space left on device.\n→ Free some space.")
        ],
        good: [.init(subject: "volume.web_data", text: "whole in 2026-11-22T020000Z, 0.4 s ago")],
        next: "holdfast backup volumes n8n_data")
    change(&notice)
    return notice
}

/// One that breaks every limit there is, in characters that count more than once, with all signs that mean something to
/// somebody.
func hugeNotice(_ kind: Notice.Kind = .failed) -> Notice {
    let long = String(repeating: "Ä🧨 ```<script>&amp;*_~|[x](y)@everyone\t", count: 120)
    return notice("huge", kind) { notice in
        notice.key = String(repeating: "ü", count: 127)
        notice.host = "höst" + String(repeating: "é", count: 300)
        notice.title = long
        notice.summary = long
        notice.wrong = (0..<60).map { .init(subject: "volume.\($0)\(long.prefix(300))", text: long + "\n" + long) }
        notice.good = notice.wrong
        notice.next = long
    }
}

/// The one channel of an entry of `notify`.
func channel(_ kind: Settings.Channel.Kind, environment: [String: String] = [:]) throws -> any Channel {
    let made = Destinations([.init(name: "test", kind: kind)], environment: environment).channels
    precondition(made.count == 1, "BUG: not one channel")
    return made[0]
}
