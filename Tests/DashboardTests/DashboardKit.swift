import Dashboard
import Exposition
import Foundation
import HTTPClient
import Machine
import Monitoring
import PromQL
import Synchronization
import TestKit
import TimeSeries

/// A monitor that scrapes nothing: what it has is what a test says.
final class ScriptedMonitor: Watched {
    struct State: Sendable {
        var targets = TargetsStatus()
        var metadata: [(target: Labels, metadata: MetricMetadata)] = []
        var groups: [RuleGroupStatus] = []
        var externalLabels = Labels()
        var measurements: [Machine.Measurement] = []
        var reloadFailure: (any Error)?
        var reloads = 0
    }

    let store: TimeSeriesStore
    private let state: Mutex<State>

    init(_ store: TimeSeriesStore, _ state: State = State()) {
        self.store = store
        self.state = Mutex(state)
    }

    var reloads: Int { state.withLock { $0.reloads } }

    func targets() async -> TargetsStatus { state.withLock { $0.targets } }
    func metadata() async -> [(target: Labels, metadata: MetricMetadata)] { state.withLock { $0.metadata } }
    func ruleGroups() async -> [RuleGroupStatus] { state.withLock { $0.groups } }
    func configuration() async -> String { "global:\n  scrape_interval: 15s\n" }
    func externalLabels() async -> Labels { state.withLock { $0.externalLabels } }
    func measurements() async -> [Machine.Measurement] { state.withLock { $0.measurements } }
    func reload() async throws {
        let failure = state.withLock { state in
            state.reloads += 1
            return state.reloadFailure
        }
        if let failure { throw failure }
    }
}

/// A clock that stands.
struct StoppedClock: WallClock {
    var moment = Timestamp(seconds: StoppedClock.seconds)
    static let seconds: Int64 = 1_764_110_000

    func now() -> Timestamp { moment }
}

/// A running interface.
struct Service: Sendable {
    let port: Int
    let monitor: ScriptedMonitor
    /// Asks it to end, as the service does.
    let stop: @Sendable () -> Void
    /// How `run` ended; waits for it.
    let ended: @Sendable () async -> Result<Void, any Error>

    var url: String { "http://127.0.0.1:\(port)" }

    func get(_ path: String, headers: [(name: String, value: String)] = []) async throws -> HTTPClient.Response {
        try await HTTPClient().send(.init("GET", url + path, headers: headers))
    }

    func post(
        _ path: String, _ form: String = "", headers: [(name: String, value: String)] = []
    ) async throws -> HTTPClient.Response {
        let type = [(name: "Content-Type", value: "application/x-www-form-urlencoded")]
        return try await HTTPClient().send(.init("POST", url + path, headers: type + headers, body: Array(form.utf8)))
    }

    func text(_ path: String) async throws -> String { String(decoding: try await get(path).body, as: UTF8.self) }
}

/// Runs `body` beside an interface on a port of its own.
///
/// - Parameters:
///   - samples: OpenMetrics, put into the store first.
///   - edit: changes the settings; it gets the folder of the test.
@discardableResult
func withService<Result: Sendable>(
    _ state: ScriptedMonitor.State = .init(), samples: String = "", options: Engine.Options = .init(),
    limits: DashboardLimits = .init(), clock: any WallClock = StoppedClock(),
    edit: (inout DashboardSettings, String) throws -> Void = { _, _ in },
    isolation: isolated (any Actor)? = #isolation, _ body: (Service) async throws -> Result
) async throws -> Result {
    try await withTemporaryFolder { folder in
        let now = clock.now().seconds * 1000
        let store = try TimeSeriesStore("\(folder)/metrics", limits: .init(days: 1000), now: now)
        if !samples.isEmpty {
            var intake = HistoryIntake(into: store, now: now)
            try Array((samples + "# EOF\n").utf8).withUnsafeBufferPointer { try intake.take($0) }
            try intake.finish()
        }
        var settings = DashboardSettings(listen: "127.0.0.1:0")
        try edit(&settings, folder)
        let monitor = ScriptedMonitor(store, state)
        let server = DashboardServer(
            settings, over: monitor, version: "0.0.0", options: options, limits: limits, clock: clock)
        let (ports, announce) = AsyncStream<Int>.makeStream()
        let running = Task {
            defer { announce.finish() }
            try await server.run { announce.yield($0) }
        }
        var port: Int?
        for await announced in ports {
            port = announced
            break
        }
        guard let port else {
            try await running.value
            throw TestKitError(description: "the interface ended without an error")
        }
        let service = Service(
            port: port, monitor: monitor, stop: { running.cancel() }, ended: { await running.result })
        return try await cleaningUp {
            try await body(service)
        } after: {
            running.cancel()
            try await running.value
        }
    }
}

/// Writes a secret as a person would.
func secretFile(_ text: String, in folder: String, _ name: String = "secret", mode: mode_t = 0o600) throws -> String {
    let path = "\(folder)/\(name)"
    try Data("\(text)\n".utf8).write(to: URL(fileURLWithPath: path))
    chmod(path, mode)
    return path
}

/// A connection that a test fills by hand. Its calls block on threads of their own: the pool belongs to the server.
final class RawConnection: Sendable {
    private let raw: Int32

    /// - Parameter buffer: how many bytes the kernel may keep that nobody has heard yet; nil: as many as it likes.
    init(_ port: Int, receiving buffer: Int32? = nil) throws {
        raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var buffer { setsockopt(raw, SOL_SOCKET, SO_RCVBUF, &buffer, socklen_t(MemoryLayout<Int32>.size)) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(raw, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw MachineError.call("connect", "127.0.0.1:\(port)") }
    }

    deinit { close(raw) }

    /// Says all of it, or as much as is taken within ten seconds.
    func say(_ text: String) async throws {
        try await onThread("say") { _ in
            var limit = timeval(tv_sec: 10, tv_usec: 0)
            setsockopt(self.raw, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { send(self.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// Says that nothing more will come.
    func finish() { shutdown(raw, Int32(SHUT_WR)) }

    /// What comes until the other side ends the connection, or until it is enough, at most `seconds`; whether it ended.
    func hear(
        _ seconds: Int = 120, until enough: @escaping @Sendable (String) -> Bool = { _ in false }
    ) async throws -> (text: String, hasEnded: Bool) {
        try await onThread("hear") { _ in
            var limit = timeval(tv_sec: seconds, tv_usec: 0)
            setsockopt(self.raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = recv(self.raw, &buffer, buffer.count, 0)
                if count > 0 { bytes += buffer[..<count] }
                let text = String(decoding: bytes, as: UTF8.self)
                if count == 0 || count < 0 && errno == ECONNRESET { return (text, true) }
                if count < 0 || enough(text) { return (text, false) }
            }
        }
    }

    /// Waits for one whole answer with a length.
    func answer() async throws -> String {
        try await hear { text in
            guard let end = text.range(of: "\r\n\r\n") else { return false }
            let length = text[..<end.lowerBound].range(of: "Content-Length: ").map { text[$0.upperBound...] } ?? ""
            return text[end.upperBound...].utf8.count >= Int(length.prefix { $0.isNumber }) ?? .max
        }.text
    }
}
