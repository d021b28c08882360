import Dashboard
import Foundation
import HTTPClient
import PromQL
import TestKit
import Testing

/// `query` and `query_range`: byte for byte what Prometheus 3.5 answers.
@Suite struct QueryTests {
    private let samples = """
        up{instance="a",job="x"} 1 1764109990
        up{instance="b",job="x"} 0 1764109990.5
        odd{path="/a\\"b\\\\c\\nd"} 0.000001 1764109990
        odd{path="é<&>"} NaN 1764109990
        many_total 1 1764109960
        many_total 4 1764109990
        level 1 1764109960
        level 2 1764109990

        """

    private static let instants: [(query: String, data: String)] = [
        ("1%2B1&time=4", #"{"resultType":"scalar","result":[4,"2"]}"#),
        (
            "time()&time=2015-07-01T20:10:51.781Z",
            #"{"resultType":"scalar","result":[1435781451.781,"1435781451.781"]}"#
        ),
        (
            "time()&time=2015-07-01T22:10:51.7819%2B02:00",
            #"{"resultType":"scalar","result":[1435781451.781,"1435781451.781"]}"#
        ),
        ("time()&time=-0.5", #"{"resultType":"scalar","result":[-0.500,"-0.5"]}"#),
        (#"%22a%5C%22b%5Cn%22&time=1"#, #"{"resultType":"string","result":[1,"a\"b\n"]}"#),
        (
            "up",
            #"""
            {"resultType":"vector","result":[{"metric":{"__name__":"up","instance":"a","job":"x"},"value":[1764110000,"1"]},\#
            {"metric":{"__name__":"up","instance":"b","job":"x"},"value":[1764110000,"0"]}]}
            """#
        ),
        (
            "odd",
            #"""
            {"resultType":"vector","result":[{"metric":{"__name__":"odd","path":"/a\"b\\c\nd"},\#
            "value":[1764110000,"0.000001"]},{"metric":{"__name__":"odd","path":"é<&>"},"value":[1764110000,"NaN"]}]}
            """#
        ),
        (
            "up%5B1m%5D&limit=1",
            #"""
            {"resultType":"matrix","result":[{"metric":{"__name__":"up","instance":"a","job":"x"},\#
            "values":[[1764109990,"1"]]}]},"warnings":["results truncated due to limit"]
            """#
        ),
        ("vector(1)/0&time=1", #"{"resultType":"vector","result":[{"metric":{},"value":[1,"+Inf"]}]}"#),
        ("vector(-1e-7)&time=1", #"{"resultType":"vector","result":[{"metric":{},"value":[1,"-1e-07"]}]}"#),
        ("vector(1e21)&time=1", #"{"resultType":"vector","result":[{"metric":{},"value":[1,"1e+21"]}]}"#),
        (
            "vector(123456789.125)&time=1",
            #"{"resultType":"vector","result":[{"metric":{},"value":[1,"123456789.125"]}]}"#
        ),
        ("-vector(0)&time=1", #"{"resultType":"vector","result":[{"metric":{},"value":[1,"-0"]}]}"#),
        ("nosuch", #"{"resultType":"vector","result":[]}"#),
    ]

    @Test(arguments: instants)
    func instant(query: String, data: String) async throws {
        try await withService(samples: samples) { service in
            let answer = try await service.text("/api/v1/query?query=\(query)")
            #expect(answer == #"{"status":"success","data":\#(data)}"#)
        }
    }

    @Test func aRange() async throws {
        try await withService(samples: samples) { service in
            let form = "query=many_total&start=1764109960&end=1764109999&step=30s"
            let expected =
                #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"many_total"},"#
                + #""values":[[1764109960,"1"],[1764109990,"4"]]}]}}"#
            #expect(try await service.text("/api/v1/query_range?\(form)") == expected)
            let posted = try await service.post("/api/v1/query_range", form)
            #expect(String(decoding: posted.body, as: UTF8.self) == expected)
            #expect(posted.header("Content-Type") == "application/json")
        }
    }

    @Test func annotations() async throws {
        try await withService(samples: samples) { service in
            let answer = try await service.text("/api/v1/query?query=rate(level%5B1m%5D)")
            #expect(
                answer.hasSuffix(
                    #""infos":["PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"level\" (1:6)"]}"#
                ), "\(answer)")
        }
    }

    private static let bad: [(path: String, query: String, message: String)] = [
        ("query", "", #"invalid parameter \"query\": unknown position: parse error: no expression found in input"#),
        (
            "query", "query=1&time=abc",
            #"invalid parameter \"time\": invalid time value for 'time': cannot parse \"abc\" to a valid timestamp"#
        ),
        ("query", "query=1&timeout=abc", #"invalid parameter \"timeout\": cannot parse \"abc\" to a valid duration"#),
        ("query", "query=1&limit=-1", #"invalid parameter \"limit\": limit must be non-negative"#),
        ("query", "query=1&limit=x", #"invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax"#),
        (
            "query", "query=1&lookback_delta=x",
            #"error parsing lookback delta duration: cannot parse \"x\" to a valid duration"#
        ),
        (
            "query", "query=up&time=-1000000&lookback_delta=9223372036854775807ms",
            #"error parsing lookback delta duration: cannot parse \"9223372036854775807ms\" to a valid duration"#
        ),
        ("query_range", "query=1", #"invalid parameter \"start\": cannot parse \"\" to a valid timestamp"#),
        ("query_range", "query=1&start=1", #"invalid parameter \"end\": cannot parse \"\" to a valid timestamp"#),
        (
            "query_range", "query=1&start=2&end=1",
            #"invalid parameter \"end\": end timestamp must not be before start time"#
        ),
        ("query_range", "query=1&start=1&end=2", #"invalid parameter \"step\": cannot parse \"\" to a valid duration"#),
        (
            "query_range", "query=1&start=1&end=2&step=0",
            #"invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer"#
        ),
        (
            "query_range", "query=1&start=1&end=2&step=1e300",
            #"invalid parameter \"step\": cannot parse \"1e300\" to a valid duration. It overflows int64"#
        ),
        (
            "query_range", "query=1&start=0&end=11001&step=1",
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
        ),
        (
            "query_range", "query=%22x%22&start=1&end=2&step=1",
            #"invalid parameter \"query\": invalid expression type \"string\" for range query, must be Scalar or instant Vector"#
        ),
        ("query", "query=%zz", #"error parsing form values: invalid URL escape \"%zz\""#),
        ("query", "query=1;2", "error parsing form values: invalid semicolon separator in query"),
    ]

    @Test(arguments: bad)
    func badParameters(path: String, query: String, message: String) async throws {
        try await withService { service in
            let response = try await service.get("/api/v1/\(path)?\(query)")
            #expect(response.status == 400)
            #expect(
                String(decoding: response.body, as: UTF8.self)
                    == #"{"status":"error","errorType":"bad_data","error":"\#(message)"}"#)
        }
    }

    @Test func theMostPointsThatAreAllowed() async throws {
        try await withService { service in
            let response = try await service.get("/api/v1/query_range?query=1&start=0&end=11000&step=1")
            #expect(response.status == 200)
        }
    }

    @Test func whatTheDataHasNoAnswerTo() async throws {
        try await withService(samples: samples) { service in
            let response = try await service.get("/api/v1/query?query=many_total%20%2B%20on()%20up")
            #expect(response.status == 422)
            #expect(String(decoding: response.body, as: UTF8.self).contains(#""errorType":"execution""#))
        }
    }

    @Test func statistics() async throws {
        try await withService { service in
            let answer = try await service.text("/api/v1/query?query=1&stats=all&time=1")
            #expect(
                answer.hasPrefix(
                    #"{"status":"success","data":{"resultType":"scalar","result":[1,"1"],"stats":{"timings":{"#))
            #expect(try JSONSerialization.jsonObject(with: Data(answer.utf8)) is [String: Any])
        }
    }

    /// An answer of many pieces, compressed and not.
    @Test func aLongAnswer() async throws {
        let samples = (0..<3000).map {
            "wide{number=\"\($0)\",filler=\"\(String(repeating: "x", count: 50))\"} \($0) 1764109990\n"
        }
        try await withService(samples: samples.joined()) { service in
            let plain = try await service.get("/api/v1/query?query=wide")
            #expect(plain.header("Transfer-Encoding") == "chunked")
            let answer = try #require(JSONSerialization.jsonObject(with: Data(plain.body)) as? [String: Any])
            let data = try #require(answer["data"] as? [String: Any])
            #expect((data["result"] as? [Any])?.count == 3000)
            let packed = try await service.get(
                "/api/v1/query?query=wide", headers: [("Accept-Encoding", "deflate, gzip;q=0.5")])
            #expect(packed.header("Content-Encoding") == "gzip")
            #expect(packed.body.count < plain.body.count / 4)
            #expect(try await gunzipped(packed.body) == plain.body)
            let unwanted = try await service.get("/api/v1/query?query=wide", headers: [("Accept-Encoding", "gzip;q=0")])
            #expect(unwanted.header("Content-Encoding") == nil)
        }
    }
}

/// A query that would take hours.
private let endless = "count_over_time((sum_over_time(vector(1)%5B1d:1s%5D))%5B30d:1m%5D)"

/// Time, cancelling, and many queries at once.
@Suite struct QueryLimitTests {
    private var patientOptions: Engine.Options {
        var options = Engine.Options()
        options.limits.samples = .max
        options.limits.time = .seconds(600)
        return options
    }

    @Test func aQueryEndsInTime() async throws {
        try await withService(options: patientOptions) { service in
            let response = try await service.get("/api/v1/query?query=\(endless)&timeout=200ms")
            #expect(response.status == 503)
            #expect(String(decoding: response.body, as: UTF8.self).contains(#""errorType":"timeout""#))
        }
    }

    /// With one place only, the second query is answered because the first one's client has gone.
    @Test(arguments: [true, false])
    func aClientThatIsGone(closes: Bool) async throws {
        var limits = DashboardLimits()
        limits.queries = 1
        try await withService(options: patientOptions, limits: limits) { service in
            var client: RawConnection? = try RawConnection(service.port)
            try await client?.say("GET /api/v1/query?query=\(endless) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            try await Task.sleep(for: .milliseconds(300))
            if closes { client = nil } else { client?.finish() }
            #expect(try await service.text("/api/v1/query?query=1&time=1").contains(#"[1,"1"]"#))
            _ = client
        }
    }

    @Test func whoHasToWaitTooLong() async throws {
        var limits = DashboardLimits()
        limits.queries = 1
        try await withService(options: patientOptions, limits: limits) { service in
            let client = try RawConnection(service.port)
            try await client.say("GET /api/v1/query?query=\(endless) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await service.get("/api/v1/query?query=1&timeout=200ms").status == 503)
            client.finish()
            #expect(try await service.get("/api/v1/query?query=1").status == 200)
        }
    }

    @Test func manyAtOnce() async throws {
        var limits = DashboardLimits()
        limits.queries = 3
        try await withService(limits: limits) { service in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<60 {
                    group.addTask { try await service.get("/api/v1/query?query=\(number)").status }
                }
                for try await status in group { #expect(status == 200) }
            }
        }
    }

    /// What runs when the service stops gets its answer; nobody new is let in.
    @Test func stoppingLetsQueriesEnd() async throws {
        var limits = DashboardLimits()
        limits.farewell = 60
        try await withService(options: patientOptions, limits: limits) { service in
            let client = try RawConnection(service.port)
            try await client.say("GET /api/v1/query?query=\(endless)&timeout=2s HTTP/1.1\r\nHost: localhost\r\n\r\n")
            try await Task.sleep(for: .milliseconds(300))
            service.stop()
            #expect(try await client.answer().hasPrefix("HTTP/1.1 503"))
            try await service.ended().get()
            await #expect(throws: (any Error).self) { try await service.get("/-/healthy") }
        }
    }

    /// A query that does not end is cut off once the farewell is over.
    @Test func stoppingDoesNotWaitForEver() async throws {
        var limits = DashboardLimits()
        limits.farewell = 0.3
        try await withService(options: patientOptions, limits: limits) { service in
            let client = try RawConnection(service.port)
            try await client.say("GET /api/v1/query?query=\(endless) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            try await Task.sleep(for: .milliseconds(300))
            service.stop()
            try await service.ended().get()
        }
    }
}

/// By gzip(1).
func gunzipped(_ bytes: [UInt8]) async throws -> [UInt8] {
    try await withTemporaryFolder { folder in
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/answer.gz"))
        let outcome = try await CommandRunner(folder: folder).run(["gzip", "-d", "answer.gz"])
        #expect(outcome.status == 0, "\(outcome)")
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/answer")))
    }
}
