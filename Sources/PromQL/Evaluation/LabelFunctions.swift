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
        return try relabelled(vector(call.arguments[0], over: steps), target, steps) { labels in
            guard let groups = expression.groups(of: labels[source] ?? "") else { return nil }
            return expanded(replacement, groups, expression)
        }
    }

    func labelJoin(_ call: Call, over steps: Steps) throws -> [Column] {
        let target = string(call.arguments[1])
        let separator = string(call.arguments[2])
        let sources = call.arguments.dropFirst(3).map(string)
        try checkLabelName(target, in: call.function, "destination")
        for source in sources { try checkLabelName(source, in: call.function, "source") }
        return try relabelled(vector(call.arguments[0], over: steps), target, steps) { labels in
            sources.map { labels[$0] ?? "" }.joined(separator: separator)
        }
    }

    private func checkLabelName(_ name: String, in function: Function, _ role: String) throws {
        guard !name.isEmpty else {
            throw PromQLError(.execution, "invalid \(role) label name in \(function.rawValue)(): \"\"")
        }
    }

    /// The columns with `target` set to what `value` says, where it says something.
    private func relabelled(
        _ columns: [Column], _ target: String, _ steps: Steps, _ value: (Labels) -> String?
    ) throws -> [Column] {
        var columns = columns
        for index in columns.indices {
            guard let value = value(columns[index].labels) else { continue }
            columns[index].labels = columns[index].labels.setting(target, to: value)
            if target == Labels.metricName { columns[index].dropsName = false }
        }
        return try merged(columns, count: steps.count)
    }
}

/// `$1`, `${1}`, `$name`, `${name}` and `$$` in `template`, as Go expands them.
private func expanded(_ template: String, _ groups: [Substring?], _ expression: RegularExpression) -> String {
    var result = ""
    var rest = Substring(template)
    while let dollar = rest.firstIndex(of: "$") {
        result += rest[..<dollar]
        rest = rest[rest.index(after: dollar)...]
        if rest.first == "$" {
            result += "$"
            rest.removeFirst()
            continue
        }
        let braced = rest.first == "{"
        let body = braced ? rest.dropFirst() : rest
        let name = body.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        let after = body.dropFirst(name.count)
        guard !name.isEmpty, !braced || after.first == "}" else {
            result += "$"
            continue
        }
        let group = Int(name) ?? expression.group(named: String(name))
        if let group, groups.indices.contains(group), let text = groups[group] { result += text }
        rest = braced ? after.dropFirst() : after
    }
    return result + rest
}
