import TimeSeries

/// Evaluates an expression whose series are selected: node by node, each over all steps at once.
///
/// Labels are looked at once for each series and node, never once for each step.
final class Evaluator {
    /// What a node yields over all steps.
    enum Value {
        /// One value a step.
        case scalar([Double])
        case vector([Column])
        case string(String)
    }

    /// The selected series, by where the selector stands in the expression.
    let selections: [Int: [SelectedSeries]]
    /// Of the whole query: what `start()` and `end()` mean.
    let bounds: ClosedRange<Int64>
    let options: Engine.Options
    let budget: Budget
    let annotations: Annotations
    /// Samples of the series at hand; kept, so that its memory serves all series of the query.
    var scratch: [Sample] = []

    init(
        selections: [Int: [SelectedSeries]], bounds: ClosedRange<Int64>, options: Engine.Options, budget: Budget,
        annotations: Annotations
    ) {
        self.selections = selections
        self.bounds = bounds
        self.options = options
        self.budget = budget
        self.annotations = annotations
    }

    // MARK: Nodes

    func evaluate(_ expression: Expression, over steps: Steps) throws -> Value {
        try budget.checkTime()
        if steps.count > 1, expression.isStepInvariant {
            return try repeated(evaluate(expression, over: .one(steps.start)), count: steps.count)
        }
        switch expression {
        case .number(let value, _):
            return .scalar(try filled(value, count: steps.count))
        case .string(let text, _): return .string(text)
        case .parentheses(let inner, _), .plus(let inner, _): return try evaluate(inner, over: steps)
        case .negation(let inner, _): return try negated(evaluate(inner, over: steps), count: steps.count)
        case .selector(let selector): return .vector(try columns(of: selector, over: steps))
        case .binary(let operation): return try evaluate(operation, over: steps)
        case .aggregation(let aggregation): return .vector(try evaluate(aggregation, over: steps))
        case .call(let call): return try evaluate(call, over: steps)
        case .range, .subquery:
            preconditionFailure("BUG: a range vector is read by the function around it")
        }
    }

    func vector(_ expression: Expression, over steps: Steps) throws -> [Column] {
        guard case .vector(let columns) = try evaluate(expression, over: steps) else {
            preconditionFailure("BUG: the parser let a \(expression.type) pass for a vector")
        }
        return columns
    }

    func scalar(_ expression: Expression, over steps: Steps) throws -> [Double] {
        guard case .scalar(let values) = try evaluate(expression, over: steps) else {
            preconditionFailure("BUG: the parser let a \(expression.type) pass for a scalar")
        }
        return values
    }

    func string(_ expression: Expression) -> String {
        guard case .string(let text, _) = expression.bare else {
            preconditionFailure("BUG: the parser let a \(expression.type) pass for a string")
        }
        return text
    }

    func filled(_ value: Double, count: Int) throws -> [Double] {
        try budget.charge(count)
        return [Double](repeating: value, count: count)
    }

    private func repeated(_ value: Value, count: Int) throws -> Value {
        switch value {
        case .string: return value
        case .scalar(let values): return .scalar(try filled(values[0], count: count))
        case .vector(let columns):
            return .vector(
                try columns.map { column in
                    Column(
                        labels: column.labels, dropsName: column.dropsName,
                        values: try filled(column.values[0], count: count))
                })
        }
    }

    private func negated(_ value: Value, count: Int) throws -> Value {
        switch value {
        case .scalar(let values): return .scalar(values.map { -$0 })
        case .vector(var columns):
            for index in columns.indices { columns[index].map { -$0 } }
            return .vector(try droppingName(columns, count: count))
        case .string: return value
        }
    }

    // MARK: Names and duplicates

    /// The columns after a function that changes what the values mean, so that the metric's name no longer fits.
    func droppingName(_ columns: [Column], count: Int) throws -> [Column] {
        var columns = columns
        if options.delaysNameRemoval {
            for index in columns.indices { columns[index].dropsName = true }
            return columns
        }
        for index in columns.indices { columns[index].labels = columns[index].labels.withoutName }
        return try merged(columns, count: count)
    }

    /// Joins columns of the same labels that share no step. Throws when two have a value at the same step.
    func merged(
        _ columns: [Column], count: Int,
        complaint: String = "vector cannot contain metrics with the same labelset"
    ) throws -> [Column] {
        var places: [Labels: Int] = Dictionary(minimumCapacity: columns.count)
        var result: [Column] = []
        result.reserveCapacity(columns.count)
        for column in columns {
            guard let place = places[column.labels] else {
                places[column.labels] = result.count
                result.append(column)
                continue
            }
            for step in 0..<count where !column.values[step].isAbsent {
                guard result[place].values[step].isAbsent else { throw PromQLError(.execution, complaint) }
                result[place].values[step] = column.values[step]
            }
            result[place].dropsName = result[place].dropsName && column.dropsName
        }
        return result
    }

    /// The columns with the names taken away that were to fall at the end.
    private func finished(_ columns: [Column], count: Int) throws -> [Column] {
        guard columns.contains(where: \.dropsName) else { return try merged(columns, count: count) }
        return try merged(
            columns.map { column in
                column.dropsName ? Column(labels: column.labels.withoutName, values: column.values) : column
            }, count: count)
    }

    // MARK: Answers

    func instantAnswer(_ expression: Expression, at time: Int64) throws -> Answer {
        switch expression.type {
        case .string: return answer(.string(string(expression), time: time))
        case .scalar:
            return answer(.scalar(Sample(time: time, value: try scalar(expression, over: .one(time))[0])))
        case .instantVector:
            let columns = try finished(vector(expression, over: .one(time)), count: 1)
            return answer(
                .vector(
                    columns.compactMap { column in
                        guard !column.values[0].isAbsent else { return nil }
                        return Answer.Element(
                            labels: column.labels, sample: Sample(time: time, value: column.values[0]))
                    }))
        case .rangeVector:
            var series: [Answer.Series] = []
            try forEachRange(of: expression, over: .one(time)) { range in
                let window = range.window(at: 0)
                guard !window.isEmpty else { return }
                let labels = range.dropsName ? range.labels.withoutName : range.labels
                series.append(Answer.Series(labels: labels, floats: Array(range.samples[window])))
            }
            return answer(.matrix(series.sorted { $0.labels < $1.labels }))
        }
    }

    func rangeAnswer(_ expression: Expression, over steps: Steps) throws -> Answer {
        let columns: [Column]
        switch try evaluate(expression, over: steps) {
        case .scalar(let values): columns = [Column(labels: Labels(), values: values)]
        case .vector(let vector): columns = try finished(vector, count: steps.count)
        case .string: preconditionFailure("BUG: a string has no range")
        }
        let series = columns.compactMap { column -> Answer.Series? in
            var floats: [Sample] = []
            floats.reserveCapacity(steps.count)
            for (step, value) in column.values.enumerated() where !value.isAbsent {
                floats.append(Sample(time: steps.time(step), value: value))
            }
            return floats.isEmpty ? nil : Answer.Series(labels: column.labels, floats: floats)
        }
        return answer(.matrix(series.sorted { $0.labels < $1.labels }))
    }

    private func answer(_ value: Answer.Value) -> Answer { Answer(value: value, annotations: annotations.all) }
}
