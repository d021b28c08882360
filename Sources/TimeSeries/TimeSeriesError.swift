internal import Machine

/// What stands between us and the stored series.
package struct TimeSeriesError: Explained {
    package enum Kind: String, Sendable {
        /// There is no room to write.
        case diskFull = "disk-full"
        /// What lies on the disk is not what was written.
        case damaged
        /// The disk or its file system refuses.
        case io
        /// Another process has the folder.
        case inUse = "in-use"
        /// A file of a version that this program does not know.
        case version
        /// A limit of the query or of the store.
        case limit
        case other
    }

    package let kind: Kind
    package let what: String
    package let place: String?
    package let remedy: String?

    package var code: String { "timeseries." + kind.rawValue }

    init(_ kind: Kind, _ what: String, _ place: String? = nil, remedy: String? = nil) {
        self.kind = kind
        self.what = what
        self.place = place
        self.remedy = remedy
    }

    static func damagedRows(_ count: Int, _ file: String) -> TimeSeriesError {
        TimeSeriesError(.damaged, "\(count) stored pieces of a series are damaged and were passed over.", file)
    }

    static func tooManySeries(_ limit: Int) -> TimeSeriesError {
        TimeSeriesError(
            .limit, "More than \(limit) series match.", remedy: "Ask for fewer: add label matchers to the selector.")
    }

    static func seriesLimit(_ limit: Int) -> TimeSeriesError {
        TimeSeriesError(
            .limit, "There are \(limit) series already, which is the limit; new ones are refused.",
            remedy: "See which metric has most of them, and drop it with metric_relabel_configs.")
    }
}
