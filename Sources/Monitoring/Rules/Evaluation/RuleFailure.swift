internal import Machine

/// Why a rule yields nothing, in Prometheus's words.
struct RuleFailure: Explained {
    let what: String

    init(_ what: String) { self.what = what }

    var code: String { "rules.failed" }
    var place: String? { nil }
    var remedy: String? { nil }
}
