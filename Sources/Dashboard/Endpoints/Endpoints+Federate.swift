internal import Exposition
internal import Machine
internal import PromQL
internal import TimeSeries

/// `/federate`: the current value of each series that was asked for, as an exposition.
extension Endpoints {
    /// How many series are written at once.
    private static let seriesInPiece = 512

    func federate(_ call: Call) async -> Reply {
        do {
            return try await federated(call)
        } catch {
            let error = APIError(error)
            return .text(error.message, status: error.kind == .execution ? 500 : error.status)
        }
    }

    private func federated(_ call: Call) async throws -> Reply {
        let selectors = try call.form.all("match[]").isEmpty ? [] : call.form.matchers(limits)
        let external = await watched.externalLabels()
        let (store, now, lookback) = (watched.store, now, options.lookback)
        let current = try await gate.pass {
            try await onThread("federate") { signal in
                try Self.current(selectors, store, now - lookback...now, signal)
            }
        }
        var labels = external.map { ($0.name, $0.value) }
        if external["instance"] == nil { labels.append(("instance", "")) }
        let added = labels.sorted { $0.0 < $1.0 }
        let format = ExpositionFormat(accepting: call.accept)
        var reply = Reply(contentType: format.contentType)
        reply.count = (current.count + Self.seriesInPiece - 1) / Self.seriesInPiece
        reply.piece = { piece, text in
            var writer = ExpositionWriter(format)
            for index in piece * Self.seriesInPiece..<min((piece + 1) * Self.seriesInPiece, current.count) {
                let (series, sample) = current[index]
                guard let name = series.metricName else { continue }
                if index == 0 || current[index - 1].labels.metricName != name { writer.family(name, .unknown) }
                let own = series.withoutMetricName.map { (name: $0.name, value: $0.value) }
                let all = own + added.filter { series[$0.0] == nil }.map { (name: $0.0, value: $0.1) }
                writer.sample(name, all, sample.value, time: sample.time)
            }
            text.bytes += writer.takeWritten()
        }
        reply.tail.bytes = ExpositionWriter(format).finish()
        return reply
    }

    /// The newest sample of each series, by metric; a series that has ended is left out.
    private static func current(
        _ selectors: [[Matcher]], _ store: TimeSeriesStore, _ range: ClosedRange<Int64>, _ signal: StopSignal
    ) throws -> [(labels: Labels, sample: Sample)] {
        var newest: [Labels: Sample] = [:]
        var samples: [Sample] = []
        for matchers in selectors {
            for series in try store.select(matchers, in: range).series where newest[series.labels] == nil {
                try signal.check()
                // Of a damaged series counts what is whole.
                try? series.decode(into: &samples)
                if let last = samples.last, !last.isStale { newest[series.labels] = last }
            }
        }
        let named = newest.map { (name: $0.key.metricName ?? "", labels: $0.key, sample: $0.value) }
        return named.sorted { ($0.name, $0.labels) < ($1.name, $1.labels) }.map { ($0.labels, $0.sample) }
    }
}

extension ExpositionFormat {
    /// What an `Accept` header asks for: OpenMetrics where it is named, otherwise the text format.
    init(accepting header: String) {
        self = header.lowercased().contains("application/openmetrics-text") ? .openMetrics : .text
    }
}
