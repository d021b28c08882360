internal import Machine
internal import PromQL
internal import TimeSeries

/// `query`, `query_range` and what else takes an expression.
extension Endpoints {
    /// The most points that one series of an answer may have, as in Prometheus.
    private static let maximumPoints: Int64 = 11_000

    func query(_ call: Call) async throws -> Reply {
        let limit = try call.form.limit()
        let time = try call.form.time("time", missing: now)
        return try await answer(call, limit) { engine, query, store, isCancelled in
            try engine.instant(query, at: time, from: store, isCancelled: isCancelled)
        }
    }

    func queryRange(_ call: Call) async throws -> Reply {
        let limit = try call.form.limit()
        let start = try call.form.requiredTime("start")
        let end = try call.form.requiredTime("end")
        guard start <= end else { throw APIError.parameter("end", "end timestamp must not be before start time") }
        let step = try call.form.requiredDuration("step")
        guard step > 0 else {
            throw APIError.parameter(
                "step",
                "zero or negative query resolution step widths are not accepted. Try a positive integer")
        }
        guard Double(end) - Double(start) < Double(step) * Double(Self.maximumPoints + 1) else {
            throw APIError(
                .badData,
                "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
            )
        }
        return try await answer(call, limit, admitting: [.scalar, .instantVector]) {
            engine, query, store, isCancelled in
            try engine.range(query, over: start...end, step: step, from: store, isCancelled: isCancelled)
        }
    }

    /// Nothing keeps exemplars: the answer to a right question is empty.
    func queryExemplars(_ call: Call) throws -> Reply {
        let (start, end) = (
            try call.form.time("start", missing: .min), try call.form.time("end", missing: .max)
        )
        guard start <= end else {
            throw APIError(.badData, "end timestamp must not be before start timestamp")
        }
        _ = try call.form.namelessQuery(Engine(options: options))
        return .success { $0.raw("[]") }
    }

    /// The expression as it came: it is looked at, not laid out anew.
    func formatQuery(_ call: Call) throws -> Reply {
        let query = try call.form.query(Engine(options: options))
        return .success { $0.string(query.text) }
    }

    /// Runs a query on a thread of its own, within its time and as long as somebody waits.
    private func answer(
        _ call: Call, _ limit: Int?, admitting types: [ValueType]? = nil,
        _ run: @escaping @Sendable (Engine, Query, TimeSeriesStore, @escaping () -> Bool) throws -> Answer
    ) async throws -> Reply {
        var options = options
        if let timeout = try call.form.duration("timeout") {
            options.limits.time = min(options.limits.time, .milliseconds(timeout))
        }
        if let lookback = try call.form.lookback(), lookback > 0 { options.lookback = lookback }
        let query = try call.form.query(Engine(options: options))
        let type = query.expression.type
        guard types?.contains(type) ?? true else {
            throw APIError.parameter(
                "query",
                "invalid expression type \(goQuoted(type.rawValue)) for range query, must be Scalar or instant Vector")
        }
        let began = monotonicSeconds()
        let time = Double(options.limits.time / .milliseconds(1)) / 1000
        guard time > 0 else { throw APIError(.timeout, "query timed out in expression evaluation") }
        let (store, hangUp, settings) = (watched.store, call.hangUp, options)
        let (answer, waited) = try await withDeadline(time) {
            try await gate.pass {
                let waited = monotonicSeconds() - began
                let answer = try await onThread("query") { signal in
                    var options = settings
                    options.limits.time -= .milliseconds(Int64(waited * 1000))
                    return try run(Engine(options: options), query, store) {
                        hangUp.hasHappened || (try? signal.check()) == nil
                    }
                }
                return (answer, waited)
            }
        } late: {
            APIError(.timeout, "query timed out in expression evaluation")
        }
        let seconds = monotonicSeconds() - began
        counters.countQuery(seconds: seconds, waited: waited)
        return reply(answer, limit, stats: call.form["stats"].isEmpty ? nil : (waited, seconds))
    }

    private func reply(_ answer: Answer, _ limit: Int?, stats: (waited: Double, total: Double)?) -> Reply {
        var warnings = withoutPaths(answer.annotations.texts(.warning))
        let infos = answer.annotations.texts(.info)
        func list<Element: Sendable>(
            _ type: String, _ elements: [Element], _ write: @escaping @Sendable (Element, inout ReplyText) -> Void
        ) -> Reply {
            let count = min(elements.count, limit ?? .max)
            if count < elements.count { warnings.append("results truncated due to limit") }
            return .list(
                opening: "{\"resultType\":\"\(type)\",\"result\":[", count: count, warnings: warnings, infos: infos,
                closing: "]\(text(stats))}"
            ) { write(elements[$0], &$1) }
        }
        func single(_ type: String, _ write: (inout ReplyText) -> Void) -> Reply {
            .success(warnings: warnings, infos: infos) { reply in
                reply.raw("{\"resultType\":\"\(type)\",\"result\":")
                write(&reply)
                reply.raw("\(text(stats))}")
            }
        }
        switch answer.value {
        case .scalar(let sample): return single("scalar") { $0.sample(sample) }
        case .string(let text, let time):
            return single("string") { reply in
                reply.raw("[")
                reply.time(time)
                reply.raw(",")
                reply.string(text)
                reply.raw("]")
            }
        case .vector(let elements):
            return list("vector", elements) { element, reply in
                reply.raw("{\"metric\":")
                reply.labels(element.labels)
                reply.raw(",\"value\":")
                reply.sample(element.sample)
                reply.raw("}")
            }
        case .matrix(let series):
            return list("matrix", series) { series, reply in
                reply.raw("{\"metric\":")
                reply.labels(series.labels)
                reply.raw(",\"values\":[")
                for (index, sample) in series.floats.enumerated() {
                    if index > 0 { reply.raw(",") }
                    reply.sample(sample)
                }
                reply.raw("]}")
            }
        }
    }

    /// What `stats` asks for, as far as it is known.
    private func text(_ stats: (waited: Double, total: Double)?) -> String {
        guard let stats else { return "" }
        let (waited, total) = (FloatText.json(stats.waited), FloatText.json(stats.total))
        let evaluated = FloatText.json(stats.total - stats.waited)
        return """
            ,"stats":{"timings":{"evalTotalTime":\(evaluated),"resultSortTime":0,"queryPreparationTime":0,\
            "innerEvalTime":\(evaluated),"execQueueTime":\(waited),"execTotalTime":\(total)}}
            """
    }
}
