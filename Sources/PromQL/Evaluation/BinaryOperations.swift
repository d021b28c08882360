import TimeSeries

/// Operators between scalars and vectors.
extension Evaluator {
    func evaluate(_ operation: BinaryOperation, over steps: Steps) throws -> Value {
        let left = try evaluate(operation.left, over: steps)
        let right = try evaluate(operation.right, over: steps)
        switch (left, right) {
        case (.scalar(var left), .scalar(let right)):
            let sign = operation.operation
            for step in left.indices {
                left[step] =
                    sign.isComparison
                    ? (compare(sign, left[step], right[step]) ? 1 : 0)
                    : arithmetic(sign, left[step], right[step])
            }
            return .scalar(left)
        case (.vector(let columns), .scalar(let values)):
            return .vector(try combined(operation, columns, values, isSwapped: false, steps))
        case (.scalar(let values), .vector(let columns)):
            return .vector(try combined(operation, columns, values, isSwapped: true, steps))
        case (.vector(let left), .vector(let right)):
            if operation.operation.isSetOperation {
                return .vector(try setOperation(operation, left, right, steps))
            }
            return .vector(try matched(operation, left, right, steps))
        default: preconditionFailure("BUG: the parser let a string pass for an operand")
        }
    }

    /// A vector with a scalar; a comparison keeps the vector's values.
    private func combined(
        _ operation: BinaryOperation, _ columns: [Column], _ scalars: [Double], isSwapped: Bool, _ steps: Steps
    ) throws -> [Column] {
        var columns = columns
        let sign = operation.operation
        let returnsBool = operation.returnsBool
        for index in columns.indices {
            columns[index].mapSteps { value, step in
                let left = isSwapped ? scalars[step] : value
                let right = isSwapped ? value : scalars[step]
                guard sign.isComparison else { return arithmetic(sign, left, right) }
                let holds = compare(sign, left, right)
                return returnsBool ? (holds ? 1 : 0) : (holds ? value : Column.absent)
            }
        }
        if sign.isComparison, !returnsBool { return columns.filter { !$0.isEmpty } }
        return try droppingName(columns, count: steps.count)
    }

    // MARK: Two vectors

    /// Columns of both sides whose matching labels are the same.
    private struct Match {
        var left: [Int] = []
        var right: [Int] = []
        let labels: Labels
    }

    private func matches(_ matching: Matching, _ left: [Column], _ right: [Column]) -> [Match] {
        var places: [Labels: Int] = [:]
        var matches: [Match] = []
        let key = matching.key
        func place(of column: Column) -> Int {
            let labels = key(column.labels)
            if let place = places[labels] { return place }
            places[labels] = matches.count
            matches.append(Match(labels: labels))
            return matches.count - 1
        }
        for (index, column) in left.enumerated() { matches[place(of: column)].left.append(index) }
        for (index, column) in right.enumerated() { matches[place(of: column)].right.append(index) }
        return matches
    }

    private func matched(
        _ operation: BinaryOperation, _ left: [Column], _ right: [Column], _ steps: Steps
    ) throws -> [Column] {
        guard !left.isEmpty, !right.isEmpty else { return [] }
        // The side that may have many comes first.
        let isSwapped = operation.matching.cardinality == .oneToMany
        let (many, one) = isSwapped ? (right, left) : (left, right)
        var result: [Column] = []
        for match in matches(operation.matching, many, one) {
            try refuseMany(match, one, operation, whereAnyOf: many, steps)
            var taken =
                operation.matching.cardinality == .oneToOne && match.left.count > 1
                ? [Bool](repeating: false, count: steps.count) : []
            for manyIndex in match.left {
                for oneIndex in match.right {
                    let column = try combined(operation, many[manyIndex], one[oneIndex], isSwapped, steps)
                    if !taken.isEmpty { try refuseTwice(column, &taken) }
                    if !column.isEmpty { result.append(column) }
                }
            }
        }
        return try merged(
            result, count: steps.count,
            complaint: operation.matching.cardinality == .oneToOne
                ? "vector cannot contain metrics with the same labelset"
                : "multiple matches for labels: grouping labels must ensure unique matches")
    }

    private func combined(
        _ operation: BinaryOperation, _ many: Column, _ one: Column, _ isSwapped: Bool, _ steps: Steps
    ) throws -> Column {
        try budget.charge(steps.count)
        let sign = operation.operation
        let returnsBool = operation.returnsBool
        let values = many.values.withUnsafeBufferPointer { manyValues in
            one.values.withUnsafeBufferPointer { oneValues in
                [Double](unsafeUninitializedCapacity: steps.count) { values, count in
                    for step in 0..<steps.count {
                        let (first, second) = (manyValues[step], oneValues[step])
                        if first.isAbsent || second.isAbsent {
                            values[step] = Column.absent
                            continue
                        }
                        let left = isSwapped ? second : first
                        let right = isSwapped ? first : second
                        if sign.isComparison {
                            let holds = compare(sign, left, right)
                            values[step] = returnsBool ? (holds ? 1 : 0) : (holds ? left : Column.absent)
                        } else {
                            values[step] = arithmetic(sign, left, right)
                        }
                    }
                    count = steps.count
                }
            }
        }
        var column = Column(
            labels: operation.resultLabels(many: many.labels, one: one.labels), dropsName: returnsBool, values: values)
        if returnsBool, !options.delaysNameRemoval {
            column.labels = column.labels.withoutName
            column.dropsName = false
        }
        return column
    }

    /// Throws when the side that has to be one has two series at a step at which the other side has any.
    private func refuseMany(
        _ match: Match, _ one: [Column], _ operation: BinaryOperation, whereAnyOf many: [Column], _ steps: Steps
    ) throws {
        guard match.right.count > 1 else { return }
        for step in 0..<steps.count {
            let present = match.right.filter { !one[$0].values[step].isAbsent }
            guard present.count > 1, many.contains(where: { !$0.values[step].isAbsent }) else { continue }
            let side = operation.matching.cardinality == .oneToMany ? "left" : "right"
            let names = present.prefix(2).map { one[$0].labels.description }.joined(separator: ", ")
            throw PromQLError(
                .execution,
                "found duplicate series for the match group \(match.labels) on the \(side) hand-side of the operation: [\(names)]; many-to-many matching not allowed: matching labels must be unique on one side"
            )
        }
    }

    private func refuseTwice(_ column: Column, _ taken: inout [Bool]) throws {
        for (step, value) in column.values.enumerated() where !value.isAbsent {
            guard !taken[step] else {
                throw PromQLError(
                    .execution,
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)")
            }
            taken[step] = true
        }
    }

    // MARK: Sets

    private func setOperation(
        _ operation: BinaryOperation, _ left: [Column], _ right: [Column], _ steps: Steps
    ) throws -> [Column] {
        let matches = matches(operation.matching, left, right)
        let isOr = operation.operation == .or
        let keepsMatched = operation.operation == .and
        // `or` keeps the left side and looks at the right, the others the other way round.
        var (kept, other) = isOr ? (right, left) : (left, right)
        try budget.charge((left.count + right.count) * steps.count)
        for match in matches {
            let (keptOnes, otherOnes) = isOr ? (match.right, match.left) : (match.left, match.right)
            guard !keptOnes.isEmpty, keepsMatched || !otherOnes.isEmpty else { continue }
            var isThere = [Bool](repeating: false, count: steps.count)
            for index in otherOnes {
                for step in 0..<steps.count where !other[index].values[step].isAbsent { isThere[step] = true }
            }
            for index in keptOnes {
                kept[index].mapSteps { value, step in isThere[step] == keepsMatched ? value : Column.absent }
            }
        }
        kept = kept.filter { !$0.isEmpty }
        return isOr ? try merged(other + kept, count: steps.count) : kept
    }
}

extension Matching {
    /// Takes the labels of a series to those that have to be the same on both sides.
    var key: (Labels) -> Labels {
        let names = LabelNames(isOn ? labels : labels + [Labels.metricName])
        return isOn ? { $0.keeping(names) } : { $0.dropping(names) }
    }
}

extension BinaryOperation {
    /// The labels of the value of two series.
    func resultLabels(many: Labels, one: Labels) -> Labels {
        var labels = operation.isComparison ? many : many.withoutName
        if matching.cardinality == .oneToOne {
            let names = LabelNames(matching.labels)
            labels = matching.isOn ? labels.keeping(names) : labels.dropping(names)
        }
        for name in matching.include { labels = labels.setting(name, to: one[name] ?? "") }
        return labels
    }
}
