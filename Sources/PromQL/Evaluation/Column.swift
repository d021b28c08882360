import TimeSeries

/// One series over all steps.
///
/// A step without a value holds the stale marker, which no arithmetic can yield: a column is one block of memory,
/// and whether something is there is one comparison. Native histograms would be a second, optional block beside it.
struct Column {
    var labels: Labels
    /// Whether the metric's name falls away at the end. It stays until then, so that `label_replace` can still read it.
    var dropsName = false
    var values: [Double]

    static let absent = Double.staleMarker

    /// A column of `count` steps without a value.
    init(labels: Labels, dropsName: Bool = false, absentFor count: Int) {
        self.init(labels: labels, dropsName: dropsName, values: [Double](repeating: Self.absent, count: count))
    }

    init(labels: Labels, dropsName: Bool = false, values: [Double]) {
        self.labels = labels
        self.dropsName = dropsName
        self.values = values
    }

    var isEmpty: Bool { values.allSatisfy(\.isAbsent) }

    /// Replaces every value there is.
    @inline(__always) mutating func map(_ transform: (Double) -> Double) {
        values.withUnsafeMutableBufferPointer { values in
            for index in values.indices where !values[index].isAbsent { values[index] = transform(values[index]) }
        }
    }

    /// Replaces every value there is, told the step.
    @inline(__always) mutating func mapSteps(_ transform: (Double, Int) -> Double) {
        values.withUnsafeMutableBufferPointer { values in
            for index in values.indices where !values[index].isAbsent {
                values[index] = transform(values[index], index)
            }
        }
    }
}

extension Double {
    @inline(__always) var isAbsent: Bool { isStaleMarker }
}

extension Labels {
    /// Without what describes the metric itself: its name, type and unit.
    var withoutName: Labels { dropping(Self.metadata) }

    private static let metadata = LabelNames(metadataNames)
    static let metadataNames = [metricName, "__type__", "__unit__"]
}
