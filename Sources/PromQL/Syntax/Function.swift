/// Every function that is known.
package enum Function: String, CaseIterable, Sendable {
    case abs, absent, acos, acosh, asin, asinh, atan, atanh, ceil, changes, clamp, cos, cosh, deg, delta, deriv, exp,
        floor, hour, idelta, increase, irate, ln, log10, log2, minute, month, pi, rad, rate, resets, round, scalar, sgn,
        sin, sinh, sort, sqrt, tan, tanh, time, timestamp, vector, year
    case absentOverTime = "absent_over_time"
    case avgOverTime = "avg_over_time"
    case clampMax = "clamp_max"
    case clampMin = "clamp_min"
    case countOverTime = "count_over_time"
    case dayOfMonth = "day_of_month"
    case dayOfWeek = "day_of_week"
    case dayOfYear = "day_of_year"
    case daysInMonth = "days_in_month"
    case histogramAvg = "histogram_avg"
    case histogramCount = "histogram_count"
    case histogramFraction = "histogram_fraction"
    case histogramQuantile = "histogram_quantile"
    case histogramStddev = "histogram_stddev"
    case histogramStdvar = "histogram_stdvar"
    case histogramSum = "histogram_sum"
    case labelJoin = "label_join"
    case labelReplace = "label_replace"
    case lastOverTime = "last_over_time"
    case maxOverTime = "max_over_time"
    case minOverTime = "min_over_time"
    case predictLinear = "predict_linear"
    case presentOverTime = "present_over_time"
    case quantileOverTime = "quantile_over_time"
    case sortDesc = "sort_desc"
    case stddevOverTime = "stddev_over_time"
    case stdvarOverTime = "stdvar_over_time"
    case sumOverTime = "sum_over_time"
    // Experimental in Prometheus 3.5.
    case doubleExponentialSmoothing = "double_exponential_smoothing"
    case madOverTime = "mad_over_time"
    case sortByLabel = "sort_by_label"
    case sortByLabelDesc = "sort_by_label_desc"
    case tsOfLastOverTime = "ts_of_last_over_time"
    case tsOfMaxOverTime = "ts_of_max_over_time"
    case tsOfMinOverTime = "ts_of_min_over_time"

    struct Signature {
        let arguments: [ValueType]
        /// How many of the last arguments may be left out.
        var optional = 0
        /// Whether the last argument may come again and again.
        var isVariadic = false
        let result: ValueType
    }

    package var isExperimental: Bool {
        switch self {
        case .doubleExponentialSmoothing, .madOverTime, .sortByLabel, .sortByLabelDesc, .tsOfLastOverTime,
            .tsOfMaxOverTime, .tsOfMinOverTime:
            true
        default: false
        }
    }

    var signature: Signature {
        switch self {
        case .pi, .time: Signature(arguments: [], result: .scalar)
        case .scalar: Signature(arguments: [.instantVector], result: .scalar)
        case .vector: Signature(arguments: [.scalar], result: .instantVector)
        case .clamp: Signature(arguments: [.instantVector, .scalar, .scalar], result: .instantVector)
        case .clampMax, .clampMin: Signature(arguments: [.instantVector, .scalar], result: .instantVector)
        case .round: Signature(arguments: [.instantVector, .scalar], optional: 1, result: .instantVector)
        case .dayOfMonth, .dayOfWeek, .dayOfYear, .daysInMonth, .hour, .minute, .month, .year:
            Signature(arguments: [.instantVector], optional: 1, result: .instantVector)
        case .histogramQuantile: Signature(arguments: [.scalar, .instantVector], result: .instantVector)
        case .histogramFraction: Signature(arguments: [.scalar, .scalar, .instantVector], result: .instantVector)
        case .labelReplace:
            Signature(arguments: [.instantVector, .string, .string, .string, .string], result: .instantVector)
        case .labelJoin:
            Signature(
                arguments: [.instantVector, .string, .string, .string], optional: 1, isVariadic: true,
                result: .instantVector)
        case .sortByLabel, .sortByLabelDesc:
            Signature(arguments: [.instantVector, .string], optional: 1, isVariadic: true, result: .instantVector)
        case .absentOverTime, .avgOverTime, .changes, .countOverTime, .delta, .deriv, .idelta, .increase, .irate,
            .lastOverTime, .madOverTime, .maxOverTime, .minOverTime, .presentOverTime, .rate, .resets, .stddevOverTime,
            .stdvarOverTime, .sumOverTime, .tsOfLastOverTime, .tsOfMaxOverTime, .tsOfMinOverTime:
            Signature(arguments: [.rangeVector], result: .instantVector)
        case .predictLinear: Signature(arguments: [.rangeVector, .scalar], result: .instantVector)
        case .quantileOverTime: Signature(arguments: [.scalar, .rangeVector], result: .instantVector)
        case .doubleExponentialSmoothing:
            Signature(arguments: [.rangeVector, .scalar, .scalar], result: .instantVector)
        case .abs, .absent, .acos, .acosh, .asin, .asinh, .atan, .atanh, .ceil, .cos, .cosh, .deg, .exp, .floor,
            .histogramAvg, .histogramCount, .histogramStddev, .histogramStdvar, .histogramSum, .ln, .log10, .log2,
            .rad, .sgn, .sin, .sinh, .sort, .sortDesc, .sqrt, .tan, .tanh, .timestamp:
            Signature(arguments: [.instantVector], result: .instantVector)
        }
    }

    /// Whether the answer depends on the step's time even when the arguments do not.
    var dependsOnTime: Bool {
        switch self {
        case .time, .timestamp, .dayOfMonth, .dayOfWeek, .dayOfYear, .daysInMonth, .hour, .minute, .month, .year,
            .predictLinear:
            true
        default: false
        }
    }
}
