import ArgumentParser
import Glibc
import HTTPClient
import Machine
import PromQL
import Settings
import TimeSeries

struct Query: TalkingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answers a PromQL expression from what was measured.",
        discussion: """
            Asks the running service at `metrics.listen`; where none runs, reads the store itself.

            Examples: holdfast query 'up'
                      holdfast query 'node_load1' --range 6h --plot
                      holdfast query 'rate(node_cpu_seconds_total[5m])' --at 2026-11-26T02:00:00Z --json

            Times: seconds since 1970, 2026-11-26T02:00:00Z, or 2h ago as -2h. Exit status: 0 answered · 1 not answered · \
            4 wrong settings.
            """)

    @OptionGroup var common: CommonOptions

    @Argument(help: "The expression.")
    var expression: String

    @Option(parsing: .unconditional, help: "The time of the answer, or of its end; else now.")
    var at: String?

    @Option(help: "How far back it goes: 30m, 6h, 7d. Else only one moment.")
    var range: String?

    @Option(help: "From one value to the next, with --range; else about 250 of them.")
    var step: String?

    @Flag(help: "Draw it; with --range, or for the last hour.")
    var plot = false

    @Option(help: "What a plot's numbers are: bytes, seconds, percent or plain; else told from the metric's name.")
    var unit: PlotUnit?

    /// How many values a series has where nobody says the step.
    private static let usualSteps: Int64 = 250

    func validate() throws {
        if step != nil, range == nil { throw ValidationError("--step goes with --range.") }
        if plot, common.json { throw ValidationError("--plot and --json exclude each other.") }
    }

    func run() async throws {
        let question = try question(now: SystemClock().now().milliseconds)
        let settings = try WatchSettings.load(common)
        let result = try await answer(question, try await MetricsAccess.find(settings))
        for text in result.warnings + result.infos { Output.say("! \(text)\n") }
        if plot {
            let plot = Plot(result, question, unit: unit)
            try Output.result(result, json: false) { _ in plot.text(Canvas.terminal) }
        } else {
            try Output.result(result, json: common.json, text: \.table)
        }
    }

    private func question(now: Int64) throws -> Question {
        let end = try at.map { try time($0, now: now) } ?? now
        guard let length = try range.map({ try duration($0, "--range") }) ?? (plot ? 3_600_000 : nil) else {
            return Question(expression: expression, end: end)
        }
        let step = try step.map { try duration($0, "--step") } ?? max(1000, length / Self.usualSteps / 1000 * 1000)
        return Question(expression: expression, end: end, range: (length, step))
    }

    private func answer(_ question: Question, _ access: MetricsAccess) async throws -> QueryResult {
        switch access {
        case .service(let service):
            let path = question.range == nil ? "/api/v1/query" : "/api/v1/query_range"
            let answer: ServiceAnswer<QueryResult> = try await service.ask(path, question.form)
            return answer.data.adding(warnings: answer.warnings ?? [], infos: answer.infos ?? [])
        case .store(let store):
            return try await onThread("query") { signal in
                QueryResult(try question.answer(from: store) { (try? signal.check()) == nil })
            }
        }
    }

    private func duration(_ text: String, _ option: String) throws -> Int64 {
        guard let milliseconds = DurationText.milliseconds(text), milliseconds > 0 else {
            throw MetricsError.wrong("\(option) \(text) is no duration.", remedy: "Write it like 90s, 5m, 6h or 7d.")
        }
        return milliseconds
    }
}

/// What is asked, with all times in milliseconds.
struct Question: Sendable {
    let expression: String
    let end: Int64
    /// How far back from the end, in which steps; nil: only the end.
    var range: (length: Int64, step: Int64)?

    /// As the API takes it.
    var form: [(name: String, value: String)] {
        let query = (name: "query", value: expression)
        guard let range else { return [query, ("time", seconds(end))] }
        return [
            query, ("start", seconds(end - range.length)), ("end", seconds(end)), ("step", seconds(range.step)),
        ]
    }

    func answer(from store: TimeSeriesStore, isCancelled: @escaping () -> Bool) throws -> Answer {
        let engine = Engine()
        let query = try engine.parse(expression)
        guard let range else { return try engine.instant(query, at: end, from: store, isCancelled: isCancelled) }
        return try engine.range(
            query, over: end - range.length...end, step: range.step, from: store, isCancelled: isCancelled)
    }

    private func seconds(_ milliseconds: Int64) -> String { FloatText.plain(Double(milliseconds) / 1000) }
}

/// A moment that a person wrote, in milliseconds: since 1970, in RFC 3339, or as `-2h` before now.
func time(_ text: String, now: Int64) throws -> Int64 {
    if let seconds = Double(text), seconds >= 0, seconds < 1e12 { return Int64(seconds * 1000) }
    if let moment = Timestamp(text) { return moment.milliseconds }
    if text.hasPrefix("-"), let ago = DurationText.milliseconds(String(text.dropFirst())) { return now - ago }
    throw MetricsError.wrong(
        "\(text) is no time.", remedy: "Write it as seconds since 1970, as 2026-11-26T02:00:00Z, or as -2h.")
}
