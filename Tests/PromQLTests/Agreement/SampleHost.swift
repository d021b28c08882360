import Foundation
import TestKit
import TimeSeries

/// What a host's exporters might have told for three hours around the end of 28 February 2024: counters that begin anew,
/// scrapes that failed, series that come and go with stale markers, a gap without any, NaN and infinities.
///
/// Each target is scraped every 15 s at a quarter of a second past, with a few milliseconds of jitter: no window whose length
/// is a whole number of seconds, and which ends at half a second or at none, has a sample on its edge.
struct SampleHost {
    typealias Series = (labels: Labels, samples: [Sample])

    static let start: Int64 = 1_709_157_600_000
    static let end = start + 3 * 3_600_000

    private(set) var series: [Labels: [Sample]] = [:]
    private var random: SeededRandom

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        for (number, instance) in ["a:9100", "b:9100", "c:9100"].enumerated() { node(instance, offset: 1 + number * 4) }
        for (number, instance) in ["x:8080", "y:8080", "z:8080"].enumerated() { shop(instance, offset: 2 + number * 3) }
        probe("http://shop.example/", offset: 7)
    }

    /// Sorted by labels.
    var all: [Series] { series.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

    // MARK: Targets

    /// When a target was scraped, and what became of it.
    private struct Scrape {
        let number: Int
        let time: Int64
        let isUp: Bool
        /// Seconds since the exporter began.
        let age: Double
    }

    /// - Parameters:
    ///   - down: scrapes that failed.
    ///   - unseen: scrapes that never were, without any marker.
    ///   - restarts: after which its counters begin anew.
    private mutating func scrapes(
        _ offset: Int, down: Set<Int> = [], unseen: Range<Int> = 0..<0, restarts: [Int] = []
    ) -> [Scrape] {
        (0..<720).filter { !unseen.contains($0) }.map { number in
            let begun = restarts.last { $0 <= number }
            let jitter = Int64.random(in: -3...3, using: &random)
            return Scrape(
                number: number, time: Self.start + Int64(number * 15 + offset) * 1_000 + 250 + jitter,
                isUp: !down.contains(number), age: begun.map { Double(number - $0) * 15 } ?? Double(number + 4_000) * 15
            )
        }
    }

    /// Adds a series: a value for each scrape that was well, nil where the exporter had none; an end where it had one before.
    private mutating func add(
        _ name: String, _ labels: [String: String], _ scrapes: [Scrape],
        _ value: (Scrape, inout SeededRandom) -> Double?
    ) {
        let labels = Labels(
            labels.map { Label(name: $0.key, value: $0.value) } + [Label(name: Labels.metricName, value: name)])
        var samples: [Sample] = []
        var isThere = false
        for scrape in scrapes {
            if scrape.isUp, let value = value(scrape, &random) {
                samples.append(Sample(time: scrape.time, value: value.isNaN ? .ordinaryNaN : value))
                isThere = true
            } else if isThere {
                samples.append(Sample(time: scrape.time, value: .staleMarker))
                isThere = false
            }
        }
        series[labels] = samples
    }

    /// A counter that grows by up to `most` a scrape, in whole `unit`s, and begins anew when its exporter does.
    private mutating func count(
        _ name: String, _ labels: [String: String], _ scrapes: [Scrape], upTo most: Double, unit: Double = 1,
        while isThere: (Scrape) -> Bool = { _ in true }
    ) {
        var units = (most / unit * Double.random(in: 500...5_000, using: &random)).rounded()
        add(name, labels, scrapes) { scrape, random in
            units += (most / unit * Double.random(in: 0...1, using: &random)).rounded()
            // What it says first when it begins anew is 0.
            if scrape.age == 0 { units = 0 }
            return isThere(scrape) ? units * unit : nil
        }
    }

    private mutating func up(_ labels: [String: String], _ scrapes: [Scrape]) {
        let all = scrapes.map { Scrape(number: $0.number, time: $0.time, isUp: true, age: $0.isUp ? 1 : 0) }
        add("up", labels, all) { scrape, _ in scrape.age }
        add("scrape_duration_seconds", labels, all) { _, random in
            (Double.random(in: 0.002...0.03, using: &random) * 1e9).rounded() / 1e9
        }
    }

    private mutating func node(_ instance: String, offset: Int) {
        let target = ["job": "node", "instance": instance]
        let isB = instance == "b:9100"
        let scrapes = scrapes(
            offset, down: isB ? [300, 301, 302, 303, 500] : [], unseen: instance == "c:9100" ? 520..<552 : 0..<0,
            restarts: isB ? [304] : [])
        up(target, scrapes)
        for cpu in ["0", "1"] {
            for (mode, most) in [("idle", 14.0), ("user", 4), ("system", 2), ("iowait", 0.4)] {
                let labels = target.merging(["cpu": cpu, "mode": mode]) { $1 }
                count("node_cpu_seconds_total", labels, scrapes, upTo: most, unit: 0.01)
            }
        }
        add("node_memory_MemTotal_bytes", target, scrapes) { _, _ in 8_341_123_072 }
        add("node_memory_MemAvailable_bytes", target, scrapes) { _, random in
            Double(Int.random(in: 300_000...1_500_000, using: &random) * 4_096)
        }
        for load in ["node_load1", "node_load5"] {
            add(load, target, scrapes) { _, random in Double(Int.random(in: 0...900, using: &random)) / 100 }
        }
        add("node_boot_time_seconds", target, scrapes) { scrape, _ in
            (Double(scrape.time) / 1_000 - scrape.age).rounded()
        }
        for (device, mount) in [("/dev/vda1", "/"), ("/dev/vdb", "/srv"), ("tmpfs", "/run")] {
            let labels = target.merging(["device": device, "mountpoint": mount]) { $1 }
            add("node_filesystem_size_bytes", labels, scrapes) { _, _ in
                device == "tmpfs" ? 834_113_536 : 42_949_672_960
            }
            add("node_filesystem_avail_bytes", labels, scrapes) { scrape, random in
                // /srv is mounted for an hour only.
                if mount == "/srv", !(100..<340).contains(scrape.number) { return nil }
                return Double(800_000_000 - scrape.number * 1_024 - Int.random(in: 0...200, using: &random) * 4_096)
            }
        }
        for device in ["eth0", "lo"] {
            let labels = target.merging(["device": device]) { $1 }
            count("node_network_receive_bytes_total", labels, scrapes, upTo: 4e6)
            count("node_network_transmit_bytes_total", labels, scrapes, upTo: 1e6)
        }
        add("node_hwmon_temp_celsius", target.merging(["chip": "0", "sensor": "temp1"]) { $1 }, scrapes) {
            scrape, random in
            // The sensor fails now and then.
            scrape.number % 41 == 7 ? .nan : Double(Int.random(in: 380...620, using: &random)) / 10
        }
    }

    private mutating func shop(_ instance: String, offset: Int) {
        let target = ["job": "shop", "instance": instance]
        let isY = instance == "y:8080"
        let scrapes = scrapes(offset, down: isY ? [200, 201] : [77], restarts: isY ? [202, 610] : [78])
        up(target, scrapes)
        for version in ["1.4", "1.5"] {
            add("build_info", target.merging(["version": version]) { $1 }, scrapes) { scrape, _ in
                (scrape.number < 360) == (version == "1.4") ? 1 : nil
            }
        }
        for (code, most) in [("200", 90.0), ("404", 9), ("500", 2)] {
            for method in ["GET", "POST"] {
                let labels = target.merging(["code": code, "method": method]) { $1 }
                // An error is not counted before the first one.
                count("http_requests_total", labels, scrapes, upTo: most) { code != "500" || $0.number > 400 }
            }
        }
        latency(target, scrapes)
        for quantile in ["0.5", "0.99"] {
            let labels = target.merging(["quantile": quantile]) { $1 }
            add("rpc_duration_seconds", labels, scrapes) { scrape, random in
                // An idle minute has no quantile.
                scrape.number % 60 < 4 ? .nan : Double.random(in: 0.001...0.5, using: &random)
            }
        }
        count("rpc_duration_seconds_sum", target, scrapes, upTo: 5, unit: 0.001)
        count("rpc_duration_seconds_count", target, scrapes, upTo: 40)
        add("go_goroutines", target, scrapes) { _, random in Double(Int.random(in: 20...70, using: &random)) }
        add("queue_limit", target, scrapes) { scrape, _ in
            instance == "z:8080" ? .infinity : isY && scrape.number % 50 == 9 ? -.infinity : 1_000
        }
        add("queue_length", target, scrapes) { _, random in Double(Int.random(in: 0...60, using: &random)) }
    }

    /// A classic histogram, each bucket no smaller than the one below.
    private mutating func latency(_ target: [String: String], _ scrapes: [Scrape]) {
        let bounds = ["0.05", "0.1", "0.25", "1", "2.5", "+Inf"]
        var counts: [[Int: Double]] = bounds.map { _ in [:] }
        var current = bounds.map { _ in 1_000.0 }
        for index in bounds.indices { current[index] += Double(index) * 400 }
        for scrape in scrapes {
            if scrape.age == 0 { current = bounds.map { _ in 0 } }
            var below = 0.0
            for index in bounds.indices {
                if scrape.age > 0 { below += Double(Int.random(in: 0...12, using: &random)) }
                current[index] += below
                counts[index][scrape.number] = current[index]
            }
        }
        for (index, bound) in bounds.enumerated() {
            add("http_request_duration_seconds_bucket", target.merging(["le": bound]) { $1 }, scrapes) { scrape, _ in
                counts[index][scrape.number]
            }
        }
        add("http_request_duration_seconds_count", target, scrapes) { scrape, _ in
            counts[bounds.count - 1][scrape.number]
        }
        count("http_request_duration_seconds_sum", target, scrapes, upTo: 7, unit: 0.0001)
    }

    private mutating func probe(_ instance: String, offset: Int) {
        let target = ["job": "probe", "instance": instance]
        let scrapes = scrapes(offset, unseen: 0..<20)
        up(target, scrapes)
        add("probe_success", target, scrapes) { scrape, _ in (400..<420).contains(scrape.number) ? 0 : 1 }
        add("probe_ssl_earliest_cert_expiry", target, scrapes) { _, _ in 1_711_900_800 }
        add("outside_temperature_celsius", ["place": "yard"], scrapes) { scrape, random in
            // Around zero, so that both signs are there.
            (sin(Double(scrape.number) / 60) * 90 + Double.random(in: 0...8, using: &random)).rounded() / 10
        }
    }
}
