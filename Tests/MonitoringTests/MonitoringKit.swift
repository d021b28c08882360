import Glibc
import HTTPClient
import Machine
import Monitoring
import Settings
import Synchronization
import TestKit
import TimeSeries

/// 2026-11-25T00:00:00Z in milliseconds.
let midnight: Int64 = 1_795_564_800_000
let minute: Int64 = 60_000

extension TimeSeriesStore {
    /// All samples of the series of this name, by labels without it.
    func samples(of name: String) throws -> [Labels: [Sample]] {
        let series = try select([Matcher("__name__", name)], in: 0...Int64.max / 2).series
        return try Dictionary(
            series.map { ($0.labels.withoutMetricName, try $0.samples()) }.filter { !$0.1.isEmpty }
        ) { $0 + $1 }
    }

    /// The values of all samples of a series.
    func values(_ name: String, _ labels: [String: String] = [:]) throws -> [Double] {
        let wanted = Labels(labels.map { Label(name: $0.key, value: $0.value) })
        return try samples(of: name)[wanted]?.map(\.value) ?? []
    }

    /// The same, and `s` for stale markers.
    func text(_ name: String, _ labels: [String: String] = [:]) throws -> String {
        try values(name, labels).map { $0.isStaleMarker ? "s" : "\(Int($0))" }.joined(separator: " ")
    }
}

extension Monitor {
    /// Whether there are targets, and all of them are in such a state.
    func areAll(_ condition: (TargetStatus.Health) -> Bool) async -> Bool {
        let active = await targets().active
        return !active.isEmpty && active.allSatisfy { condition($0.health) }
    }
}

/// A store that is there for one test.
func withStore(
    isolation: isolated (any Actor)? = #isolation, _ body: (TimeSeriesStore) async throws -> Void
) async throws {
    try await withTemporaryFolder { folder in
        try await body(try TimeSeriesStore(folder + "/metrics", now: midnight))
    }
}

/// What a monitor said.
final class Talk: Sendable {
    private let said = Mutex<[String]>([])

    var lines: [String] { said.withLock { $0 } }

    func say(_ line: String) { said.withLock { $0.append(line) } }
}

/// Runs a monitor over a `prometheus.yml` whose text may be changed meanwhile.
func withMonitor(
    _ text: String, talk: Talk = Talk(), isolation: isolated (any Actor)? = #isolation,
    _ body: @Sendable (Monitor, _ change: @escaping @Sendable (String) -> Void) async throws -> Void
) async throws {
    try await withTemporaryFolder { folder in
        let current = SharedText(text)
        let store = try TimeSeriesStore(folder + "/metrics", now: SystemClock().now().milliseconds)
        let monitor = try Monitor(into: store, host: "test") {
            Monitor.Plan(
                try PrometheusSettings.parse(
                    current.text, file: "\(folder)/prometheus.yml", environment: [:], words: .promQL))
        } report: {
            talk.say($0)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await monitor.run() }
            try await body(monitor) { current.text = $0 }
            group.cancelAll()
        }
    }
}

final class SharedText: Sendable {
    private let content: Mutex<String>

    init(_ text: String) { content = Mutex(text) }

    var text: String {
        get { content.withLock { $0 } }
        set { content.withLock { $0 = newValue } }
    }
}

/// Waits for something that comes about; the limit is there for what never does.
func eventually(
    _ what: String, isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async throws {
    let end = monotonicSeconds() + 30
    while try await !condition() {
        guard monotonicSeconds() < end else { throw TestKitError(description: "never came about: \(what)") }
        try await Task.sleep(for: .milliseconds(50))
    }
}

func write(_ text: String, to path: String) throws {
    let temporary = path + ".new"
    let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    try file.write(text)
    try file.close()
    guard rename(temporary, path) == 0 else { throw MachineError.call("rename", path) }
}

func unlinkFile(_ path: String) throws {
    guard unlink(path) == 0 else { throw MachineError.call("remove", path) }
}
