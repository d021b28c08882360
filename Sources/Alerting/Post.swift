import FoundationEssentials
import HTTPClient
import Machine

/// One message over HTTP, and what the answer to it means.
struct Post {
    var url: Redacted
    var headers: [(name: String, value: String)]
    var body: [UInt8]
    /// What may not be shown even if the other side repeats it, beside the URL.
    var secrets: [Redacted] = []
    var timeout: Duration = .seconds(30)

    /// Sends it, once.
    ///
    /// - Throws: `HTTPError` when there was no whole answer; ``Interrupted``.
    func send() async throws -> Answer {
        let response = try await HTTPClient().send(
            .init("POST", url.exposed, headers: headers, body: body, timeout: timeout, bodyLimit: 1 << 20))
        return answer(to: response, now: SystemClock().now())
    }

    /// What a response means.
    func answer(to response: HTTPClient.Response, now: Timestamp) -> Answer {
        let text = text(of: response)
        let words = "\(response.status)" + (text.isEmpty ? "" : ": \(text)")
        let host = HTTPClient.place(of: url.exposed)
        switch response.status {
        case 200..<300: return .delivered(text)
        case 300..<400:
            let onward = response.header("location").map { " to \(Self.target($0))" } ?? ""
            return .refused("\(host) answered with a redirect\(onward), which is not followed: name the right address.")
        case 408, 425, 429, 500...:
            let header = response.header("retry-after").flatMap { RetryAfter.seconds($0, now: now) }
            return .later(after: header ?? RetryAfter.seconds(body: response.body), "\(host) answered \(words)")
        default: return .refused("\(host) answered \(words)")
        }
    }

    /// The body of a response on one line, without secrets and not endless; nothing of a page for browsers.
    private func text(of response: HTTPClient.Response) -> String {
        guard response.header("content-type")?.contains("html") != true else { return "" }
        let all = String(decoding: response.body.prefix(4096), as: UTF8.self)
        let line = all.split { $0.isNewline || $0.isWhitespace }.joined(separator: " ")
        return RawPath(hidingSecrets(in: line).cut(to: 300)).description
    }

    /// Servers like to repeat the path that they do not know, and the login that they do not accept.
    private func hidingSecrets(in text: String) -> String {
        let host = HTTPClient.place(of: url.exposed)
        let rest = url.exposed.dropFirst(url.exposed.hasPrefix(host) ? host.count : 0)
        let parts = rest.split { "/?&=#:@".contains($0) }.filter { $0.count >= 8 }.map(String.init)
        let hidden = [url.exposed, String(rest)] + login + secrets.map(\.exposed) + parts
        return hidden.filter { $0.count > 3 }.reduce(text) { $0.replacing($1, with: "•••") }
    }

    /// `user:password` of the URL, and as it goes over the wire.
    private var login: [String] {
        let parts = url.exposed.split(separator: "/", maxSplits: 2)
        guard parts.count > 1, let end = parts[1].lastIndex(of: "@") else { return [] }
        return [Data(parts[1][..<end].utf8).base64EncodedString(), String(parts[1][..<end])]
    }

    private static func target(_ location: String) -> String {
        guard location.contains("://") else { return "another path" }
        return RawPath(HTTPClient.place(of: location).cut(to: 200)).description
    }
}
