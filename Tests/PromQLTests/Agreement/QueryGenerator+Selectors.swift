/// Selectors, ranges and subqueries over the metrics of a ``SampleHost``.
extension QueryGenerator {
    struct Metric {
        let name: String
        let labels: [String]

        init(_ name: String, _ labels: String...) { (self.name, self.labels) = (name, ["instance", "job"] + labels) }
    }

    static let counters = [
        Metric("node_cpu_seconds_total", "cpu", "mode"), Metric("node_network_receive_bytes_total", "device"),
        Metric("node_network_transmit_bytes_total", "device"), Metric("http_requests_total", "code", "method"),
        Metric("http_request_duration_seconds_count"), Metric("http_request_duration_seconds_sum"),
        Metric("http_request_duration_seconds_bucket", "le"), Metric("rpc_duration_seconds_count"),
    ]
    /// Each of their samples is another number, and none is NaN or infinite.
    static let gauges = [
        Metric("node_load1"), Metric("node_load5"), Metric("node_memory_MemAvailable_bytes"),
        Metric("node_filesystem_avail_bytes", "device", "mountpoint"), Metric("go_goroutines"),
        Metric("queue_length"), Metric("scrape_duration_seconds"),
    ]
    static let others = [
        Metric("up"), Metric("node_hwmon_temp_celsius", "chip", "sensor"), Metric("rpc_duration_seconds", "quantile"),
        Metric("queue_limit"), Metric("build_info", "version"), Metric("node_boot_time_seconds"),
        Metric("probe_success"), Metric("node_memory_MemTotal_bytes"), Metric("outside_temperature_celsius"),
        Metric("node_filesystem_size_bytes", "device", "mountpoint"), Metric("probe_ssl_earliest_cert_expiry"),
    ]
    static let all = counters + gauges + others

    /// Matchers that leave something of most metrics that have the label.
    private static let matchers: [String: [String]] = [
        "instance": ["=~\"[abxy]:.*\"", "!=\"c:9100\"", "=~\".+\"", "!~\"[cz].*\""],
        "job": ["=~\"node|shop|probe\"", "!=\"\"", "!~\"nobody\""],
        "mode": ["!=\"idle\"", "=~\"user|system\"", "=\"user\""],
        "cpu": ["=\"1\"", "!~\"[2-9]\""], "code": ["=~\"2..|4..\"", "!=\"404\"", "=\"200\""],
        "method": ["=\"GET\"", "!~\"P.*\""], "device": ["!=\"lo\"", "=~\"(/dev/.+|eth0)\""],
        "le": ["=~\"0.*|\\\\+Inf\"", "!=\"2.5\""], "mountpoint": ["!=\"/srv\"", "=~\"/(run)?\""],
        "quantile": ["=\"0.99\""], "version": ["=~\"1[.].\""], "sensor": ["=\"temp1\""], "chip": ["!=\"1\""],
    ]

    mutating func selector(of metric: Metric) -> String {
        let labels = metric.labels.shuffled(using: &random).prefix(chance(0.5) ? 0 : chance(0.7) ? 1 : 2)
        guard !labels.isEmpty else { return metric.name }
        return metric.name + "{" + labels.map { $0 + pick(Self.matchers[$0] ?? []) }.joined(separator: ", ") + "}"
    }

    /// A selector with one matcher of this kind.
    mutating func selector(matching operation: String) -> Vector {
        let metric = pick(Self.counters + Self.gauges)
        let choices = metric.labels.flatMap { label in
            (Self.matchers[label] ?? []).filter { $0.hasPrefix(operation + "\"") }.map { label + $0 }
        }
        let matcher = choices.isEmpty ? operation == "=" ? "job=\"node\"" : "job\(operation)\"x\"" : pick(choices)
        return Vector("{__name__=\"\(metric.name)\", \(matcher)}", metric.labels)
    }

    /// When it looks: mostly at the time itself.
    mutating func shift() -> String {
        guard chance(0.25) else { return "" }
        return shift(pick(["offset", "offset -", "@", "@ start()", "@ end()", "@ offset"]))
    }

    mutating func shift(_ kind: String) -> String {
        let offset = pick(["15s", "1m", "47s", "10m", "5m"])
        let fixed = SampleHost.start / 1_000 + Int64.random(in: 3_000...10_000, using: &random)
        switch kind {
        case "offset": return " offset \(offset)"
        case "offset -": return " offset -\(pick(["15s", "1m", "47s"]))"
        case "@": return " @ \(fixed).5"
        case "@ offset": return chance(0.5) ? " @ \(fixed).5 offset \(offset)" : " offset \(offset) @ end()"
        default: return " \(kind)"
        }
    }

    mutating func instant(_ metrics: [Metric] = all) -> Vector {
        let metric = pick(metrics)
        return Vector(selector(of: metric) + shift(), metric.labels)
    }

    /// - Parameter fixed: whether `@` may stand there.
    mutating func range(
        _ metrics: [Metric], _ lengths: [String] = ["1m", "2m", "5m", "10m", "37s"], fixed: Bool = true
    )
        -> Vector
    {
        let metric = pick(metrics)
        let moved = fixed ? shift() : chance(0.3) ? shift("offset") : ""
        return Vector("\(selector(of: metric))[\(pick(lengths))]\(moved)", metric.labels)
    }

    /// - Parameter of: what it evaluates; made as the inside of one.
    mutating func subquery(
        step: String? = nil, shift: String? = nil, of inner: (inout QueryGenerator) -> Vector
    ) -> Vector {
        let wasInside = isInside
        isInside = true
        let vector = inner(&self)
        isInside = wasInside
        let length = pick(["4m", "10m", "17m"]) + (wasInside ? "500ms" : "")
        let step = step ?? pick(["", "15s", "30s", "1m", "43s"])
        // Inside another one an anchor at half a second would put points on its edge.
        let moved = shift ?? (wasInside ? chance(0.3) ? self.shift("offset") : "" : self.shift())
        return Vector("(\(vector.text))[\(length):\(step)]\(moved)", vector.labels, isExact: vector.isExact)
    }

    /// A range vector of metrics, or now and then a subquery over one of them.
    mutating func ranged(_ metrics: [Metric]) -> Vector {
        chance(0.25) ? subquery { $0.instant(metrics) } : range(metrics)
    }
}
