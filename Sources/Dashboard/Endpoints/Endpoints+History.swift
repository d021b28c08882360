internal import Exposition
internal import Machine
internal import TimeSeries

/// What `holdfast metrics import` and `export` ask of the service that has the store. Not of Prometheus's API.
extension Endpoints {
    /// Takes one piece of a file.
    func importOpenMetrics(_ call: Call) async throws -> Reply {
        let (store, body, now) = (watched.store, call.body, now)
        do {
            let report = try await onThread("import") { _ in
                var intake = HistoryIntake(into: store, now: now)
                try body.withUnsafeBufferPointer { try intake.take($0) }
                try intake.finish()
                return intake.report
            }
            return .success { text in
                text.raw("{")
                text.member("samples", report.samples)
                text.member("tooOld", report.tooOld)
                text.member("tooNew", report.tooNew)
                text.raw("}")
            }
        } catch let error as ExpositionError {
            throw APIError(.badData, "line \(error.line), column \(error.column): \(error.what)")
        }
    }

    /// Series after series; what could not be read is said behind the last one, in the trailer `X-Holdfast-Damage`.
    func exportOpenMetrics(_ call: Call) async throws -> Reply {
        let matchers = try call.form.matchers(limits)
        var reply = Reply(contentType: ExpositionFormat.openMetrics.contentType)
        reply.tail.bytes = HistoryExport.end
        guard let range = try call.form.range() else { return reply }
        let store = watched.store
        let export = try await gate.pass {
            try await onThread("export") { _ in try HistoryExport(matching: matchers, in: range, from: store) }
        }
        let damage = Damage(withoutPaths(export.warnings))
        reply.count = export.count
        reply.blocks = true
        reply.piece = { index, text in
            let (bytes, words) = export.lines(of: index)
            text.bytes += bytes
            if let words { damage.add(words) }
        }
        reply.trailer = { damage.words.map { ("X-Holdfast-Damage", $0) } }
        return reply
    }
}
