internal import Exposition
internal import Glibc
package import HTTPClient
internal import Machine
package import Settings

/// Asks a target for its measurements.
package struct ScrapeRequest: Sendable {
    private let url: String
    /// Milliseconds.
    private let timeout: Int64
    private let settings: ScrapeSettings
    private let client: HTTPClient

    package init(_ url: String, timeout: Int64, _ settings: ScrapeSettings, through client: HTTPClient) {
        self.url = url
        self.timeout = timeout
        self.settings = settings
        self.client = client
    }

    /// - Throws: ``HTTPError``, ``MonitoringError``; ``Interrupted`` when the task is cancelled.
    package func answer() async throws -> TargetSeries.Answer {
        var request = HTTPClient.Request(
            "GET", url, headers: [("Accept", accepted)], timeout: .milliseconds(timeout),
            bodyLimit: TargetSeries.bodyLimit(settings))
        request.headers.append(("X-Prometheus-Scrape-Timeout-Seconds", "\(Double(timeout) / 1000)"))
        if let credentials = try await credentials() { request.headers.append(("Authorization", credentials)) }
        request.acceptsCompression = settings.isCompressed
        request.redirections = settings.followsRedirects ? Self.redirections : 0
        request.usesProxy = false
        request.tls = HTTPClient.TLSOptions(settings.tls)
        let response = try await client.send(request)
        guard response.status == 200 else {
            throw MonitoringError(
                .badAnswer, "The target answers with the status \(response.status).", place: place,
                remedy: "See whether metrics_path and the credentials are right: curl -i \(place)/…")
        }
        return TargetSeries.Answer(body: response.body, format: try format(of: response.header("Content-Type") ?? ""))
    }

    private static let redirections = 10

    private var place: String { HTTPClient.place(of: url) }

    private var accepted: String {
        guard let protocols = settings.protocols else { return ExpositionFormat.accept }
        let ranked = protocols.enumerated().map { "\($1.mediaType);q=0.\(protocols.count + 1 - $0)" }
        return (ranked + ["*/*;q=0.1"]).joined(separator: ",")
    }

    /// What the answer is; what says nothing else is what `fallback_scrape_protocol` says.
    private func format(of type: String) throws -> ExpositionFormat {
        let media = type.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        switch media {
        case "application/openmetrics-text": return .openMetrics
        case "text/plain": return .text
        default: break
        }
        switch settings.fallbackProtocol {
        case .openMetrics0, .openMetrics1: return .openMetrics
        case .text0, .text1: return .text
        case nil:
            throw MonitoringError(
                .badAnswer,
                media.isEmpty
                    ? "The target does not say what it answers: there is no Content-Type."
                    : "The target answers with \(printable(media)), which is no format of measurements.",
                place: place,
                remedy:
                    "See whether metrics_path is right; if it is, add `fallback_scrape_protocol: PrometheusText0.0.4`.")
        }
    }
}

/// Secrets.
extension ScrapeRequest {
    /// The value of the header; nil: none is sent.
    private func credentials() async throws -> String? {
        switch settings.credentials {
        case nil: return nil
        case .header(let type, let secret): return "\(type) \(try await exposed(secret))"
        case .basic(let user, let password):
            let pair = "\(try await exposed(user)):\(try await exposed(password))"
            return "Basic \(Array(pair.utf8).base64)"
        }
    }

    private func exposed(_ secret: ScrapeSecret) async throws -> String {
        switch secret {
        case .inline(let secret): return secret.exposed
        case .file(let path): return try await onThread("secret") { _ in try Self.content(of: path) }
        }
    }

    private static func content(of path: String) throws -> String {
        do {
            let bytes = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY).readAll(limit: 64 << 10)
            let text = String(decoding: bytes, as: UTF8.self)
            return String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        } catch {
            throw MonitoringError(
                .secret, "The file with the secret cannot be read. \(explain(error).what)", place: path)
        }
    }
}

extension HTTPClient.TLSOptions {
    fileprivate init(_ settings: ScrapeSettings.TLS) {
        self.init()
        authorities = settings.authorities
        certificate = settings.certificate
        key = settings.key
        serverName = settings.serverName
        isUnverified = settings.isUnverified
        minimumVersion =
            switch settings.minimumVersion {
            case .tls10: .tls10
            case .tls11: .tls11
            case .tls12: .tls12
            case .tls13: .tls13
            case nil: nil
            }
    }
}
