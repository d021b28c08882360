import Machine

/// What stands between a command and its end, where it is no single part's fault.
package struct RecoveryError: Explained {
    package let code: String
    package let what: String
    package let place: String?
    package let remedy: String?
    /// Whether nothing was begun: a refusal, rather than a failure.
    package let isRefusal: Bool

    /// Something went wrong on the way.
    package static func failed(_ code: String, _ what: String, place: String? = nil, remedy: String? = nil)
        -> RecoveryError
    {
        RecoveryError(code: code, what: what, place: place, remedy: remedy, isRefusal: false)
    }

    /// Nothing was begun, and why.
    package static func refused(_ code: String, _ what: String, place: String? = nil, remedy: String? = nil)
        -> RecoveryError
    {
        RecoveryError(code: code, what: what, place: place, remedy: remedy, isRefusal: true)
    }

    private init(code: String, what: String, place: String?, remedy: String?, isRefusal: Bool) {
        self.code = "recovery." + code
        self.what = what
        self.place = place
        self.remedy = remedy
        self.isRefusal = isRefusal
    }
}
