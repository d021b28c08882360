import ArgumentParser
import Dashboard
import Exposition
import Glibc
import HTTPClient
import Machine
import Settings
import TimeSeries

struct MetricsImport: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Takes an OpenMetrics file with times into the store.",
        discussion: """
            The format is that of `promtool tsdb create-blocks-from openmetrics`, and what `holdfast metrics export` writes. The \
            file is read through first: nothing is taken of one that is wrong anywhere. Samples may come in any order, and \
            again; of two at one time the last counts. What is older than `metrics.keep`, and the future, is left out.

            While the service runs, the file goes through it: that needs `metrics.token_file`.

            Example: holdfast metrics import history.om

            Exit status: 0 all of it taken · 1 failed, with what was taken before in the store · 3 some samples were left out.
            """)

    @OptionGroup var common: CommonOptions

    @Argument(help: "The file.")
    var file: String

    private struct Report: Encodable {
        var samples = 0
        var outOfOrder: Int
        var duplicates: Int
        var tooOld = 0
        var tooNew = 0
    }

    /// What the service says of one piece.
    private struct Piece: Decodable, Sendable { let samples, tooOld, tooNew: Int }

    func run() async throws {
        let settings = try WatchSettings.load(common)
        let file = file
        let check = try await onThread("check") { signal in try Self.check(file, signal) }
        var report = Report(outOfOrder: check.outOfOrder, duplicates: check.duplicates)
        switch try await MetricsAccess.find(settings, begins: true) {
        case .store(let store):
            let taken = try await onThread("import") { signal in try Self.take(file, into: store, check.samples, signal)
            }
            (report.samples, report.tooOld, report.tooNew) = (taken.samples, taken.tooOld, taken.tooNew)
        case .service(let service):
            guard settings.metrics.tokenFile != nil else { throw MetricsError.noToken(settings.file) }
            try await send(to: service, check.samples, &report)
        }
        Progress.end()
        try Output.result(report, json: common.json, text: text)
        if report.tooOld + report.tooNew > 0 { throw ExitStatus.incomplete }
    }

    private func text(_ report: Report) -> String {
        var text = "\(counted(report.samples, "sample")) taken.\n"
        if report.outOfOrder > 0 { text += "\(report.outOfOrder) came after a later one of their series.\n" }
        if report.duplicates > 0 { text += "\(report.duplicates) came at a time of another one of their series.\n" }
        if report.tooOld > 0 { text += "\(report.tooOld) left out: older than what is kept (metrics.keep).\n" }
        if report.tooNew > 0 { text += "\(report.tooNew) left out: in the future.\n" }
        return text
    }

    /// Reads the file through.
    private static func check(_ path: String, _ signal: StopSignal) throws -> HistoryCheck {
        var check = HistoryCheck()
        try eachPiece(of: path, signal) { try $0.withUnsafeBufferPointer { try check.read($0) } }
        return check
    }

    private static func take(
        _ path: String, into store: TimeSeriesStore, _ total: Int, _ signal: StopSignal
    ) throws -> HistoryIntake.Report {
        var intake = HistoryIntake(into: store, now: SystemClock().now().milliseconds)
        try eachPiece(of: path, signal) { piece in
            try piece.withUnsafeBufferPointer { try intake.take($0) }
            Progress.show(intake.report.samples, of: total)
        }
        try intake.finish()
        return intake.report
    }

    private func send(to service: ServiceClient, _ total: Int, _ report: inout Report) async throws {
        var pieces = HistoryPieces(of: try Descriptor.open(file, O_RDONLY | O_CLOEXEC))
        while let piece = try pieces.next() {
            let response = try await HTTPClient().send(
                service.request(
                    "POST", "/api/v1/import/openmetrics", type: ExpositionFormat.openMetrics.contentType, body: piece,
                    timeout: .seconds(600)))
            let answer: ServiceAnswer<Piece> = try service.read(response)
            report.samples += answer.data.samples
            report.tooOld += answer.data.tooOld
            report.tooNew += answer.data.tooNew
            Progress.show(report.samples, of: total)
        }
    }

    /// Shows the file piece by piece; an error in one names the line of the file.
    private static func eachPiece(of path: String, _ signal: StopSignal, _ body: ([UInt8]) throws -> Void) throws {
        var pieces = HistoryPieces(of: try Descriptor.open(path, O_RDONLY | O_CLOEXEC))
        var before = 0
        while let piece = try pieces.next() {
            try signal.check()
            do {
                try body(piece)
            } catch let error as ExpositionError {
                throw MetricsError.badFile(path, error, linesBefore: before)
            }
            before = pieces.lines
        }
    }
}

/// How far an import is, on a terminal only.
private enum Progress {
    private static let isShown = isatty(STDERR_FILENO) == 1

    static func show(_ done: Int, of total: Int) {
        if isShown { Output.say("\r\u{1B}[K\(done) of \(counted(total, "sample"))") }
    }

    static func end() {
        if isShown { Output.say("\r\u{1B}[K") }
    }
}

extension MetricsError {
    fileprivate static func noToken(_ settings: String) -> MetricsError {
        MetricsError(
            code: "metrics.no-token", what: "The service runs, and takes nothing from anybody without a token.",
            place: settings,
            remedy:
                "Give `metrics: { token_file: FILE }` and restart the service, or stop it for the time of the import.")
    }

    fileprivate static func badFile(_ path: String, _ error: ExpositionError, linesBefore: Int) -> MetricsError {
        MetricsError(
            code: "metrics.file", what: error.what, place: "\(path):\(linesBefore + error.line):\(error.column)",
            remedy:
                "Nothing was imported. The file has to be OpenMetrics with a time behind each value, and `# EOF` at its end."
        )
    }
}
