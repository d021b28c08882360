internal import FoundationEssentials
internal import HTTPClient
import Machine

/// How the engine is asked: paths, JSON, and what its refusals mean.
extension Engine {
    /// Asks for `path`, whose parts are encoded here, under the version that both speak.
    ///
    /// - Returns: an answer of 2xx or 304 ("it is so already").
    /// - Throws: ``DockerError`` for every other.
    @discardableResult
    func call(
        _ method: String, _ path: String..., query: [(String, String)] = [], json: (any Encodable)? = nil,
        subject: Subject = .engine, timeout: Duration? = .seconds(60)
    ) async throws -> HTTPClient.Response {
        let request = try request(method, path, query: query, json: json, subject: subject, timeout: timeout)
        return try await Self.ask(client, request, socket: socket, subject: subject)
    }

    /// Asks for `path` and reads the JSON that comes.
    func get<Facts: Decodable>(
        _ type: Facts.Type, _ path: String..., query: [(String, String)] = [], subject: Subject = .engine
    ) async throws -> Facts {
        let request = try request("GET", path, query: query, subject: subject, timeout: .seconds(60))
        let answer = try await Self.ask(client, request, socket: socket, subject: subject)
        return try Self.decode(type, answer, socket: socket)
    }

    /// Puts a request together.
    func request(
        _ method: String, _ path: [String], query: [(String, String)] = [], json: (any Encodable)? = nil,
        subject: Subject, timeout: Duration?
    ) throws -> HTTPClient.Request {
        var url = "/v\(version.api)"
        for part in path { url += "/" + (try Self.encoded(pathPart: part, subject: subject)) }
        for (index, (name, value)) in query.enumerated() {
            url += (index == 0 ? "?" : "&") + Self.encoded(name) + "=" + Self.encoded(value)
        }
        var request = HTTPClient.Request(method, url, timeout: timeout, bodyLimit: Self.answerLimit)
        if let json {
            request.body = Array(try JSONEncoder().encode(json))
            request.headers.append(("Content-Type", "application/json"))
        }
        return request
    }

    /// Sends a request and tells answers from refusals.
    static func ask(
        _ client: HTTPClient, _ request: HTTPClient.Request, socket: String, subject: Subject,
        each: (@Sendable (UnsafeRawBufferPointer) throws -> Void)? = nil
    ) async throws -> HTTPClient.Response {
        let answer: HTTPClient.Response
        do {
            if let each {
                answer = try await client.stream(request, each)
            } else {
                answer = try await client.send(request)
            }
        } catch let error as HTTPError {
            throw DockerError(error, socket: socket, subject: subject)
        }
        if answer.succeeded || answer.status == 304 { return answer }
        // A refusal without the engine's JSON comes from something else, whose "not found" must not count.
        guard answer.status >= 400, let refusal = try? JSONDecoder().decode(Refusal.self, from: Data(answer.body))
        else {
            throw DockerError.badAnswer("it answers with status \(answer.status) and no reason.", socket: socket)
        }
        throw DockerError(
            status: answer.status, message: printable(refusal.message), socket: socket, subject: subject)
    }

    static func decode<Facts: Decodable>(
        _ type: Facts.Type, _ answer: HTTPClient.Response, socket: String
    ) throws -> Facts {
        do {
            return try JSONDecoder().decode(type, from: Data(answer.body))
        } catch let error as DecodingError {
            throw DockerError.badAnswer(words(for: error), socket: socket)
        } catch {
            throw DockerError.badAnswer("its answer is not JSON.", socket: socket)
        }
    }

    /// How many bytes an answer may have.
    private static let answerLimit = 32 << 20

    /// Where the JSON is not as it should be; never what stands there, which can be secret.
    private static func words(for error: DecodingError) -> String {
        let context: DecodingError.Context
        var missing = ""
        switch error {
        case .dataCorrupted: return "its answer is not JSON."
        case .keyNotFound(let key, let found): (context, missing) = (found, "." + key.stringValue)
        case .typeMismatch(_, let found), .valueNotFound(_, let found): context = found
        @unknown default: return "its answer is not as it should be."
        }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".") + missing
        return "\(printable(path)) is missing in its answer, or is not what it should be."
    }

    /// - Throws: `badName` for what would name another path, or nothing.
    private static func encoded(pathPart: String, subject: Subject) throws -> String {
        // Some volume drivers have names with slashes; the engine takes them encoded.
        let pieces = pathPart.split(separator: "/", omittingEmptySubsequences: false)
        guard !pieces.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }), pathPart.utf8.count <= 1024,
            !pathPart.utf8.contains(where: { $0 < 32 || $0 == 127 })
        else {
            throw DockerError(.badName, "“\(printable(pathPart))” cannot be a name in Docker.", place: subject.place)
        }
        return encoded(pathPart)
    }

    /// Percent-encodes all but letters, digits and `-._~`.
    private static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(UnicodeScalar(byte))
            default: result += "%" + [byte].hex.uppercased()
            }
        }
        return result
    }
}

/// How the engine says no.
private struct Refusal: Decodable {
    let message: String
}
