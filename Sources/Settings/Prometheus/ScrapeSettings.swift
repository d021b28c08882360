/// One entry of `scrape_configs`.
package struct ScrapeSettings: Equatable, Sendable {
    /// `job_name`; no two entries have the same.
    package var job: String
    /// Milliseconds.
    package var interval: Int64 = 60_000
    /// Milliseconds, at most the interval.
    package var timeout: Int64 = 10_000
    package var honorsLabels = false
    package var honorsTimestamps = true
    /// Whether series with time stamps of their own get stale markers too.
    package var tracksTimestampsStaleness = false
    package var scheme = Scheme.http
    package var path = "/metrics"
    package var parameters: [Parameter] = []
    package var isCompressed = true
    package var followsRedirects = true
    package var credentials: Credentials?
    package var tls = TLS()
    package var limits = Limits()
    /// What targets are asked for; nil: the usual.
    package var protocols: [ScrapeProtocol]?
    /// What an answer is taken for that does not say what it is.
    package var fallbackProtocol: ScrapeProtocol?
    package var groups: [TargetGroup] = []
    package var files: [FileDiscovery] = []
    package var docker: [DockerDiscovery] = []
    package var relabelling: [RelabelRule] = []
    package var metricRelabelling: [RelabelRule] = []

    package init(job: String) { self.job = job }
}

extension ScrapeSettings {
    package enum Scheme: String, Sendable { case http, https }

    /// A parameter of the URL and its values, in the order of the file.
    package struct Parameter: Equatable, Sendable {
        package var name: String
        package var values: [String]

        package init(name: String, values: [String]) {
            self.name = name
            self.values = values
        }
    }

    /// How much a target may answer; 0: no limit of its own.
    package struct Limits: Equatable, Sendable {
        /// Bytes, decompressed.
        package var body: Int64 = 0
        /// After relabelling.
        package var samples = 0
        /// After relabelling, the metric's name counted.
        package var labels = 0
        /// Bytes.
        package var labelName = 0
        /// Bytes.
        package var labelValue = 0
        /// After relabelling, of the whole entry.
        package var targets = 0
        /// How many of those that relabelling dropped are shown.
        package var droppedTargets = 0

        package init() {}
    }

    package enum Credentials: Equatable, Sendable {
        case basic(user: ScrapeSecret, password: ScrapeSecret)
        /// The header is TYPE, a space, and the secret.
        case header(type: String, ScrapeSecret)
    }

    package struct TLS: Equatable, Sendable {
        package enum Version: String, CaseIterable, Sendable {
            case tls10 = "TLS10"
            case tls11 = "TLS11"
            case tls12 = "TLS12"
            case tls13 = "TLS13"
        }

        /// A file with authorities to trust instead of the machine's.
        package var authorities: String?
        /// Our own certificate and its key.
        package var certificate: String?
        package var key: String?
        /// The name that the certificate has to have, if not the address's.
        package var serverName: String?
        package var isUnverified = false
        package var minimumVersion: Version?

        package init() {}
    }

    package enum ScrapeProtocol: String, CaseIterable, Sendable {
        case openMetrics1 = "OpenMetricsText1.0.0"
        case openMetrics0 = "OpenMetricsText0.0.1"
        case text1 = "PrometheusText1.0.0"
        case text0 = "PrometheusText0.0.4"

        package var mediaType: String {
            switch self {
            case .openMetrics1: "application/openmetrics-text;version=1.0.0"
            case .openMetrics0: "application/openmetrics-text;version=0.0.1"
            case .text1: "text/plain;version=1.0.0"
            case .text0: "text/plain;version=0.0.4"
            }
        }
    }

    /// Targets that are written down, with labels that they share.
    package struct TargetGroup: Equatable, Sendable {
        package var addresses: [String]
        package var labels: [String: String]

        package init(addresses: [String], labels: [String: String] = [:]) {
            self.addresses = addresses
            self.labels = labels
        }
    }

    /// An entry of `file_sd_configs`.
    package struct FileDiscovery: Equatable, Sendable {
        /// Patterns: `*` in the last part only.
        package var files: [String]
        /// Milliseconds.
        package var refresh: Int64

        package init(files: [String], refresh: Int64 = 300_000) {
            self.files = files
            self.refresh = refresh
        }
    }

    /// An entry of `docker_sd_configs`.
    package struct DockerDiscovery: Equatable, Sendable {
        package struct Filter: Equatable, Sendable {
            package var name: String
            package var values: [String]

            package init(name: String, values: [String]) {
                self.name = name
                self.values = values
            }
        }

        /// The path of the engine's Unix socket.
        package var socket: String
        /// For containers that expose none.
        package var port: UInt16 = 80
        package var filters: [Filter] = []
        /// The address of containers in the host's own network.
        package var hostNetworkingHost = "localhost"
        /// Milliseconds.
        package var refresh: Int64 = 60_000
        /// Whether of a container's networks only the first by name counts.
        package var matchesFirstNetwork = true

        package init(socket: String) { self.socket = socket }
    }
}

/// An entry of `relabel_configs` or `metric_relabel_configs`.
package struct RelabelRule: Equatable, Sendable {
    package enum Action: String, CaseIterable, Sendable {
        case replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase
    }

    package var action: Action
    package var sourceLabels: [String]
    package var separator: String
    /// A regular expression, which has to match the whole.
    package var expression: String
    package var modulus: UInt64
    package var targetLabel: String
    package var replacement: String

    package init(
        _ action: Action = .replace, sourceLabels: [String] = [], separator: String = ";",
        expression: String = usualExpression, modulus: UInt64 = 0, targetLabel: String = "",
        replacement: String = usualReplacement
    ) {
        self.action = action
        self.sourceLabels = sourceLabels
        self.separator = separator
        self.expression = expression
        self.modulus = modulus
        self.targetLabel = targetLabel
        self.replacement = replacement
    }

    package static let usualExpression = "(.*)"
    package static let usualReplacement = "$1"
}
