internal import PromQL
internal import Settings
internal import TimeSeries

/// Reads the groups and rules of one file, as Prometheus's `rulefmt` does.
final class RuleReader {
    let values: PlacedReader
    private let engine: Engine
    private(set) var found: [RuleRepetition.Found] = []

    init(_ document: PlacedDocument, engine: Engine) {
        values = PlacedReader(document)
        self.engine = engine
    }

    func groups() -> [RuleGroup] {
        guard let root = values.document.root else { return [] }
        let fields = values.fields(root, "the file", known: ["groups"])
        var names: Set<String> = []
        return values.list(fields["groups"], "groups").compactMap { group($0, &names) }
    }

    private func group(_ value: PlacedValue, _ names: inout Set<String>) -> RuleGroup? {
        let known = ["name", "interval", "query_offset", "limit", "labels", "rules"]
        let fields = values.fields(value, "groups", known: known)
        let name = values.text(fields["name"], "name")
        if name.isEmpty {
            values.report("no-name", "A group has no name.", at: value.position, remedy: "Give it one: `name: …`.")
        } else if !names.insert(name).inserted {
            values.report(
                "repeated-group", "The group `\(printable(name))` is there twice in this file.",
                at: fields["name"]?.position, remedy: "Rename one of them, or put their rules together.")
        }
        let labels = values.texts(fields["labels"], "labels")
        checkLabelNames(labels)
        return RuleGroup(
            name: name, file: values.document.file,
            interval: values.duration(fields["interval"], "interval").flatMap { $0 == 0 ? nil : $0 },
            queryOffset: values.duration(fields["query_offset"], "query_offset"),
            limit: values.integer(fields["limit"], "limit"),
            rules: values.list(fields["rules"], "rules").compactMap { rule($0, groupLabels: labels) })
    }

    private func checkLabelNames(_ labels: [(pair: PlacedPair, text: String)]) {
        for (pair, _) in labels where !isLabelName(pair.key) || pair.key == Labels.metricName {
            values.report(
                "bad-label-name", "`\(printable(pair.key))` is no name for a label.", at: pair.keyPosition,
                remedy: "Use letters, digits and `_`, no digit first; `__name__` is what the rule itself is called.")
        }
    }

    // MARK: Rules

    private static let keys = [
        "record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations",
    ]

    private func rule(_ value: PlacedValue, groupLabels: [(pair: PlacedPair, text: String)]) -> Rule? {
        let fields = values.fields(value, "rules", known: Self.keys)
        let record = values.text(fields["record"], "record")
        let alert = values.text(fields["alert"], "alert")
        let own = values.texts(fields["labels"], "labels")
        let annotations = values.texts(fields["annotations"], "annotations")
        let hold = values.duration(fields["for"], "for") ?? 0
        let keepFiring = values.duration(fields["keep_firing_for"], "keep_firing_for") ?? 0
        checkKind(record, alert, at: value)
        let query = expression(fields["expr"], in: value)
        if !record.isEmpty { checkRecording(record, fields, hold, keepFiring, annotations) }
        checkLabelNames(own)
        for (pair, _) in annotations where !isLabelName(pair.key) {
            values.report(
                "bad-annotation-name", "`\(printable(pair.key))` is no name for an annotation.", at: pair.keyPosition,
                remedy: "Use letters, digits and `_`, no digit first.")
        }
        let isAlert = !alert.isEmpty
        let labels = texts(groupLabels + own, alert: isAlert ? alert : nil)
        let notes = texts(annotations, alert: isAlert ? alert : nil)
        found.append(
            .init(
                name: isAlert ? alert : record,
                labels: own.map { ($0.pair.key, $0.text) }.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) },
                position: value.position))
        return query.map { query in
            Rule(
                name: isAlert ? alert : record, query: query,
                kind: isAlert ? .alerting(hold: hold, keepFiring: keepFiring, annotations: notes) : .recording,
                labels: labels)
        }
    }

    private func checkKind(_ record: String, _ alert: String, at value: PlacedValue) {
        guard record.isEmpty == alert.isEmpty else { return }
        values.report(
            "bad-kind",
            record.isEmpty ? "A rule has neither `record` nor `alert`." : "A rule has both `record` and `alert`.",
            at: value.position, remedy: "Give it one of them: `record` writes a series, `alert` raises alerts.")
    }

    private func expression(_ value: PlacedValue?, in rule: PlacedValue) -> Query? {
        let text = values.text(value, "expr")
        guard let value, !text.isEmpty else {
            values.report(
                "no-expression", "A rule has no `expr`.", at: value?.position ?? rule.position,
                remedy: "Write the expression that it evaluates: `expr: up == 0`.")
            return nil
        }
        do {
            return try engine.parse(text)
        } catch {
            let error = error as? PromQLError
            let offset = error?.position.map { text.offset(of: $0) } ?? 0
            values.report(
                "bad-expression", "`expr`: \(printable(error?.what ?? "it cannot be read")).",
                at: values.document.position(of: offset, in: value),
                remedy: error?.remedy ?? "Mend the expression; `holdfast query` tries one out.")
            return nil
        }
    }

    private func checkRecording(
        _ record: String, _ fields: [String: PlacedValue], _ hold: Int64, _ keepFiring: Int64,
        _ annotations: [(pair: PlacedPair, text: String)]
    ) {
        for (key, isThere) in [
            ("for", hold != 0), ("keep_firing_for", keepFiring != 0), ("annotations", !annotations.isEmpty),
        ] where isThere {
            values.report(
                "bad-key", "`\(key)` means nothing in a recording rule.", at: fields[key]?.position,
                remedy: "Remove it, or make the rule an alert.")
        }
        guard !isMetricName(record) else { return }
        values.report(
            "bad-record-name", "`\(printable(record))` is no name for a metric.", at: fields["record"]?.position,
            remedy: "Use letters, digits, `_` and `:`, no digit first; an expression belongs into `expr`.")
    }

    /// Sorted by name; of one that is there twice the last counts.
    private func texts(_ pairs: [(pair: PlacedPair, text: String)], alert: String?) -> [RuleText] {
        var texts: [String: RuleText] = [:]
        for (pair, text) in pairs {
            var template: AlertTemplate?
            if let alert {
                do {
                    template = try AlertTemplate(text, alert: alert)
                } catch {
                    values.report(
                        "bad-template", "`\(printable(pair.key))`: \(printable(error.description)).",
                        at: pair.value.position, remedy: "Mend the template: \(templateHelp)")
                }
            }
            texts[pair.key] = RuleText(name: pair.key, text: text, template: template)
        }
        return texts.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }
}

private let templateHelp = "`{{ $labels.instance }}`, `{{ $value }}`, `{{ $value | humanize }}`."

/// As Prometheus names metrics.
private func isMetricName(_ name: String) -> Bool { isName(name, colons: true) }

/// As Prometheus names labels.
private func isLabelName(_ name: String) -> Bool { isName(name, colons: false) }

private func isName(_ name: String, colons: Bool) -> Bool {
    func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
            || colons && byte == UInt8(ascii: ":")
    }
    guard let first = name.utf8.first, isLetter(first) else { return false }
    return name.utf8.allSatisfy { isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
}

extension String {
    /// How many Unicode scalars stand before this place.
    fileprivate func offset(of place: SourcePlace) -> Int {
        var (line, offset) = (1, 0)
        for scalar in unicodeScalars where line < place.line {
            offset += 1
            if scalar == "\n" { line += 1 }
        }
        return offset + place.column - 1
    }
}
