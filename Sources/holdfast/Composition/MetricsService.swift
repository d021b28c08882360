import Dashboard
import Machine
import Monitoring
import Recovery
import Settings
import TimeSeries

/// The half of `watch` that measures: store, monitor, and the interface to both.
struct MetricsService: Sendable {
    private let monitor: Monitor
    private let dashboard: DashboardServer?
    private let report: @Sendable (String) -> Void

    /// Reads `prometheus.yml` and opens the store; nil where nothing is to be measured.
    ///
    /// - Parameter report: is given a line when something is worth telling.
    static func open(
        _ settings: WatchSettings, report: @escaping @Sendable (String) -> Void
    ) async throws -> MetricsService? {
        guard let file = settings.metrics.prometheus else { return nil }
        let variables = environment()
        let monitor = try await onThread("metrics") { _ in
            let read = { @Sendable in
                try Monitor.Plan.read(
                    from: file, environment: variables, url: "http://\(settings.metrics.listen ?? "")/")
            }
            // Before the store, so that a wrong file leaves nothing behind.
            _ = try read()
            _ = try StateFolder(settings.state).open()
            let store = try TimeSeriesStore(
                "\(settings.state)/metrics",
                limits: TimeSeriesStore.Limits(days: settings.metrics.keep, size: settings.metrics.size),
                now: SystemClock().now().milliseconds)
            return try Monitor(into: store, reading: read, report: report)
        }
        return MetricsService(monitor, settings.metrics, report)
    }

    private init(_ monitor: Monitor, _ settings: Settings.Metrics, _ report: @escaping @Sendable (String) -> Void) {
        self.monitor = monitor
        self.report = report
        dashboard = settings.listen.map { listen in
            DashboardServer(
                DashboardSettings(
                    listen: listen, tokenFile: settings.tokenFile,
                    users: settings.users.map { DashboardSettings.User(name: $0.name, passwordFile: $0.passwordFile) },
                    hosts: settings.hosts),
                over: monitor, version: Holdfast.version, report: report)
        }
    }

    /// Measures and answers until the task is cancelled.
    func run() async {
        let (hangups, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        Signals.onHangup { continuation.yield() }
        report("measures \(await monitor.summary)")
        await withDiscardingTaskGroup { group in
            group.addTask { await monitor.run() }
            group.addTask { await serve() }
            for await _ in hangups { await reload() }
        }
    }

    private func reload() async {
        do {
            try await monitor.reload()
            report("prometheus.yml and its rules were read again: \(await monitor.summary)")
        } catch {
            report("! prometheus.yml and its rules cannot be read, and all goes on as before: \(explain(error))")
        }
    }

    /// Serves, again and again: what is measured must not stop because of a port that somebody else has.
    private func serve() async {
        guard let dashboard else { return }
        var problem = ""
        while !Task.isCancelled {
            do {
                try await dashboard.run()
            } catch {
                if Task.isCancelled { return }
                if "\(error)" != problem { report("! \(explain(error))\n  Tried again every 15 s.") }
                problem = "\(error)"
            }
            try? await Task.sleep(for: .seconds(15))
        }
    }
}
