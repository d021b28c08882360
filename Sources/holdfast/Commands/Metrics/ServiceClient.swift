import Glibc
import HTTPClient
import Machine
import Settings

/// The service's own interface, asked by a command on the same host.
struct ServiceClient: Sendable {
    let url: String
    private let token: Redacted?

    /// Nil where it listens nowhere.
    ///
    /// - Throws: `MachineError` when the file of the token cannot be read.
    init?(_ settings: Settings.Metrics) throws {
        guard let listen = settings.listen else { return nil }
        // Who listens everywhere is reached on loopback.
        let everywhere = ["0.0.0.0:": "127.0.0.1:", "[::]:": "[::1]:"]
        let prefix = everywhere.first { listen.hasPrefix($0.key) }
        url = "http://" + (prefix.map { $0.value + listen.dropFirst($0.key.count) } ?? listen)
        token = try settings.tokenFile.map { path in
            let bytes = try Descriptor.open(path, O_RDONLY | O_CLOEXEC).readAll(limit: 4096)
            let line = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).first ?? ""
            return Redacted(line.filter { !$0.isWhitespace })
        }
    }

    /// Whether the service listens there. It is asked without the token, which is not for whoever else has the port.
    ///
    /// - Throws: ``MetricsError`` when somebody else does.
    func isThere() async throws -> Bool {
        do {
            let answer = try await HTTPClient().send(HTTPClient.Request("GET", url + "/-/ready", timeout: .seconds(30)))
            guard answer.header("Server")?.hasPrefix("holdfast/") == true else { throw MetricsError.stranger(url) }
            return true
        } catch let error as HTTPError where error.kind == .refused {
            return false
        }
    }

    /// A request with our credentials.
    func request(
        _ method: String, _ path: String, type: String? = nil, body: [UInt8]? = nil, timeout: Duration = .seconds(150)
    ) -> HTTPClient.Request {
        var headers: [(name: String, value: String)] = []
        if let token { headers.append(("Authorization", "Bearer \(token.exposed)")) }
        if let type { headers.append(("Content-Type", type)) }
        return HTTPClient.Request(
            method, url + path, headers: headers, body: body, timeout: timeout, bodyLimit: 256 << 20)
    }

    /// Asks with a form, and reads the `data` of the answer.
    ///
    /// - Throws: ``MetricsError`` with the service's words.
    func ask<Value: Decodable & Sendable>(
        _ path: String, _ form: [(name: String, value: String)]
    ) async throws -> ServiceAnswer<Value> {
        let body = form.map { "\(percentEncoded($0.name))=\(percentEncoded($0.value))" }.joined(separator: "&")
        return try read(
            try await HTTPClient().send(
                request("POST", path, type: "application/x-www-form-urlencoded", body: Array(body.utf8))))
    }

    func read<Value: Decodable>(_ response: HTTPClient.Response) throws -> ServiceAnswer<Value> {
        guard response.succeeded else { throw failure(response) }
        return try JSON.read(ServiceAnswer<Value>.self, response.body, place: url)
    }

    /// What an answer that is no success says.
    func failure(_ response: HTTPClient.Response) -> MetricsError {
        struct Refusal: Decodable { let errorType, error: String }
        if let refusal = try? JSON.read(Refusal.self, response.body, place: url) {
            return .refused(refusal.error, kind: refusal.errorType)
        }
        let words = String(decoding: response.body.prefix(300), as: UTF8.self).split(whereSeparator: \.isNewline)
        return .refused("HTTP \(response.status): \(words.first ?? "no words")", kind: "http-\(response.status)")
    }
}

/// An answer of the service that is a success.
struct ServiceAnswer<Value: Decodable>: Decodable {
    let data: Value
    let warnings: [String]?
    let infos: [String]?
}

extension ServiceAnswer: Sendable where Value: Sendable {}

/// For a form: all but letters, digits and `-._~` as `%XX`.
func percentEncoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            encoded.unicodeScalars.append(Unicode.Scalar(byte))
        default: encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
    }
    return encoded
}
