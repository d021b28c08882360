import Dashboard
import Glibc
import HTTPClient
import Machine
import PromQL
import Settings
import TimeSeries

/// Where commands find what was measured: at the service that runs, or in the store when none does.
enum MetricsAccess {
    case service(ServiceClient)
    /// Held by us until the command ends: a service that begins meanwhile finds it in use.
    case store(TimeSeriesStore)

    /// Asks at the service's address; where nobody listens, opens the store as the service would.
    ///
    /// - Parameter begins: whether a store that is not there yet is begun.
    /// - Throws: ``MetricsError`` when somebody has the store but does not answer.
    static func find(_ settings: WatchSettings, begins: Bool = false) async throws -> MetricsAccess {
        if let service = try ServiceClient(settings.metrics), try await service.isThere() { return .service(service) }
        let folder = "\(settings.state)/metrics"
        // Whoever may not look gets the store's own words.
        guard begins || access(folder, F_OK) == 0 || errno != ENOENT else { throw MetricsError.nothing(folder) }
        let limits = TimeSeriesStore.Limits(days: settings.metrics.keep, size: settings.metrics.size)
        do {
            return .store(try TimeSeriesStore(folder, limits: limits, now: SystemClock().now().milliseconds))
        } catch let error as TimeSeriesError where error.kind == .inUse {
            throw MetricsError.silent(settings.metrics.listen, folder)
        }
    }
}

/// Why a command about measurements has no result.
struct MetricsError: Explained {
    let code: String
    let what: String
    var place: String?
    var remedy: String?

    static func nothing(_ folder: String) -> MetricsError {
        MetricsError(
            code: "metrics.none", what: "Nothing was measured on this host yet, and no service runs.", place: folder,
            remedy: "Write `metrics: { prometheus: FILE }` into holdfast.yml and start holdfast watch.")
    }

    static func stranger(_ url: String) -> MetricsError {
        MetricsError(
            code: "metrics.stranger", what: "Who answers there is not holdfast.", place: url,
            remedy: "Write an address into metrics.listen that nobody else has, and restart holdfast watch.")
    }

    /// Its interface cannot be asked, and its store is its own while it runs.
    static func silent(_ listen: String?, _ folder: String) -> MetricsError {
        MetricsError(
            code: "metrics.silent",
            what: "holdfast watch runs, but does not answer at metrics.listen (\(listen ?? "none")).", place: folder,
            remedy: "Ask on the address that it was started with, or restart it after changing metrics.listen.")
    }

    static func refused(_ words: String, kind: String) -> MetricsError {
        MetricsError(code: "metrics.\(kind.replacing("_", with: "-"))", what: words)
    }

    static func wrong(_ what: String, remedy: String? = nil) -> MetricsError {
        MetricsError(code: "metrics.argument", what: what, remedy: remedy)
    }
}
