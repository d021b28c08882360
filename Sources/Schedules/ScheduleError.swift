import Machine

/// What is wrong with a schedule: an expression, a time zone, what is installed, who would start it.
package struct ScheduleError: Explained, Equatable {
    package let code: String
    package let what: String
    package let place: String?
    package let remedy: String?
    /// Whether nothing was begun: a refusal, rather than a failure.
    package let isRefusal: Bool
    /// In an expression: where it goes wrong, counted in Unicode scalars from 1.
    package let column: Int?

    /// An expression that cannot be understood, from `column` on.
    static func expression(_ text: String, at column: Int, _ what: String, remedy: String) -> ScheduleError {
        ScheduleError(
            code: "bad-expression", what: what, place: "“\(RawPath(text))”, column \(column)", remedy: remedy,
            isRefusal: true, column: column)
    }

    /// Nothing was begun, and why.
    package static func refused(_ code: String, _ what: String, place: String? = nil, remedy: String? = nil)
        -> ScheduleError
    {
        ScheduleError(code: code, what: what, place: place, remedy: remedy, isRefusal: true, column: nil)
    }

    /// Something went wrong on the way.
    package static func failed(_ code: String, _ what: String, place: String? = nil, remedy: String? = nil)
        -> ScheduleError
    {
        ScheduleError(code: code, what: what, place: place, remedy: remedy, isRefusal: false, column: nil)
    }

    private init(code: String, what: String, place: String?, remedy: String?, isRefusal: Bool, column: Int?) {
        self.code = "schedule." + code
        self.what = what
        self.place = place
        self.remedy = remedy
        self.isRefusal = isRefusal
        self.column = column
    }
}
