import Machine

/// What is wrong with a restore point, or with the folder that holds them.
package struct RestorePointError: Explained {
    package let code: String
    package let what: String
    package let place: String?
    package let remedy: String?

    package init(_ code: String, _ what: String, place: String? = nil, remedy: String? = nil) {
        self.code = "point." + code
        self.what = what
        self.place = place
        self.remedy = remedy
    }
}
