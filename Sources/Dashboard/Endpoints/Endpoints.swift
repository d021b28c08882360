internal import Machine
internal import PromQL
internal import TimeSeries

/// One request, as the endpoints see it.
struct Call: Sendable {
    /// Percent-encoded, as it came.
    let path: String
    let form: FormValues
    /// What an import brings.
    let body: [UInt8]
    /// The `Accept` header.
    let accept: String
    let hangUp: HangUp
}

/// What can be asked under one path.
struct Endpoint: Sendable {
    /// What it counts as on `/metrics`.
    let name: String
    var methods: Set<String> = ["GET"]
    var changesState = false
    /// Whether the body is taken as it is, and not as a form.
    var takesFile = false
    let answer: @Sendable (Call) async throws -> Reply
}

/// All that can be asked.
struct Endpoints: Sendable {
    let watched: any Watched
    let options: Engine.Options
    let limits: DashboardLimits
    let clock: any WallClock
    let facts: ServerFacts
    let gate: QueryGate
    let counters = Counters()
    /// Reads the secrets anew.
    let renewAccess: @Sendable () throws -> Void

    init(
        _ watched: any Watched, _ options: Engine.Options, _ limits: DashboardLimits, _ clock: any WallClock,
        _ facts: ServerFacts, renewAccess: @escaping @Sendable () throws -> Void
    ) {
        self.watched = watched
        self.options = options
        self.limits = limits
        self.clock = clock
        self.facts = facts
        self.renewAccess = renewAccess
        gate = QueryGate(limits.queries)
    }

    /// Milliseconds since 1970.
    var now: Int64 {
        let now = clock.now()
        return now.seconds * 1000 + Int64(now.nanoseconds) / 1_000_000
    }

    /// The endpoint of a path; nil when there is none.
    func endpoint(of path: String) -> Endpoint? {
        if path.hasPrefix("/api/v1/label/"), path.hasSuffix("/values") {
            return Endpoint(name: "/api/v1/label/:name/values", answer: labelValues)
        }
        return switch path {
        case "/api/v1/query": asked(path, query)
        case "/api/v1/query_range": asked(path, queryRange)
        case "/api/v1/query_exemplars": asked(path, queryExemplars)
        case "/api/v1/format_query": asked(path, formatQuery)
        case "/api/v1/series": asked(path, series)
        case "/api/v1/labels": asked(path, labelNames)
        case "/api/v1/metadata": Endpoint(name: path, answer: metadata)
        case "/api/v1/targets": Endpoint(name: path, answer: targets)
        case "/api/v1/targets/metadata": Endpoint(name: path, answer: targetMetadata)
        case "/api/v1/scrape_pools": Endpoint(name: path, answer: scrapePools)
        case "/api/v1/alertmanagers": Endpoint(name: path, answer: alertmanagers)
        case "/api/v1/rules": Endpoint(name: path, answer: rules)
        case "/api/v1/alerts": Endpoint(name: path, answer: alerts)
        case "/api/v1/notifications": Endpoint(name: path, answer: notifications)
        case "/api/v1/status/config": Endpoint(name: path, answer: configuration)
        case "/api/v1/status/runtimeinfo": Endpoint(name: path, answer: runtimeInformation)
        case "/api/v1/status/buildinfo": Endpoint(name: path, answer: buildInformation)
        case "/api/v1/status/flags": Endpoint(name: path, answer: flags)
        case "/api/v1/status/tsdb": Endpoint(name: path, answer: storeStatistics)
        case "/api/v1/status/walreplay": Endpoint(name: path, answer: replay)
        case "/api/v1/import/openmetrics":
            Endpoint(name: path, methods: ["POST"], changesState: true, takesFile: true, answer: importOpenMetrics)
        case "/api/v1/export/openmetrics": Endpoint(name: path, answer: exportOpenMetrics)
        case "/federate": Endpoint(name: path, answer: federate)
        case "/metrics": Endpoint(name: path, answer: ownMetrics)
        case "/-/healthy", "/-/ready": Endpoint(name: path, methods: ["GET", "HEAD"], answer: healthy)
        case "/-/reload": Endpoint(name: path, methods: ["POST"], changesState: true, answer: reload)
        case "/": Endpoint(name: path, answer: root)
        default: nil
        }
    }

    private func asked(_ name: String, _ answer: @escaping @Sendable (Call) async throws -> Reply) -> Endpoint {
        Endpoint(name: name, methods: ["GET", "POST"], answer: answer)
    }

    /// What the store says of itself, without the folder that it lies in.
    func withoutPaths(_ texts: [String]) -> [String] {
        let folder = watched.store.folder
        return texts.map { $0.split(separator: "\(folder)/", omittingEmptySubsequences: false).joined() }
    }

    private func root(_ call: Call) -> Reply { .text("holdfast \(facts.version): the API is below /api/v1/.") }

    private func healthy(_ call: Call) -> Reply {
        .text("holdfast is \(call.path == "/-/ready" ? "ready" : "healthy").")
    }

    private func reload(_ call: Call) async throws -> Reply {
        do {
            try renewAccess()
            try await watched.reload()
            return Reply(contentType: Reply.plain)
        } catch {
            return .text("failed to reload config: \(explain(error).what)", status: 500)
        }
    }
}

/// What the interface tells of the process.
struct ServerFacts: Sendable {
    let version: String
    let listen: String
    /// Milliseconds since 1970.
    let started: Int64
    /// Whether something can be changed through the interface.
    let hasToken: Bool
}
