import Dashboard
import Exposition
import Foundation
import HTTPClient
import Machine
import Monitoring
import TestKit
import Testing
import TimeSeries

/// What the other endpoints say, byte for byte.
@Suite struct EndpointTests {
    private let samples = """
        up{instance="a",job="x"} 1 1764109990
        up{instance="b",job="y"} 0 1764109990
        temperature{room="é"} 21.5 1764109000
        temperature{room="é"} 22 1764109990

        """

    private var state: ScriptedMonitor.State {
        var state = ScriptedMonitor.State()
        var up = TargetStatus(
            pool: "node", discovered: Labels(["__address__": "localhost:9100", "job": "node"]),
            labels: Labels(["instance": "localhost:9100", "job": "node"]), url: "http://localhost:9100/metrics",
            interval: 15_000, timeout: 10_000)
        up.health = .up
        up.lastScrape = 1_764_109_990_120
        up.lastDuration = 0.0125
        var down = up
        down.pool = "app"
        down.health = .down
        down.lastError = "server returned HTTP status 500 \"x\""
        down.lastScrape = nil
        state.targets.active = [up, down]
        state.targets.dropped = [(pool: "node", discovered: Labels(["__address__": "c"]))]
        let target = up.labels
        state.metadata = [
            (target, MetricMetadata(family: "up", kind: .gauge, help: "Is it\n\"up\"?", unit: "")),
            (target, MetricMetadata(family: "size_bytes", kind: .counter, help: "Size.", unit: "bytes")),
            (Labels(["instance": "b"]), MetricMetadata(family: "up", kind: .gauge, help: "Is it\n\"up\"?", unit: "")),
            (Labels(["instance": "b"]), MetricMetadata(family: "up", kind: .unknown, help: "Another.", unit: "")),
        ]
        let alert = AlertStatus(
            labels: Labels(["alertname": "Down", "instance": "b"]), annotations: [("summary", "b is \"down\"")],
            state: .firing, activeAt: 1_764_109_000_000, keepFiringSince: 1_764_109_500_500, value: 0)
        var recording = RuleStatus(
            name: "job:up:sum", expression: "sum by (job) (up)", labels: Labels(), kind: .recording)
        recording.health = .ok
        recording.lastEvaluation = 1_764_109_990_000
        recording.evaluationTime = 0.0005
        var alerting = RuleStatus(
            name: "Down", expression: "up == 0", labels: Labels(["severity": "page"]),
            kind: .alerting(
                hold: 300_000, keepFiring: 60_000, annotations: [("summary", "{{ $labels.instance }}")], alerts: [alert]
            ))
        alerting.health = .err
        alerting.lastError = "boom"
        var group = RuleGroupStatus(name: "g", file: "r.yml", interval: 15_000, limit: 0, rules: [recording, alerting])
        group.lastEvaluation = 1_764_109_990_000
        group.evaluationTime = 1
        state.groups = [
            group, RuleGroupStatus(name: "h", file: "s.yml", interval: 60_000, limit: 5, rules: [recording]),
        ]
        return state
    }

    private static let recorded =
        #"{"name":"job:up:sum","query":"sum by (job) (up)","health":"ok","evaluationTime":0.0005,"lastEvaluation":"2025-11-25T22:33:10Z","type":"recording"}"#
    private static let firing =
        #"{"labels":{"alertname":"Down","instance":"b"},"annotations":{"summary":"b is \"down\""},"state":"firing","activeAt":"2025-11-25T22:16:40Z","keepFiringSince":"2025-11-25T22:25:00.5Z","value":"0e+00"}"#
    private static func alerting(_ alerts: String) -> String {
        #"{"state":"firing","name":"Down","query":"up == 0","duration":300,"keepFiringFor":60,"labels":{"severity":"page"},"annotations":{"summary":"{{ $labels.instance }}"},"alerts":"#
            + alerts
            + #","health":"err","lastError":"boom","evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z","type":"alerting"}"#
    }
    private static func group(_ rules: String) -> String {
        #"{"name":"g","file":"r.yml","rules":["# + rules
            + #"],"interval":15,"limit":0,"evaluationTime":1,"lastEvaluation":"2025-11-25T22:33:10Z"}"#
    }
    private static let second =
        #"{"name":"h","file":"s.yml","rules":["# + recorded
        + #"],"interval":60,"limit":5,"evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z"}"#

    private static let answers: [(path: String, data: String)] = [
        (
            "series?match[]=up",
            #"[{"__name__":"up","instance":"a","job":"x"},{"__name__":"up","instance":"b","job":"y"}]"#
        ),
        (
            "series?match[]=up&match[]=%7Bjob=%22x%22%7D&limit=1",
            #"[{"__name__":"up","instance":"a","job":"x"}],"warnings":["results truncated due to limit"]"#
        ),
        ("series?match[]=up&start=2&end=1", "[]"),
        ("labels", #"["__name__","instance","job","room"]"#),
        ("labels?match[]=temperature", #"["__name__","room"]"#),
        ("labels?limit=2", #"["__name__","instance"],"warnings":["results truncated due to limit"]"#),
        ("label/job/values", #"["x","y"]"#), ("label/job/values?match[]=up%7Binstance=%22a%22%7D", #"["x"]"#),
        ("label/room/values", #"["é"]"#), ("label/U__ro_6f_m/values", #"["é"]"#), ("label/nosuch/values", "[]"),
        ("label/%6aob/values", #"["x","y"]"#),
        ("label/__name__/values?start=2015-01-01T00:00:00Z&end=2015-01-02T00:00:00Z", "[]"),
        (
            "labels?start=-292273086-05-16T16:47:06Z&end=292277025-08-18T07:12:54.999999999Z&match[]=temperature",
            #"["__name__","room"]"#
        ),
        ("query_exemplars?query=up&start=1&end=2", "[]"),
        ("alertmanagers", #"{"activeAlertmanagers":[],"droppedAlertmanagers":[]}"#),
        ("notifications", "[]"), ("status/walreplay", #"{"min":0,"max":0,"current":0}"#),
        ("status/config", #"{"yaml":"global:\n  scrape_interval: 15s\n"}"#),
        ("scrape_pools", #"{"scrapePools":["app","node"]}"#),
        (
            "targets?state=dropped",
            #"{"activeTargets":[],"droppedTargets":[{"discoveredLabels":{"__address__":"c"},"scrapePool":"node"}],"droppedTargetCounts":{"app":0,"node":1}}"#
        ),
        (
            "targets?state=active&scrapePool=node",
            #"{"activeTargets":[{"discoveredLabels":{"__address__":"localhost:9100","job":"node"},"labels":{"instance":"localhost:9100","job":"node"},"scrapePool":"node","scrapeUrl":"http://localhost:9100/metrics","globalUrl":"http://localhost:9100/metrics","lastError":"","lastScrape":"2025-11-25T22:33:10.12Z","lastScrapeDuration":0.0125,"health":"up","scrapeInterval":"15s","scrapeTimeout":"10s"}],"droppedTargets":[],"droppedTargetCounts":null}"#
        ),
        (
            "metadata",
            #"{"size_bytes":[{"type":"counter","help":"Size.","unit":"bytes"}],"up":[{"type":"gauge","help":"Is it\n\"up\"?","unit":""},{"type":"unknown","help":"Another.","unit":""}]}"#
        ),
        ("metadata?limit=1", #"{"size_bytes":[{"type":"counter","help":"Size.","unit":"bytes"}]}"#),
        ("metadata?metric=up&limit_per_metric=1", #"{"up":[{"type":"gauge","help":"Is it\n\"up\"?","unit":""}]}"#),
        (
            "targets/metadata?match_target=%7Binstance=%22b%22%7D&metric=up&limit=1",
            #"[{"target":{"instance":"b"},"type":"gauge","help":"Is it\n\"up\"?","unit":""}]"#
        ),
        (
            "targets/metadata?metric=size_bytes",
            #"[{"target":{"instance":"localhost:9100","job":"node"},"type":"counter","help":"Size.","unit":"bytes"}]"#
        ),
        ("alerts", #"{"alerts":["# + firing + "]}"),
        ("rules", #"{"groups":["# + group(recorded + "," + alerting("[\(firing)]")) + "," + second + "]}"),
        ("rules?type=alert&exclude_alerts=true", #"{"groups":["# + group(alerting("null")) + "]}"),
        ("rules?type=record&rule_group[]=g", #"{"groups":["# + group(recorded) + "]}"),
        ("rules?file[]=s.yml", #"{"groups":["# + second + "]}"), ("rules?rule_name[]=nosuch", #"{"groups":[]}"#),
        ("rules?match[]=%7Bseverity=%22page%22%7D", #"{"groups":["# + group(alerting("[\(firing)]")) + "]}"),
    ]

    @Test(arguments: answers)
    func answer(path: String, data: String) async throws {
        try await withService(state, samples: samples) { service in
            let answer = try await service.text("/api/v1/\(path)")
            #expect(answer == #"{"status":"success","data":\#(data)}"#)
        }
    }

    private static let refusals: [(path: String, message: String)] = [
        ("series", "no match[] parameter provided"),
        (
            "series?match[]=%7B%7D",
            #"invalid parameter \"match[]\": match[] must contain at least one non-empty matcher"#
        ),
        ("labels?match[]=%7Ba=~%22.*%22%7D", "match[] must contain at least one non-empty matcher"),
        ("label/a%ff/values", #"invalid label name: \"a%ff\""#),
        ("metadata?limit=x", "limit must be a number"),
        ("metadata?limit_per_metric=x", "limit_per_metric must be a number"),
        ("targets/metadata?limit=x", "limit must be a number"),
        ("status/tsdb?limit=0", "limit must be a positive number"),
        ("rules?type=x", #"invalid parameter \"type\": not supported value \"x\""#),
        (
            "rules?exclude_alerts=x",
            #"invalid parameter \"exclude_alerts\": error converting exclude_alerts: strconv.ParseBool: parsing \"x\": invalid syntax"#
        ),
        (
            "rules?group_next_token=x",
            #"invalid parameter \"group_next_token\": group_limit needs to be present in order to paginate over the groups"#
        ),
        ("rules?group_limit=0", #"invalid parameter \"group_limit\": group_limit needs to be greater than 0"#),
        (
            "rules?group_limit=1&group_next_token=x",
            #"invalid parameter \"group_next_token\": invalid group_next_token 'x'. were rule groups changed?"#
        ),
        ("query_exemplars?query=", "unknown position: parse error: no expression found in input"),
        ("query_exemplars?query=up&start=2&end=1", "end timestamp must not be before start timestamp"),
    ]

    @Test(arguments: refusals)
    func refusal(path: String, message: String) async throws {
        try await withService(state) { service in
            let response = try await service.get("/api/v1/\(path)")
            #expect(response.status == 400)
            #expect(
                String(decoding: response.body, as: UTF8.self)
                    == #"{"status":"error","errorType":"bad_data","error":"\#(message)"}"#)
        }
    }

    @Test func rulesPageByPage() async throws {
        try await withService(state) { service in
            func page(_ query: String) async throws -> (names: [String], token: String?) {
                let body = try await service.get("/api/v1/rules?\(query)").body
                let answer = try JSONSerialization.jsonObject(with: Data(body))
                let data = try #require((answer as? [String: Any])?["data"] as? [String: Any])
                let groups = try #require(data["groups"] as? [[String: Any]])
                return (groups.compactMap { $0["name"] as? String }, data["groupNextToken"] as? String)
            }
            let first = try await page("group_limit=1")
            #expect(first.names == ["g"])
            let second = try await page("group_limit=1&group_next_token=\(try #require(first.token))")
            #expect(second.names == ["h"] && second.token == nil)
        }
    }

    @Test func statusesThatClientsRead() async throws {
        try await withService(state, samples: samples) { service in
            #expect(
                try await service.text("/api/v1/status/buildinfo").contains(
                    #""version":"3.5.0","revision":"holdfast-0.0.0""#))
            #expect(try await service.text("/api/v1/status/flags").contains(#""query.max-concurrency":"4""#))
            #expect(try await service.text("/api/v1/status/runtimeinfo").contains(#""storageRetention":"1000d""#))
            let statistics = try await service.text("/api/v1/status/tsdb?limit=1")
            #expect(statistics.contains(#""seriesCountByMetricName":[{"name":"up","value":2}]"#), "\(statistics)")
        }
    }

    @Test(arguments: [
        ("GET", "/-/healthy", 200), ("HEAD", "/-/healthy", 200), ("HEAD", "/-/ready", 200), ("POST", "/-/healthy", 405),
        ("GET", "/nosuch", 404), ("GET", "/api/v1/nosuch", 404), ("POST", "/api/v1/targets", 405), ("GET", "/", 200),
        ("PUT", "/api/v1/query", 405), ("GET", "/api/v1/query/", 404),
    ])
    func methods(method: String, path: String, status: Int) async throws {
        try await withService { service in
            let connection = try RawConnection(service.port)
            try await connection.say("\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            let (answer, hasEnded) = try await connection.hear()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) ") && hasEnded, "\(answer)")
            #expect(answer.hasSuffix("\r\n\r\n") == (method == "HEAD"))
        }
    }

    /// Damage is named in a warning, the folder of the store is not.
    @Test func damageWithoutPaths() async throws {
        try await withService(samples: samples) { service in
            let folder = service.monitor.store.folder
            let day = "\(folder)/2025-11-25.sqlite"
            try Data(repeating: 0x5a, count: 5000).write(to: URL(fileURLWithPath: day))
            let answer = try await service.text("/api/v1/series?match[]=up")
            #expect(answer.contains(#""warnings":["#) && answer.contains("2025-11-25.sqlite"), "\(answer)")
            #expect(!answer.contains(folder))
        }
    }
}

/// `/federate` and `/metrics`.
@Suite struct ExpositionEndpointTests {
    private let samples = """
        up{instance="a",job="x"} 1 1764109990
        up{job="y"} 0.5 1764109990.5
        old 1 1764100000
        many_total{job="x"} 3 1764109970
        many_total{job="x"} 4 1764109980

        """

    @Test func federation() async throws {
        var state = ScriptedMonitor.State()
        state.externalLabels = Labels(["host": "h1", "job": "outer"])
        try await withService(state, samples: samples) { service in
            let answer = try await service.get("/federate?match[]=%7Bjob=~%22x%7Cy%22%7D&match[]=up&match[]=old")
            #expect(answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
            #expect(
                String(decoding: answer.body, as: UTF8.self) == """
                    # TYPE many_total untyped
                    many_total{job="x",host="h1",instance=""} 4 1764109980000
                    # TYPE up untyped
                    up{instance="a",job="x",host="h1"} 1 1764109990000
                    up{job="y",host="h1",instance=""} 0.5 1764109990500

                    """)
            let open = try await service.get(
                "/federate?match[]=old&match[]=up", headers: [("Accept", "application/openmetrics-text")])
            #expect(String(decoding: open.body, as: UTF8.self).hasSuffix("1764109990.500\n# EOF\n"))
            #expect(try await service.get("/federate").body.isEmpty)
            #expect(try await service.get("/federate?match[]=x%7B").status == 400)
        }
    }

    @Test(arguments: [nil, ExpositionFormat.accept] as [String?])
    func ownNumbers(accept: String?) async throws {
        var state = ScriptedMonitor.State()
        state.measurements = [
            Machine.Measurement("holdfast_scrapes_total", "Scrapes.", [("job", "a")], 3),
            Machine.Measurement("holdfast_scrapes_total", "Scrapes.", [("job", "b")], 4),
            Machine.Measurement("holdfast_points", "Points.", [], 2),
        ]
        try await withService(state, samples: samples) { service in
            _ = try await service.get("/api/v1/query?query=1")
            _ = try await service.get("/api/v1/query?query=(")
            let answer = try await service.get("/metrics", headers: accept.map { [("Accept", $0)] } ?? [])
            let format = ExpositionFormat(contentType: answer.header("Content-Type") ?? "")
            #expect((format == .openMetrics) == (accept != nil))
            var values: [String: Double] = [:]
            try answer.body.withUnsafeBufferPointer { body in
                var reader = try ExpositionReader(body, format)
                while let piece = try reader.next() {
                    guard case .sample(let sample) = piece else { continue }
                    let labels = sample.labels.dropFirst().map { "\($0.name)=\($0.value)" }.joined(separator: ",")
                    values["\(sample.labels[0].value){\(labels)}"] = sample.value
                }
            }
            #expect(values[#"holdfast_http_requests_total{handler=/api/v1/query,code=200}"#] == 1)
            #expect(values[#"holdfast_http_requests_total{handler=/api/v1/query,code=400}"#] == 1)
            #expect(values["holdfast_queries_total{}"] == 1)
            #expect(values["holdfast_scrapes_total{job=b}"] == 4)
            #expect(values["holdfast_points{}"] == 2)
            #expect(values["holdfast_build_info{version=0.0.0}"] == 1)
            for name in ["process_resident_memory_bytes", "process_start_time_seconds", "process_open_fds"] {
                #expect(values["\(name){}"] ?? 0 > 0, "\(name)")
            }
        }
    }

    /// promtool finds nothing wrong with the page.
    @Test(.enabled(if: RealPrometheus.isAvailable, Comment(rawValue: RealPrometheus.howToGetOne)))
    func promtoolReadsIt() async throws {
        try await withService { service in
            let page = try await service.get("/metrics").body
            let outcome = try await CommandRunner().run(["promtool", "check", "metrics"], input: page)
            #expect(outcome.status == 0, "\(outcome)")
        }
    }
}
