import ArgumentParser
import Dashboard
import Glibc
import HTTPClient
import Machine
import Settings
import TimeSeries

struct MetricsExport: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes what was measured as OpenMetrics with times.",
        discussion: """
            Series after series, each value as it was measured, to standard output or a file; `holdfast metrics import` and \
            `promtool tsdb create-blocks-from openmetrics` take it. That a series ended is not in it.

            Examples: holdfast metrics export --match 'up' --from -7d > up.om
                      holdfast metrics export --match '{job="node"}' --from 2026-11-01T00:00:00Z --to 2026-11-08T00:00:00Z

            Exit status: 0 all of it written · 1 failed · 3 something stored is damaged and is missing.
            """)

    @OptionGroup var common: CommonOptions

    @Option(help: "Only the series that this selector matches; may be given several times.")
    var match: [String] = []

    @Option(parsing: .unconditional, help: "From this time on; else all there is.")
    var from: String?

    @Option(parsing: .unconditional, help: "Up to this time; else until now.")
    var to: String?

    func run() async throws {
        let now = SystemClock().now().milliseconds
        let (first, last) = (try from.map { try time($0, now: now) } ?? 0, try to.map { try time($0, now: now) } ?? now)
        guard first <= last else { throw MetricsError.wrong("--from is after --to.") }
        let damage: String?
        switch try await MetricsAccess.find(WatchSettings.load(common)) {
        case .service(let service): damage = try await export(first...last, from: service)
        case .store(let store):
            let match = match
            damage = try await onThread("export") { signal in try Self.export(match, first...last, store, signal) }
        }
        if let damage {
            Output.say("! \(damage)\n")
            throw ExitStatus.incomplete
        }
    }

    /// - Returns: what is missing, in words; nil when nothing is.
    private static func export(
        _ match: [String], _ range: ClosedRange<Int64>, _ store: TimeSeriesStore, _ signal: StopSignal
    ) throws -> String? {
        let output = try standardOutput()
        let export = try HistoryExport(match, in: range, from: store)
        var damage = export.warnings
        for index in 0..<export.count {
            try signal.check()
            let (bytes, words) = export.lines(of: index)
            try output.write(bytes)
            if let words { damage.append(words) }
        }
        try output.write(HistoryExport.end)
        return damage.isEmpty ? nil : damage.joined(separator: "\n! ")
    }

    private func export(_ range: ClosedRange<Int64>, from service: ServiceClient) async throws -> String? {
        let form =
            match.map { ("match[]", $0) }
            + [("start", range.lowerBound), ("end", range.upperBound)].map {
                ($0.0, "\($0.1 / 1000).\(String($0.1 % 1000 + 1000).dropFirst())")
            }
        let query = form.map { "\(percentEncoded($0.0))=\(percentEncoded($0.1))" }.joined(separator: "&")
        let output = try Self.standardOutput()
        let request = service.request("GET", "/api/v1/export/openmetrics?\(query)", timeout: .seconds(86_400))
        let response = try await HTTPClient().stream(request) { try output.write(UnsafeRawBufferPointer($0)) }
        guard response.succeeded else { throw service.failure(response) }
        return response.header("X-Holdfast-Damage")
    }

    /// A copy of the number: the descriptor is not ours to close.
    private static func standardOutput() throws -> Descriptor {
        let copy = dup(STDOUT_FILENO)
        guard copy >= 0 else { throw MachineError.call("write", "standard output") }
        return Descriptor(owning: copy, path: "standard output")
    }
}
