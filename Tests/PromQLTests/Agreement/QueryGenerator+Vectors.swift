/// An expression for each feature.
extension QueryGenerator {
    mutating func vector(about feature: String) -> Vector {
        if feature == "atan2", case let vector = arithmetic(feature) {
            // 2.42 leaves the name there.
            return Vector("sum without () (\(vector.text))", vector.labels, isExact: false)
        }
        if Self.operators.contains(feature) { return arithmetic(feature) }
        if Self.comparisons.contains(feature) { return comparison(feature) }
        if Self.sets.contains(feature) { return set(feature) }
        return modified(by: feature) ?? aggregation(feature) ?? call(feature)
    }

    // MARK: Functions

    private mutating func call(_ function: String) -> Vector {
        func on(_ vector: Vector, exact: Bool = false) -> Vector {
            Vector("\(function)(\(vector.text))", vector.labels, isExact: exact && vector.isExact)
        }
        switch function {
        case "rate", "increase", "irate": return on(ranged(Self.counters))
        case "resets", "changes": return on(ranged(Self.counters + Self.others), exact: true)
        case "delta", "idelta", "deriv": return on(ranged(Self.gauges))
        case "stddev_over_time", "stdvar_over_time", "sum_over_time", "avg_over_time": return on(ranged(Self.gauges))
        case "min_over_time", "max_over_time", "count_over_time", "last_over_time", "present_over_time":
            return on(ranged(Self.all), exact: true)
        case "absent_over_time":
            return on(
                chance(0.8) ? Vector("nothing{job=\"node\", code=~\"5..\"}[5m]", ["job"]) : range(Self.all), exact: true
            )
        case "quantile_over_time":
            let range = ranged(Self.all)
            return Vector("\(function)(\(rank()), \(range.text))", range.labels, isExact: false)
        case "predict_linear":
            // 2.42 lets a window that `@` fixes slide with the steps.
            let range = range(Self.gauges, fixed: !isRange && !isInside)
            return Vector("\(function)(\(range.text), \(pick(["60", "3600", "-300"])))", range.labels, isExact: false)
        case "double_exponential_smoothing":
            let range = ranged(Self.gauges)
            return Vector(
                "\(function)(\(range.text), 0.\(pick([3, 5, 8])), 0.\(pick([1, 6])))", range.labels, isExact: false)
        case "abs", "sgn", "ceil", "floor": return on(instant(), exact: true)
        case "ln", "log2", "log10", "sqrt": return on(instant())
        case "exp", "sinh", "cosh", "tanh", "asinh", "sin", "cos", "tan", "atan", "rad", "deg":
            return on(instant(small))
        case "asin", "acos", "atanh":
            let inner = instant(small)
            return on(Vector("\(inner.text) / 10", inner.labels))
        case "acosh":
            let inner = instant(small)
            return on(Vector("abs(\(inner.text)) + 1", inner.labels))
        case "round":
            let inner = instant()
            let to = pick(["", ", 0.5", ", 10", ", 0.1", ", -3", ", scalar(up{instance=\"a:9100\"})"])
            return Vector("round(\(inner.text)\(to))", inner.labels)
        case "clamp", "clamp_min", "clamp_max":
            let inner = instant()
            let limits =
                function == "clamp"
                ? pick(["0, 100", "5, 5", "-1, scalar(node_load1{instance=\"b:9100\"})", "2, 1"])
                : pick(["3", "1e9", "NaN", "-Inf"])
            return Vector("\(function)(\(inner.text), \(limits))", inner.labels)
        case "minute", "hour", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "month", "year":
            switch Int.random(in: 0..<4, using: &random) {
            case 0: return Vector("\(function)()", [])
            case 1: return on(Vector("vector(time() - \(pick([0, 100_000, 3e8, 3e9]) as Double))", []), exact: true)
            case 2: return on(Vector("timestamp(\(pick(Self.all).name))", []), exact: true)
            default:
                return on(
                    instant([Metric("node_boot_time_seconds"), Metric("probe_ssl_earliest_cert_expiry")]), exact: true)
            }
        case "time": return Vector(pick(["time()", "time() - 60", "vector(time())", "time() % 3600 > bool 1800"]), [])
        case "pi": return Vector(pick(["pi()", "vector(pi())", "pi() * 2"]), [])
        case "vector":
            return Vector(
                "vector(\(pick(["1", "-Inf", "NaN", "scalar(go_goroutines{instance=\"x:8080\"})", "time()"])))", [])
        case "scalar":
            return Vector(
                pick([
                    "scalar(node_load1{instance=\"a:9100\"})", "scalar(node_load1)", "vector(scalar(nothing))",
                    "node_load1 * scalar(node_load5{instance=\"c:9100\"})",
                ]), [])
        case "timestamp":
            // With `@`, Prometheus forgets the offset.
            let metric = pick(Self.all)
            let moved = shift(pick(["offset", "offset -", "@", "@ start()", "@ end()"]))
            return on(Vector(selector(of: metric) + pick(["", moved, " > 0"]), metric.labels), exact: true)
        case "absent":
            return on(
                Vector(
                    pick([
                        "nothing", "nothing{job=\"shop\", instance!=\"x\"}", "sum(nothing)",
                        "up{job=\"shop\", job=\"node\"}", "up", "nothing{a=\"b\"} offset 1m",
                    ]), []))
        case "sort", "sort_desc": return on(instant(Self.gauges + Self.counters), exact: true)
        case "label_replace":
            let inner = instant()
            let rest = pick([
                "\"host\", \"$1\", \"instance\", \"(.*):.*\"",
                "\"port\", \"p-${port}\", \"instance\", \".*:(?P<port>[0-9]+)\"",
                "\"job\", \"\", \"instance\", \"[ax].*\"", "\"new\", \"$$ $1$2 $none\", \"job\", \"(n.*)|(s.*)\"",
                "\"instance\", \"x$0\", \"nothing\", \"\"",
            ])
            return Vector("label_replace(\(inner.text), \(rest))", inner.labels)
        case "label_join":
            let inner = instant()
            let rest = pick([
                "\"all\", \"/\", \"job\", \"instance\"", "\"all\", \"\", \"nothing\"",
                "\"instance\", \"-\", \"instance\", \"job\", \"code\"", "\"all\", \"x\"",
            ])
            return Vector("label_join(\(inner.text), \(rest))", inner.labels)
        case "histogram_quantile": return histogram()
        case "histogram_count", "histogram_sum": return on(instant())
        default: preconditionFailure("BUG: no query for \(function)")
        }
    }

    private var small: [Metric] {
        [
            Metric("node_load1"), Metric("node_load5"), Metric("outside_temperature_celsius"),
            Metric("rpc_duration_seconds", "quantile"),
        ]
    }

    private mutating func rank() -> String { pick(["0.5", "0.9", "0.99", "0", "1", "0.25", "-1", "2", "NaN"]) }

    private mutating func histogram() -> Vector {
        let bucket = "http_request_duration_seconds_bucket"
        let inner = pick([
            bucket, "rate(\(bucket)[5m])", "sum by (le) (rate(\(bucket)[10m]))",
            "sum by (le, instance) (increase(\(bucket)[2m]))",
            "\(bucket){le!=\"1\"} offset 5m", "\(bucket){le!=\"+Inf\"}", "sum without (instance) (\(bucket))",
        ])
        let rank = pick(["0.5", "0.9", "0.99", "0.25", "0", "-1", "2", "NaN", "0.0001"])
        return Vector("histogram_quantile(\(rank), \(inner))", ["instance"], isExact: false)
    }

    // MARK: Aggregations

    private mutating func aggregation(_ operation: String) -> Vector? {
        switch operation {
        case "sum", "avg", "stddev", "stdvar":
            return grouped(operation, chance(0.5) ? instant(Self.gauges + Self.counters) : rated(), isExact: false)
        case "min", "max", "count", "group": return grouped(operation, instant(), isExact: true)
        case "quantile": return grouped(operation, parameter: rank(), instant(), isExact: false)
        case "topk", "bottomk":
            return grouped(
                operation, parameter: pick(["1", "3", "2.7", "0", "-1", "100"]), instant(Self.gauges), isExact: true)
        case "count_values":
            return grouped(
                operation, parameter: pick(["\"value\"", "\"instance\""]),
                instant(small + [Metric("up"), Metric("queue_limit"), Metric("queue_length")]), isExact: true)
        default: return nil
        }
    }

    private mutating func rated() -> Vector {
        let inner = range(Self.counters)
        return Vector("rate(\(inner.text))", inner.labels, isExact: false)
    }

    private mutating func grouped(
        _ operation: String, by kind: String? = nil, parameter: String? = nil, _ vector: Vector, isExact: Bool
    ) -> Vector {
        let names = vector.labels.shuffled(using: &random).prefix(Int.random(in: 0...2, using: &random))
        let list = names.joined(separator: ", ")
        let kind = kind ?? pick(["", "by", "without"])
        let clause = kind.isEmpty ? "" : "\(kind) (\(list)) "
        let inner = (parameter.map { "\($0), " } ?? "") + vector.text
        let labels = kind == "by" ? Array(names) : kind == "without" ? vector.labels.filter { !names.contains($0) } : []
        let text = chance(0.3) ? "\(operation)(\(inner)) \(clause)" : "\(operation) \(clause)(\(inner))"
        return Vector(text, labels, isExact: isExact && vector.isExact)
    }

    // MARK: Operators

    private mutating func arithmetic(_ sign: String) -> Vector {
        let isExact = sign != "^" && sign != "atan2"
        let left = isExact ? instant() : instant(small)
        switch Int.random(in: 0..<5, using: &random) {
        case 0:
            return Vector(
                "\(left.text) \(sign) \(pick(["2", "0.5", "-3", "0", "NaN", "time() / 1e9"]))", left.labels,
                isExact: isExact)
        case 1: return Vector("\(pick(["2", "0.5", "-3", "1e3"])) \(sign) \(left.text)", left.labels, isExact: isExact)
        case 2:
            let metric = pick(isExact ? Self.all : small)
            return Vector("\(metric.name) \(sign) \(metric.name)\(shift("offset"))", metric.labels, isExact: isExact)
        case 3: return Vector("2 \(sign) 3 \(sign) 0.5 \(pick(["+", "*", "^", "-"])) 7", [], isExact: isExact)
        default:
            return Vector(
                "node_load1 \(sign) on (instance) node_load5 \(pick(["* 2", "", "+ ignoring (job) node_load1"]))",
                ["instance"], isExact: isExact)
        }
    }

    private mutating func comparison(_ sign: String) -> Vector {
        let left = instant()
        switch Int.random(in: 0..<5, using: &random) {
        case 0: return Vector("\(left.text) \(sign) \(pick(["1", "50", "0"]))", left.labels)
        case 1: return Vector("\(pick(["1", "30", "0"])) \(sign) \(left.text)", left.labels)
        case 2:
            let metric = pick(Self.gauges + Self.counters)
            return Vector("\(metric.name) \(sign) \(metric.name)\(shift("offset"))", metric.labels)
        case 3: return Vector("node_load1 \(sign) on (instance) node_load5", ["instance"])
        default: return Vector("queue_limit \(sign) ignoring (x) queue_length * 20", ["instance", "job"])
        }
    }

    private mutating func set(_ sign: String) -> Vector {
        let left = instant()
        return pick([
            Vector(
                "\(left.text) \(sign) \(left.text)\(left.text.contains(" offset") || left.text.contains(" @") ? "" : shift("offset"))",
                left.labels),
            Vector("\(left.text) \(sign) on (instance) up{job=\"node\"} == 1", left.labels),
            Vector(
                "node_load1 \(sign) ignoring (device, mountpoint) node_filesystem_size_bytes > 1e9",
                ["instance", "job"]),
            Vector("up \(sign) on (job) (node_load1 > 3)", ["instance", "job"]),
            Vector(
                "http_requests_total{code=\"200\"} \(sign) http_requests_total{method=\"GET\"}", ["code", "method"]),
        ])
    }

    // MARK: Modifiers

    private mutating func modified(by feature: String) -> Vector? {
        switch feature {
        case "offset", "offset -", "@", "@ start()", "@ end()", "@ offset":
            let metric = pick(Self.all)
            let selector = selector(of: metric)
            let moved = shift(feature)
            return chance(0.5)
                ? Vector(selector + moved, metric.labels)
                : Vector("max_over_time(\(selector)[5m]\(moved))", metric.labels)
        case "bool":
            let sign = pick(Self.comparisons)
            return chance(0.5)
                ? Vector("\(instant().text) \(sign) bool \(pick(["1", "50"]))", ["instance"])
                : Vector("node_load1 \(sign) bool on (instance, job) node_load5", ["instance", "job"])
        case "on", "ignoring":
            let sign = pick(["+", "*", "/", "-"])
            return feature == "on"
                ? Vector(
                    "node_filesystem_avail_bytes \(sign) on (instance, device) node_filesystem_size_bytes",
                    ["instance", "device"])
                : Vector(
                    "http_requests_total{code=\"200\"} \(sign) ignoring (code) http_requests_total{code=\"404\"}",
                    ["method"])
        case "group_left":
            return Vector(
                "node_cpu_seconds_total \(pick(["/", "*", "> bool"])) on (instance) group_left \(pick(["node_load1", "sum by (instance) (node_cpu_seconds_total)"]))",
                ["instance", "mode"], isExact: false)
        case "group_right":
            return Vector(
                "up \(pick(["*", "+", "<"])) ignoring (code, method) group_right http_requests_total",
                ["code", "method"])
        case "group_left(…)":
            return Vector(
                "\(pick(["http_requests_total", "queue_length"])) * on (instance, job) group_left (version) build_info",
                ["instance", "version"])
        case "by", "without": return grouped(pick(["max", "count", "min"]), by: feature, instant(), isExact: true)
        case "[:]", "[:s]":
            let inner = subquery(step: feature == "[:]" ? "" : pick(["15s", "1m30s", "1h", "7s"])) { generator in
                generator.chance(0.5)
                    ? generator.instant() : Vector("\(generator.instant(Self.gauges).text) / 2", ["instance"])
            }
            return Vector(
                "\(pick(["max_over_time", "count_over_time", "last_over_time", "min_over_time"]))(\(inner.text))",
                inner.labels)
        case "[:] @":
            let inner = subquery(shift: shift(pick(["@", "@ end()", "@ start()", "@ offset"]))) { $0.rated() }
            return Vector("avg_over_time(\(inner.text))", inner.labels, isExact: false)
        case "[[:]:]":
            let outer = subquery { generator in
                let inner = generator.subquery { $0.rated() }
                return Vector("max_over_time(\(inner.text))", inner.labels, isExact: false)
            }
            return Vector("min_over_time(\(outer.text))", outer.labels, isExact: false)
        case "=", "!=", "=~", "!~": return selector(matching: feature)
        case "{}":
            return Vector(
                pick([
                    "{job=\"shop\", instance=~\"x.*\", __name__=~\"queue.*\"}",
                    "{__name__=~\"node_load.\", instance!=\"\"}", "{instance=\"a:9100\", __name__!~\".*_total\"}",
                ]), ["instance"])
        case "-x": return Vector("-\(instant().text)", ["instance"])
        case "()": return Vector("((\(instant().text)) * (2 + 1)) / (4)", ["instance"])
        case "number":
            return Vector(
                pick(
                    ["1 + 2 * 3 ^ 2 ^ 0.5", "-Inf", "0x1f % 4", "1 > bool 2", "NaN", "-2 ^ 2", "\"a text\""].filter {
                        !isRange || $0 != "\"a text\""
                    }), [], isExact: false)
        case "selector": return instant()
        case "[]": return isRange ? instant() : chance(0.5) ? range(Self.all) : subquery { $0.instant() }
        default: return nil
        }
    }
}
