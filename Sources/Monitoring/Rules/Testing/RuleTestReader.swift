internal import Machine
internal import PromQL
internal import Settings
internal import TimeSeries

/// Reads a file of unit tests.
final class RuleTestReader {
    let values: PlacedReader

    init(_ document: PlacedDocument) { values = PlacedReader(document) }

    func file() -> RuleTestFile {
        let known = ["rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare"]
        let fields = values.document.root.map { values.fields($0, "the file", known: known) } ?? [:]
        let interval = positive(values.duration(fields["evaluation_interval"], "evaluation_interval")) ?? 60_000
        return RuleTestFile(
            path: values.document.file,
            ruleFiles: values.list(fields["rule_files"], "rule_files").map { values.text($0, "rule_files") },
            evaluationInterval: interval, groupOrder: order(fields["group_eval_order"]),
            comparesFuzzily: values.truth(fields["fuzzy_compare"], "fuzzy_compare"),
            tests: values.list(fields["tests"], "tests").map { test($0, interval) })
    }

    private func positive(_ duration: Int64?) -> Int64? { duration.flatMap { $0 > 0 ? $0 : nil } }

    private func order(_ value: PlacedValue?) -> [String] {
        var names: [String] = []
        for element in values.list(value, "group_eval_order") {
            let name = values.text(element, "group_eval_order")
            if names.contains(name) {
                values.report(
                    "repeated-group", "`group_eval_order` names `\(printable(name))` twice.", at: element.position,
                    remedy: "Keep one of them.")
            }
            names.append(name)
        }
        return names
    }

    private func test(_ value: PlacedValue, _ evaluationInterval: Int64) -> RuleTest {
        let known = [
            "name", "interval", "input_series", "alert_rule_test", "promql_expr_test", "external_labels",
            "external_url",
        ]
        let fields = values.fields(value, "tests", known: known)
        var test = RuleTest()
        test.name = values.text(fields["name"], "name")
        test.interval = positive(values.duration(fields["interval"], "interval")) ?? evaluationInterval
        test.series = values.list(fields["input_series"], "input_series").compactMap(series)
        test.alerts = values.list(fields["alert_rule_test"], "alert_rule_test").compactMap(alertCase)
        test.expressions = values.list(fields["promql_expr_test"], "promql_expr_test").map(expressionCase)
        test.externalLabels = Labels(
            values.texts(fields["external_labels"], "external_labels").map { Label(name: $0.pair.key, value: $0.text) })
        test.externalURL = values.text(fields["external_url"], "external_url")
        return test
    }

    private func series(_ value: PlacedValue) -> SeriesNotation? {
        let fields = values.fields(value, "input_series", known: ["series", "values"])
        let line = values.text(fields["series"], "series") + " " + values.text(fields["values"], "values")
        return reading(value) {
            let series = try SeriesNotation(line)
            if series.values.contains(.histogram) {
                values.report(
                    "histogram", "Native histograms are not supported.", at: fields["values"]?.position,
                    remedy: "Write numbers.")
            }
            return series
        }
    }

    private func reading<Value>(_ value: PlacedValue, _ body: () throws -> Value) -> Value? {
        do {
            return try body()
        } catch {
            let error = explain(error)
            values.report("bad-series", printable(error.what), at: value.position, remedy: error.remedy ?? "Mend it.")
            return nil
        }
    }

    private func alertCase(_ value: PlacedValue) -> RuleTest.AlertCase? {
        let fields = values.fields(value, "alert_rule_test", known: ["eval_time", "alertname", "exp_alerts"])
        let name = values.text(fields["alertname"], "alertname")
        if name.isEmpty {
            values.report(
                "no-name", "An `alert_rule_test` has no `alertname`.", at: value.position, remedy: "Name the alert.")
        }
        return RuleTest.AlertCase(
            time: values.duration(fields["eval_time"], "eval_time") ?? 0, name: name,
            expected: values.list(fields["exp_alerts"], "exp_alerts").map(expectedAlert), position: value.position)
    }

    private func expectedAlert(_ value: PlacedValue) -> RuleTest.ExpectedAlert {
        let fields = values.fields(value, "exp_alerts", known: ["exp_labels", "exp_annotations"])
        func texts(_ key: String) -> [String: String] {
            Dictionary(values.texts(fields[key], key).map { ($0.pair.key, $0.text) }, uniquingKeysWith: { $1 })
        }
        return RuleTest.ExpectedAlert(labels: texts("exp_labels"), annotations: texts("exp_annotations"))
    }

    private func expressionCase(_ value: PlacedValue) -> RuleTest.ExpressionCase {
        let fields = values.fields(value, "promql_expr_test", known: ["expr", "eval_time", "exp_samples"])
        return RuleTest.ExpressionCase(
            time: values.duration(fields["eval_time"], "eval_time") ?? 0,
            expression: values.text(fields["expr"], "expr"),
            expected: values.list(fields["exp_samples"], "exp_samples").compactMap(expectedSample),
            position: value.position)
    }

    private func expectedSample(_ value: PlacedValue) -> (labels: Labels, value: Double)? {
        let fields = values.fields(value, "exp_samples", known: ["labels", "value", "histogram"])
        if let histogram = fields["histogram"], !values.text(histogram, "histogram").isEmpty {
            values.report(
                "histogram", "Native histograms are not supported.", at: histogram.position, remedy: "Write a `value`.")
        }
        let number = values.number(fields["value"], "value")
        return reading(value) { (try SeriesNotation.labels(of: values.text(fields["labels"], "labels")), number) }
    }
}
