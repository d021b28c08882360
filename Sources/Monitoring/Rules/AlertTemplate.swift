internal import TimeSeries

/// The template of an alert's label or annotation, with `$labels`, `$externalLabels`, `$externalURL` and `$value`.
struct AlertTemplate: Sendable {
    private static let definitions =
        "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"

    /// Nil where the text is nothing but itself.
    private let set: TemplateSet?
    private let text: String
    private let name: String

    /// Reads `text`; throws in the words of Go's templates.
    init(_ text: String, alert: String) throws(TemplateProblem) {
        self.text = text
        name = "__alert_" + alert
        set =
            text.contains("{{")
            ? try TemplateSet(name: name, text: Self.definitions + text, functions: TemplateFunctions.names) : nil
    }

    /// The text for one alert; where the template fails, Prometheus's words for that.
    func expanded(for data: TemplateData, _ functions: TemplateFunctions) -> String {
        guard let set else { return text }
        do {
            return try TemplateRun.text(of: set, for: data, functions)
        } catch {
            return "<error expanding template: error executing template \(name): \(error)>"
        }
    }
}
