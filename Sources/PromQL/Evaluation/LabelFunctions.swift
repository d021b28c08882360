import TimeSeries

/// `label_replace` and `label_join`.
extension Evaluator {
    func labelReplace(_ call: Call, over steps: Steps) throws -> [Column] {
        let target = string(call.arguments[1])
        let replacement = string(call.arguments[2])
        let source = string(call.arguments[3])
        let pattern = string(call.arguments[4])
        let expression: RegularExpression
        do {
            expression = try RegularExpression(pattern)
        } catch {
            throw PromQLError(.execution, "invalid regular expression in label_replace(): \(pattern): \(error.reason)")
        }
        try checkLabelName(target, in: call.function, "destination")
        let references = replacement.utf8.count { $0 == UInt8(ascii: "$") }
        return try relabelled(vector(call.arguments[0], over: steps), target, steps) { labels in
            let text = labels[source] ?? ""
            guard let groups = expression.groups(of: text) else { return nil }
            // Each reference yields at most all of the text.
            try charge(label: replacement.utf8.count + references * text.utf8.count, call.function)
            return expression.expand(replacement, groups)
        }
    }

    func labelJoin(_ call: Call, over steps: Steps) throws -> [Column] {
        let target = string(call.arguments[1])
        let separator = string(call.arguments[2])
        let sources = call.arguments.dropFirst(3).map(string)
        try checkLabelName(target, in: call.function, "destination")
        for source in sources { try checkLabelName(source, in: call.function, "source") }
        return try relabelled(vector(call.arguments[0], over: steps), target, steps) { labels in
            let texts = sources.map { labels[$0] ?? "" }
            let length = texts.reduce(separator.utf8.count * texts.count) { $0 + $1.utf8.count }
            try charge(label: length, call.function)
            return texts.joined(separator: separator)
        }
    }

    /// Takes a label's value of at most so many bytes from the budget: nested calls could make it grow without bounds.
    private func charge(label length: Int, _ function: Function) throws {
        guard length <= options.limits.labelValue else {
            throw PromQLError(
                .execution,
                "\(function.rawValue)() would make a label's value longer than \(options.limits.labelValue) bytes")
        }
        try budget.charge(length / 8)
    }

    private func checkLabelName(_ name: String, in function: Function, _ role: String) throws {
        guard !name.isEmpty else {
            throw PromQLError(.execution, "invalid \(role) label name in \(function.rawValue)(): \"\"")
        }
    }

    /// The columns with `target` set to what `value` says, where it says something.
    private func relabelled(
        _ columns: [Column], _ target: String, _ steps: Steps, _ value: (Labels) throws -> String?
    ) throws -> [Column] {
        var columns = columns
        for index in columns.indices {
            guard let value = try value(columns[index].labels) else { continue }
            columns[index].labels = columns[index].labels.setting(target, to: value)
            if target == Labels.metricName { columns[index].dropsName = false }
        }
        return try merged(columns, count: steps.count)
    }
}
