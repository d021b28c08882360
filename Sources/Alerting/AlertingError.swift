import Machine

/// Why a message could not be kept, or where a secret could not be read. Holds no secret.
package struct AlertingError: Explained {
    package let code: String
    package let what: String
    package let place: String?
    package let remedy: String?

    init(code: String, what: String, place: String?, remedy: String? = nil) {
        self.code = code
        self.what = what
        self.place = place
        self.remedy = remedy
    }
}
