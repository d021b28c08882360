import TimeSeries

/// Aggregations: columns are put into groups once, then each group is taken to one column, or to some of its own.
extension Evaluator {
    /// The columns that go into one.
    struct Group {
        let labels: Labels
        var members: [Int]
        /// Whether all members' names fall away at the end.
        var dropsName: Bool
    }

    func evaluate(_ aggregation: Aggregation, over steps: Steps) throws -> [Column] {
        let columns = try vector(aggregation.expression, over: steps)
        if aggregation.operation == .countValues {
            return try countValues(aggregation, columns, over: steps)
        }
        let parameter = try aggregation.parameter.map { try scalar($0, over: steps) } ?? []
        guard !columns.isEmpty else { return [] }
        try budget.charge(columns.count)
        let groups = groups(of: columns, aggregation.grouping)
        switch aggregation.operation {
        case .topk, .bottomk, .limitk:
            try check(counts: parameter)
            return try chosen(aggregation.operation, columns, groups, parameter, steps)
        case .limitRatio: return limited(aggregation, columns, toRatio: parameter)
        default:
            if aggregation.operation == .quantile, let argument = aggregation.parameter {
                warnOfQuantiles(parameter, argument)
            }
            return try groups.map { group in
                try budget.charge(steps.count)
                return Column(
                    labels: group.labels, dropsName: group.dropsName,
                    values: try reduced(aggregation.operation, columns, group.members, parameter, steps.count))
            }
        }
    }

    private func groups(of columns: [Column], _ grouping: Grouping) -> [Group] {
        var places: [Labels: Int] = [:]
        var groups: [Group] = []
        let key = grouping.key
        for (index, column) in columns.enumerated() {
            let labels = key(column.labels)
            if let place = places[labels] {
                groups[place].members.append(index)
                if !column.dropsName { groups[place].dropsName = false }
            } else {
                places[labels] = groups.count
                groups.append(Group(labels: labels, members: [index], dropsName: column.dropsName))
            }
        }
        return groups
    }

    // MARK: One value from many

    private func reduced(
        _ operation: Aggregator, _ columns: [Column], _ members: [Int], _ parameter: [Double], _ count: Int
    ) throws -> [Double] {
        switch operation {
        case .sum: folded(columns, members, count, { KahanSum($0) }, { $0.add($1) }, { $0.value })
        case .avg: folded(columns, members, count, { KahanMean($0) }, { $0.add($1) }, { $0.value })
        case .min: folded(columns, members, count, { $0 }, { if $1 < $0 || $0.isNaN { $0 = $1 } }, { $0 })
        case .max: folded(columns, members, count, { $0 }, { if $1 > $0 || $0.isNaN { $0 = $1 } }, { $0 })
        case .count: folded(columns, members, count, { _ in 1.0 }, { sum, _ in sum += 1 }, { $0 })
        case .group: folded(columns, members, count, { _ in 1.0 }, { _, _ in }, { $0 })
        case .stdvar: folded(columns, members, count, { Spread($0) }, { $0.add($1) }, { $0.variance })
        case .stddev: folded(columns, members, count, { Spread($0) }, { $0.add($1) }, { $0.variance.squareRoot() })
        case .quantile: try quantiles(columns, members, parameter, count)
        default: preconditionFailure("BUG: \(operation) yields more than one value")
        }
    }

    /// Column by column: the steps of one column lie side by side in memory, those of one step do not.
    @inline(__always)
    private func folded<State>(
        _ columns: [Column], _ members: [Int], _ count: Int, _ begin: (Double) -> State,
        _ add: (inout State, Double) -> Void, _ end: (State) -> Double
    ) -> [Double] {
        var states: [State] = []
        states.reserveCapacity(count)
        let nothing = begin(0)
        var isThere = [Bool](repeating: false, count: count)
        columns[members[0]].values.withUnsafeBufferPointer { values in
            for step in 0..<count {
                let value = values[step]
                isThere[step] = !value.isAbsent
                states.append(value.isAbsent ? nothing : begin(value))
            }
        }
        states.withUnsafeMutableBufferPointer { states in
            isThere.withUnsafeMutableBufferPointer { isThere in
                for member in members.dropFirst() {
                    columns[member].values.withUnsafeBufferPointer { values in
                        for step in 0..<count where !values[step].isAbsent {
                            if isThere[step] {
                                add(&states[step], values[step])
                            } else {
                                states[step] = begin(values[step])
                                isThere[step] = true
                            }
                        }
                    }
                }
            }
        }
        return (0..<count).map { isThere[$0] ? end(states[$0]) : Column.absent }
    }

    private func quantiles(
        _ columns: [Column], _ members: [Int], _ ranks: [Double], _ count: Int
    ) throws -> [Double] {
        try (0..<count).map { step in
            try budget.work(members.count)
            let values = members.map { columns[$0].values[step] }.filter { !$0.isAbsent }
            return values.isEmpty ? Column.absent : sortedQuantile(ranks[step], values)
        }
    }

    // MARK: Some of many

    private func check(counts: [Double]) throws {
        if let bad = counts.first(where: { $0.isNaN }) {
            throw PromQLError(.execution, "parameter value is \(FloatText.short(bad))")
        }
        if let bad = counts.first(where: { $0 >= 0x1p63 || $0 <= -0x1p63 }) {
            throw PromQLError(.execution, "scalar value \(FloatText.short(bad)) overflows int64")
        }
    }

    /// `topk`, `bottomk`, `limitk`: the group's own columns, at each step those that are chosen.
    private func chosen(
        _ operation: Aggregator, _ columns: [Column], _ groups: [Group], _ counts: [Double], _ steps: Steps
    ) throws -> [Column] {
        var result: [Column] = []
        for group in groups {
            try budget.charge(group.members.count * steps.count)
            var picked = group.members.map { index in
                Column(labels: columns[index].labels, dropsName: columns[index].dropsName, absentFor: steps.count)
            }
            var heap = ValueHeap(wantsLargest: operation == .topk)
            var order: [Int] = []
            for step in 0..<steps.count {
                let limit = Int(max(0, min(counts[step], Double(group.members.count))))
                guard limit > 0 else { continue }
                if operation == .limitk {
                    order = Array(
                        group.members.indices.lazy.filter { !columns[group.members[$0]].values[step].isAbsent }
                            .prefix(limit))
                } else {
                    heap.removeAll()
                    for (place, member) in group.members.enumerated() where !columns[member].values[step].isAbsent {
                        heap.offer(columns[member].values[step], at: place, limit: limit)
                    }
                    order = steps.count == 1 ? heap.places : heap.items.map(\.place)
                }
                for place in order { picked[place].values[step] = columns[group.members[place]].values[step] }
            }
            // With one step, its order is that of the answer.
            result += steps.count == 1 ? order.map { picked[$0] } : picked.filter { !$0.isEmpty }
        }
        return result
    }

    /// `limit_ratio`: a share of the series by a hash of their labels; a negative ratio yields the complement.
    private func limited(_ aggregation: Aggregation, _ columns: [Column], toRatio ratios: [Double]) -> [Column] {
        let range = aggregation.parameter?.range ?? aggregation.range
        for ratio in ratios where ratio.magnitude > 1 {
            annotations.invalidRatio(ratio, cappedTo: ratio < 0 ? -1 : 1, range)
        }
        var columns = columns
        for index in columns.indices {
            let share = columns[index].labels.share
            columns[index].mapSteps { value, step in
                let ratio = max(-1, min(1, ratios[step]))
                let isIn = ratio >= 0 ? share < ratio : share >= 1 + ratio
                return isIn ? value : Column.absent
            }
        }
        return columns.filter { !$0.isEmpty }
    }

    // MARK: Many from many

    private func countValues(_ aggregation: Aggregation, _ columns: [Column], over steps: Steps) throws -> [Column] {
        guard let argument = aggregation.parameter else {
            preconditionFailure("BUG: count_values without a label's name")
        }
        let name = string(argument)
        guard !name.isEmpty else { throw PromQLError(.execution, "invalid label name \"\"") }
        var places: [Labels: Int] = [:]
        var result: [Column] = []
        let showsValue = aggregation.grouping.admits(name)
        for group in groups(of: columns, aggregation.grouping) {
            var byValue: [UInt64: Int] = [:]
            for member in group.members {
                for step in 0..<steps.count where !columns[member].values[step].isAbsent {
                    let value = columns[member].values[step]
                    let bits = value.isNaN ? Double.nan.bitPattern : value.bitPattern
                    let place: Int
                    if let known = byValue[bits] {
                        place = known
                    } else {
                        let labels =
                            showsValue ? group.labels.setting(name, to: FloatText.plain(value)) : group.labels
                        place = places[labels] ?? result.count
                        places[labels] = place
                        byValue[bits] = place
                        if place == result.count {
                            try budget.charge(steps.count)
                            result.append(
                                Column(labels: labels, dropsName: group.dropsName, absentFor: steps.count))
                        }
                    }
                    let count = result[place].values[step]
                    result[place].values[step] = count.isAbsent ? 1 : count + 1
                }
            }
        }
        return result
    }
}

extension Grouping {
    /// Whether the label that `count_values` sets stays: `without` may take it away again.
    func admits(_ name: String) -> Bool {
        if case .without(let list) = self { !list.contains(name) && name != Labels.metricName } else { true }
    }

    /// Takes the labels of a series to those of the group that it belongs to.
    var key: (Labels) -> Labels {
        switch self {
        case .by([]): return { _ in Labels() }
        case .by(let list):
            let names = LabelNames(list)
            return { $0.keeping(names) }
        case .without(let list):
            let names = LabelNames(list + Labels.metadataNames)
            return { $0.dropping(names) }
        }
    }
}

extension Labels {
    /// A number in 0..<1 that depends on the labels alone (FNV-1a, mixed).
    fileprivate var share: Double {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        forEachBytes { name, value in
            for part in [name, value] {
                for byte in part { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
                hash = (hash ^ 0xff) &* 0x100_0000_01b3
            }
        }
        hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        return Double(hash >> 11) * 0x1p-53
    }
}

/// Mean and variance in one pass (Welford's).
private struct Spread {
    private var count = 1.0
    private var mean: Double
    private var squares: Double

    init(_ first: Double) {
        mean = first
        squares = first.isFinite ? 0 : .nan
    }

    @inline(__always) mutating func add(_ value: Double) {
        count += 1
        let delta = value - mean
        mean += delta / count
        squares += delta * (value - mean)
    }

    var variance: Double { squares / count }
}
