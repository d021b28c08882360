internal import Machine
internal import Settings

/// Finds targets, again and again.
protocol Discovery: Sendable {
    /// Milliseconds between two looks.
    var pace: Int64 { get }
    /// What is there now. What was found before goes on while this throws.
    func look() async throws -> Discovered
}

/// What was found at one look.
struct Discovered: Sendable {
    /// The labels of each target.
    var targets: [[String: String]]
    /// What could not be looked at; what was found there before is among the targets.
    var problem: (any Error)?
}

/// Labels that mean something to a scrape.
enum ReservedLabel {
    static let address = "__address__"
    static let scheme = "__scheme__"
    static let path = "__metrics_path__"
    static let interval = "__scrape_interval__"
    static let timeout = "__scrape_timeout__"
    /// Before the name of a parameter of the URL.
    static let parameter = "__param_"
    /// Before what discovery tells; gone after relabelling.
    static let meta = "__meta_"
    /// What no series of a target carries.
    static let prefix = "__"
    static let job = "job"
    static let instance = "instance"
}

extension ScrapeSettings.TargetGroup {
    /// The labels of each target: its own address before what the group shares.
    var targets: [[String: String]] {
        addresses.map { address in labels.merging([ReservedLabel.address: address]) { $1 } }
    }
}

/// `name` with `_` for each character that a label of the old kind may not have.
func sanitised(_ name: String) -> String {
    String(
        String.UnicodeScalarView(
            name.unicodeScalars.map { scalar in
                let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                return isPlain || scalar == "_" ? scalar : "_"
            }))
}
