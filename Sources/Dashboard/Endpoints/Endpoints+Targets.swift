internal import Exposition
internal import Machine
internal import Monitoring
internal import PromQL
internal import TimeSeries

/// What is scraped, and what the targets say of their metrics.
extension Endpoints {
    func targets(_ call: Call) async -> Reply {
        let state = call.form["state"].lowercased()
        let pool = call.form["scrapePool"]
        let status = await watched.targets()
        let isWanted = { (name: String) in pool.isEmpty || name == pool }
        let showsAll = state.isEmpty || state == "any"
        let active = showsAll || state == "active" ? status.active.filter { isWanted($0.pool) } : []
        let showsDropped = showsAll || state == "dropped"
        let dropped = showsDropped ? status.dropped.filter { isWanted($0.pool) } : []
        let ordered = active.sorted { ($0.pool, $0.labels) < ($1.pool, $1.labels) }
        var counts = Dictionary(status.active.map { ($0.pool, 0) }) { $1 }
        for (pool, _) in status.dropped { counts[pool, default: 0] += 1 }
        return .success { text in
            text.raw("{\"activeTargets\":[")
            for target in ordered {
                text.comma()
                text.target(target)
            }
            text.raw("],\"droppedTargets\":[")
            for (pool, labels) in dropped {
                text.comma()
                text.raw("{")
                text.member("discoveredLabels", labels)
                text.member("scrapePool", pool)
                text.raw("}")
            }
            text.raw("],\"droppedTargetCounts\":")
            guard showsDropped else { return text.raw("null}") }
            text.raw("{")
            for (pool, count) in counts.sorted(by: { $0.key < $1.key }) { text.member(pool, count) }
            text.raw("}}")
        }
    }

    func scrapePools(_ call: Call) async -> Reply {
        let status = await watched.targets()
        let pools = Set(status.active.map(\.pool) + status.dropped.map(\.pool)).sorted()
        return .success { text in
            text.raw("{\"scrapePools\":")
            text.strings(pools)
            text.raw("}")
        }
    }

    func targetMetadata(_ call: Call) async throws -> Reply {
        let limit = try call.form.number("limit") ?? -1
        let selector = call.form["match_target"]
        let matchers: [Matcher]
        do {
            matchers = selector.isEmpty ? [] : try Expression.matchers(of: selector)
        } catch {
            throw APIError.parameter("match_target", APIError.words(error, in: selector))
        }
        let metric = call.form["metric"]
        let found = await watched.metadata().filter { entry in
            entry.target.satisfy(matchers) && (metric.isEmpty || entry.metadata.family == metric)
        }
        let count = limit >= 0 ? min(limit, found.count) : found.count
        return .list(count: count) { index, text in
            text.raw("{")
            text.member("target", found[index].target)
            if metric.isEmpty { text.member("metric", found[index].metadata.family) }
            text.description(of: found[index].metadata)
            text.raw("}")
        }
    }

    func metadata(_ call: Call) async throws -> Reply {
        let limit = try call.form.number("limit") ?? -1
        let perMetric = try call.form.number("limit_per_metric") ?? -1
        let metric = call.form["metric"]
        var families: [String: [MetricMetadata]] = [:]
        for (_, metadata) in await watched.metadata() where metric.isEmpty || metadata.family == metric {
            let known = families[metadata.family] ?? []
            if known.contains(metadata) || perMetric > 0 && known.count >= perMetric { continue }
            families[metadata.family] = known + [metadata]
        }
        let ordered = families.sorted { $0.key < $1.key }
        let count = limit >= 0 ? min(limit, ordered.count) : ordered.count
        return .list(opening: "{", count: count, closing: "}") { index, text in
            text.string(ordered[index].key)
            text.raw(":[")
            for metadata in ordered[index].value {
                text.comma()
                text.raw("{")
                text.description(of: metadata)
                text.raw("}")
            }
            text.raw("]")
        }
    }

    /// Alerts are not sent to Alertmanagers from here.
    func alertmanagers(_ call: Call) -> Reply {
        .success { $0.raw("{\"activeAlertmanagers\":[],\"droppedAlertmanagers\":[]}") }
    }

    func notifications(_ call: Call) -> Reply { .success { $0.raw("[]") } }
}

extension ReplyText {
    fileprivate mutating func target(_ target: TargetStatus) {
        raw("{")
        member("discoveredLabels", target.discovered)
        member("labels", target.labels)
        member("scrapePool", target.pool)
        member("scrapeUrl", target.url)
        member("globalUrl", target.url)
        member("lastError", target.lastError)
        member("lastScrape", rfc3339(target.lastScrape))
        member("lastScrapeDuration", seconds: target.lastDuration)
        member("health", target.health.rawValue)
        member("scrapeInterval", DurationText.text(target.interval))
        member("scrapeTimeout", DurationText.text(target.timeout))
        raw("}")
    }

    fileprivate mutating func description(of metadata: MetricMetadata) {
        member("type", metadata.kind.rawValue)
        member("help", metadata.help)
        member("unit", metadata.unit)
    }
}
