internal import Machine
internal import PromQL
internal import TimeSeries

/// `status/…`.
extension Endpoints {
    /// The version of the API, by which clients decide what they may ask.
    private static let apiVersion = "3.5.0"
    /// What counts as recent for the statistics. Milliseconds.
    private static let recent: Int64 = 7_200_000

    func configuration(_ call: Call) async -> Reply {
        let yaml = await watched.configuration()
        return .success { text in
            text.raw("{")
            text.member("yaml", yaml)
            text.raw("}")
        }
    }

    func buildInformation(_ call: Call) -> Reply {
        .success { text in
            text.raw("{")
            text.member("version", Self.apiVersion)
            text.member("revision", "holdfast-\(facts.version)")
            for name in ["branch", "buildUser", "buildDate", "goVersion"] { text.member(name, "") }
            text.raw("}")
        }
    }

    func runtimeInformation(_ call: Call) -> Reply {
        let store = watched.store
        return .success { text in
            text.raw("{")
            text.member("startTime", rfc3339(facts.started))
            text.member("CWD", "")
            text.member("hostname", hostName())
            text.member("serverTime", rfc3339(now))
            text.member("reloadConfigSuccess", true)
            text.member("lastConfigTime", rfc3339(facts.started))
            text.member("corruptionCount", store.condition.damage.count)
            text.member("goroutineCount", OwnProcess.threads)
            text.member("GOMAXPROCS", availableCores())
            text.member("GOMEMLIMIT", 0)
            text.member("GOGC", "")
            text.member("GODEBUG", "")
            text.member("storageRetention", Self.retention(store.limits))
            text.raw("}")
        }
    }

    func flags(_ call: Call) -> Reply {
        let flags = [
            ("query.lookback-delta", DurationText.text(options.lookback)),
            ("query.max-concurrency", "\(limits.queries)"),
            ("query.max-samples", "\(options.limits.samples)"),
            ("query.timeout", DurationText.text(Int64(options.limits.time / .milliseconds(1)))),
            ("storage.tsdb.retention.size", "\(watched.store.limits.size?.bytes ?? 0)B"),
            ("storage.tsdb.retention.time", "\(watched.store.limits.days)d"),
            ("web.enable-lifecycle", "\(facts.hasToken)"),
            ("web.listen-address", facts.listen),
            ("web.max-connections", "\(limits.connections)"),
        ]
        return .success { text in
            text.raw("{")
            for (name, value) in flags { text.member(name, value) }
            text.raw("}")
        }
    }

    private static func retention(_ limits: TimeSeriesStore.Limits) -> String {
        let days = "\(limits.days)d"
        return limits.size.map { "\(days) or \($0)" } ?? days
    }

    /// There is nothing to be replayed: the store has read all when the interface comes up.
    func replay(_ call: Call) -> Reply { .success { $0.raw("{\"min\":0,\"max\":0,\"current\":0}") } }

    func storeStatistics(_ call: Call) async throws -> Reply {
        let limit = try call.form.number("limit") ?? 10
        guard limit > 0 else { throw APIError(.badData, "limit must be a positive number") }
        let (store, range) = (watched.store, now - Self.recent...now)
        let statistics = try await gate.pass {
            try await onThread("tsdb") { _ in
                SeriesStatistics(try store.select([], in: range, limits: SelectionLimits(series: .max)).series)
            }
        }
        return .success { text in
            text.raw("{\"headStats\":{")
            text.member("numSeries", store.seriesCount)
            text.member("numLabelPairs", statistics.pairs.count)
            text.member("chunkCount", 0)
            text.member("minTime", range.lowerBound)
            text.member("maxTime", range.upperBound)
            text.raw("}")
            text.ranking("seriesCountByMetricName", statistics.metrics, limit)
            text.ranking("labelValueCountByLabelName", statistics.values, limit)
            text.ranking("memoryInBytesByLabelName", statistics.bytes, limit)
            text.ranking("seriesCountByLabelValuePair", statistics.pairs, limit)
            text.raw("}")
        }
    }
}

/// Where the series come from.
private struct SeriesStatistics: Sendable {
    /// Series by metric, and by `label=value`.
    private(set) var metrics: [String: Int] = [:]
    private(set) var pairs: [String: Int] = [:]
    /// By label how many values there are, and how many bytes these have.
    private(set) var values: [String: Int] = [:]
    private(set) var bytes: [String: Int] = [:]

    init(_ series: [SelectedSeries]) {
        for series in series {
            for label in series.labels {
                if label.name == Labels.metricName { metrics[label.value, default: 0] += 1 }
                let count = pairs["\(label.name)=\(label.value)", default: 0]
                pairs["\(label.name)=\(label.value)"] = count + 1
                if count == 0 {
                    values[label.name, default: 0] += 1
                    bytes[label.name, default: 0] += label.value.utf8.count
                }
            }
        }
    }
}

extension ReplyText {
    /// The highest first.
    fileprivate mutating func ranking(_ name: String, _ numbers: [String: Int], _ limit: Int) {
        key(name)
        raw("[")
        for (name, number) in numbers.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }).prefix(limit) {
            comma()
            raw("{")
            member("name", name)
            member("value", number)
            raw("}")
        }
        raw("]")
    }
}
