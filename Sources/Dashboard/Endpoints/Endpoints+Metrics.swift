internal import Exposition
internal import Machine
internal import Monitoring
internal import TimeSeries

/// `/metrics`: our own numbers.
extension Endpoints {
    func ownMetrics(_ call: Call) async -> Reply {
        let format = ExpositionFormat(accepting: call.accept)
        var page = MetricsPage(format)
        page.gauge("holdfast_build_info", "Which holdfast runs.", 1, [("version", facts.version)])
        describeProcess(&page)
        describeStore(&page)
        describeRequests(&page)
        describeTargets(await watched.targets(), &page)
        page.add(await watched.measurements())
        var reply = Reply(contentType: format.contentType)
        reply.head.bytes = page.finish()
        return reply
    }

    private func describeProcess(_ page: inout MetricsPage) {
        guard let process = OwnProcess() else { return }
        page.counter(
            "process_cpu_seconds_total", "Time on a processor, by the program and by the kernel for it.",
            process.processorSeconds)
        page.gauge("process_resident_memory_bytes", "Memory in use.", process.residentBytes)
        page.gauge("process_virtual_memory_bytes", "Address space in use.", process.virtualBytes)
        page.gauge("process_start_time_seconds", "When it was started, since 1970.", process.started)
        page.gauge("process_open_fds", "Open descriptors.", Double(process.openDescriptors))
        page.gauge("process_max_fds", "How many descriptors it may have open.", process.maximumDescriptors)
        page.gauge("process_threads", "Threads.", Double(OwnProcess.threads))
    }

    private func describeStore(_ page: inout MetricsPage) {
        let (store, condition) = (watched.store, watched.store.condition)
        page.gauge("holdfast_store_series", "Series that something came for lately.", Double(store.seriesCount))
        page.gauge(
            "holdfast_store_recent_samples", "Samples that are not yet in a day's file.",
            Double(store.recentSampleCount))
        page.gauge("holdfast_store_size_bytes", "Size of all files of the store.", Double(store.size.bytes))
        page.gauge(
            "holdfast_store_unsaved", "Whether samples are in memory only because the disk refuses them.",
            condition.unsavedSince == nil ? 0 : 1)
        page.counter(
            "holdfast_store_lost_samples_total", "Samples that memory had no more room for meanwhile.",
            Double(condition.lostSamples))
        page.gauge("holdfast_store_damage", "What was found damaged since the start.", Double(condition.damage.count))
    }

    private func describeRequests(_ page: inout MetricsPage) {
        let numbers = counters.numbers
        page.family("holdfast_http_requests_total", .counter, "Requests answered.")
        for (requests, count) in numbers.requests.sorted(by: {
            ($0.key.handler, $0.key.status) < ($1.key.handler, $1.key.status)
        }) {
            page.sample([("handler", requests.handler), ("code", "\(requests.status)")], Double(count))
        }
        page.family("holdfast_http_request_seconds_total", .counter, "Time from requests to the ends of their answers.")
        for (handler, seconds) in numbers.seconds.sorted(by: { $0.key < $1.key }) {
            page.sample([("handler", handler)], seconds)
        }
        page.counter(
            "holdfast_http_refused_total", "Requests without the right to what they asked for.", Double(numbers.refused)
        )
        page.counter("holdfast_queries_total", "Queries answered.", Double(numbers.queries))
        page.counter("holdfast_query_seconds_total", "Time that these took.", numbers.querySeconds)
        page.counter(
            "holdfast_query_wait_seconds_total", "Time of it that they waited for others.", numbers.waitedSeconds)
    }

    private func describeTargets(_ status: TargetsStatus, _ page: inout MetricsPage) {
        page.family("holdfast_targets", .gauge, "Targets by how their last scrape went.")
        for health in [TargetStatus.Health.up, .down, .unknown] {
            page.sample([("health", health.rawValue)], Double(status.active.count { $0.health == health }))
        }
    }
}

/// Families one after the other.
private struct MetricsPage {
    private var writer: ExpositionWriter
    private var name = ""

    init(_ format: ExpositionFormat) { writer = ExpositionWriter(format) }

    mutating func family(_ name: String, _ kind: MetricKind, _ help: String) {
        self.name = name
        let isPlain = writer.format == .text || kind != .counter
        writer.family(isPlain ? name : String(name.dropLast("_total".count)), kind, help: help)
    }

    mutating func sample(_ labels: [(name: String, value: String)], _ value: Double) {
        writer.sample(name, labels, value)
    }

    mutating func counter(_ name: String, _ help: String, _ value: Double) {
        family(name, .counter, help)
        sample([], value)
    }

    mutating func gauge(_ name: String, _ help: String, _ value: Double, _ labels: [(name: String, value: String)] = [])
    {
        family(name, .gauge, help)
        sample(labels, value)
    }

    /// In the order of each family's first measurement.
    mutating func add(_ measurements: [Measurement]) {
        var names: [String] = []
        for measurement in measurements where !names.contains(measurement.name) { names.append(measurement.name) }
        for name in names {
            let own = measurements.filter { $0.name == name }
            family(name, name.hasSuffix("_total") ? .counter : .gauge, own[0].help)
            for measurement in own { sample(measurement.labels, measurement.value) }
        }
    }

    consuming func finish() -> [UInt8] { writer.finish() }
}
