internal import HTTPTypes
internal import HummingbirdCore
internal import Machine
internal import NIOCore

/// Takes one request after the other: who asks, what, and the answer.
struct Responder: Sendable {
    /// How much of an answer is gathered before it goes out.
    private static let pieceSize = 64 << 10
    /// Answers that are given before the body was read.
    private static let withoutReading: Set<Int> = [401, 403, 404, 405, 413]
    /// Seconds until a connection ends on which a body comes that nobody reads.
    private static let leave: Int64 = 5

    let endpoints: Endpoints
    let access: SharedAccess
    let limits: DashboardLimits
    let clock: any WallClock

    /// Answers a request. Throws only what ends the connection.
    func respond(_ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel) async throws {
        let began = monotonicSeconds()
        if request.head.headerFields[.expect]?.lowercased() == "100-continue" {
            try await writer.writeInformationalHead(HTTPResponse(status: .continue))
        }
        let (handler, reply) = await answer(request, channel)
        let isHead = request.head.method == .head
        let leavesBody = Self.withoutReading.contains(reply.status) && hasBody(request.head)
        try await send(
            reply, compressed: accepts("gzip", request.head), withoutBody: isHead, writer, channel,
            closing: leavesBody || request.head.headerFields[.connection]?.lowercased() == "close")
        if leavesBody {
            // Not at once, or the client would not see the answer for the bytes that nobody took from it.
            channel.eventLoop.scheduleTask(in: .seconds(Self.leave)) { channel.close(promise: nil) }
        }
        endpoints.counters.countRequest(handler, status: reply.status, seconds: monotonicSeconds() - began)
    }

    private func answer(_ request: Request, _ channel: any Channel) async -> (handler: String, Reply) {
        let path = request.uri.path
        let endpoint = endpoints.endpoint(of: path)
        let isAllowed = endpoint?.methods.contains(request.head.method.rawValue) ?? false
        if let refusal = refusal(request.head, changesState: isAllowed && endpoint?.changesState ?? false) {
            return (endpoint?.name ?? "other", refusal)
        }
        guard let endpoint else { return ("other", .text("404 page not found", status: 404)) }
        guard isAllowed else {
            var reply = Reply.text("Method Not Allowed", status: 405)
            reply.headers = [("Allow", endpoint.methods.sorted().joined(separator: ", "))]
            return (endpoint.name, reply)
        }
        do {
            return (endpoint.name, try await endpoint.answer(call(request, path, endpoint, channel)))
        } catch {
            return (endpoint.name, .failure(APIError(error)))
        }
    }

    private func hasBody(_ head: HTTPRequest) -> Bool {
        head.headerFields[.transferEncoding] != nil || head.headerFields[.contentLength] ?? "0" != "0"
    }

    private func refusal(_ head: HTTPRequest, changesState: Bool) -> Reply? {
        switch access.current.judge(head, changesState: changesState) {
        case .admitted: return nil
        case .unknown:
            endpoints.counters.countRefused()
            var reply = Reply.text("Unauthorized", status: 401)
            reply.headers = [("WWW-Authenticate", "Basic realm=\"holdfast\", charset=\"UTF-8\"")]
            return reply
        case .forbidden(let reason):
            endpoints.counters.countRefused()
            return .text("Forbidden: \(reason).", status: 403)
        }
    }

    /// Reads the body, as far as the endpoint wants one.
    private func call(
        _ request: Request, _ path: String, _ endpoint: Endpoint, _ channel: any Channel
    ) async throws -> Call {
        let body = try await body(of: request, limit: endpoint.takesFile ? limits.importedPiece : limits.form, channel)
        let type = request.head.headerFields[.contentType] ?? ""
        let isForm = type.lowercased().hasPrefix("application/x-www-form-urlencoded")
        let hangUp = try await channel.pipeline.handler(type: HangUp.self).get()
        return Call(
            path: path,
            form: try FormValues(query: request.uri.query ?? "", body: isForm && !endpoint.takesFile ? body : []),
            body: endpoint.takesFile ? body : [], accept: request.head.headerFields[.accept] ?? "", hangUp: hangUp)
    }

    private func body(of request: Request, limit: Int, _ channel: any Channel) async throws -> [UInt8] {
        guard request.head.method == .post else { return [] }
        let tooLarge = APIError(.badData, "the body is larger than \(ByteCount(limit))", status: 413)
        if let length = request.head.headerFields[.contentLength].flatMap(Int.init), length > limit { throw tooLarge }
        do {
            return try await patiently(channel) {
                var body: [UInt8] = []
                for try await part in request.body {
                    guard body.count + part.readableBytes <= limit else { throw tooLarge }
                    body.append(contentsOf: part.readableBytesView)
                }
                return body
            }
        } catch let error as APIError {
            throw error
        } catch {
            throw APIError(.badData, "the body cannot be read")
        }
    }

    /// Ends the connection when `body` takes longer than a client may.
    private func patiently<Result>(
        _ channel: any Channel, _ body: () async throws -> Result
    ) async throws -> Result {
        let end = channel.eventLoop.scheduleTask(in: .seconds(limits.patience)) { channel.close(promise: nil) }
        defer { end.cancel() }
        return try await body()
    }
}

/// Sending.
extension Responder {
    /// Sends what is small at once and with its length; the rest in pieces, each when the one before has gone.
    private func send(
        _ reply: Reply, compressed: Bool, withoutBody: Bool, _ writer: consuming ResponseWriter,
        _ channel: any Channel, closing: Bool
    ) async throws {
        var pieces = Pieces(of: reply, compressed: compressed)
        var head = HTTPResponse(status: .init(code: reply.status), headerFields: fields(reply))
        if pieces.isCompressed { head.headerFields[.contentEncoding] = "gzip" }
        if closing { head.headerFields[.connection] = "close" }
        let first = try await next(&pieces, reply)
        if pieces.isAtEnd, reply.trailer() == nil {
            head.headerFields[.contentLength] = "\(first.count)"
            let body = withoutBody ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: first))
            return try await writer.write(response: head, body: body)
        }
        var body = try await writer.writeHead(head)
        try await patiently(channel) { try await body.write(ByteBuffer(bytes: first)) }
        while !pieces.isAtEnd {
            let piece = try await next(&pieces, reply)
            try await patiently(channel) { try await body.write(ByteBuffer(bytes: piece)) }
        }
        try await body.finish(reply.trailer().map(trailer))
    }

    private func next(_ pieces: inout Pieces, _ reply: Reply) async throws -> [UInt8] {
        guard reply.blocks else { return pieces.next(Self.pieceSize) }
        let former = pieces
        let (bytes, following) = try await onThread("answer") { _ in
            var pieces = former
            return (pieces.next(Self.pieceSize), pieces)
        }
        pieces = following
        return bytes
    }

    private func trailer(_ field: (name: String, value: String)) -> HTTPFields {
        var fields = HTTPFields()
        if let name = HTTPField.Name(field.name) { fields[name] = field.value }
        return fields
    }

    private func fields(_ reply: Reply) -> HTTPFields {
        var fields = HTTPFields()
        fields[.contentType] = reply.contentType
        fields[.date] = clock.now().format("%a, %d %b %Y %H:%M:%S GMT")
        fields[.vary] = "Accept-Encoding"
        fields[.cacheControl] = "no-store"
        fields[.server] = "holdfast/\(endpoints.facts.version)"
        fields[.xContentTypeOptions] = "nosniff"
        for (name, value) in reply.headers {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        return fields
    }

    /// Whether `Accept-Encoding` names it without forbidding it.
    private func accepts(_ encoding: String, _ head: HTTPRequest) -> Bool {
        (head.headerFields[.acceptEncoding] ?? "").lowercased().split(separator: ",").contains { part in
            let parts = part.split(separator: ";").map { $0.filter { $0 != " " } }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            return parts.first == encoding && weight > 0
        }
    }
}

/// The bytes of an answer, a piece at a time.
private struct Pieces: Sendable {
    /// Smaller answers are not worth it.
    private static let worthCompressing = 1024

    private let reply: Reply
    private var text: ReplyText
    private var index = 0
    private var gzip: Gzip?
    private(set) var isAtEnd = false

    init(of reply: Reply, compressed: Bool) {
        self.reply = reply
        text = reply.head
        let isLarge = reply.count > 0 || reply.head.bytes.count + reply.tail.bytes.count >= Self.worthCompressing
        gzip = compressed && isLarge ? Gzip() : nil
    }

    var isCompressed: Bool { gzip != nil }

    /// At least `size` bytes before compression, unless it is the last piece; perhaps none after it.
    mutating func next(_ size: Int) -> [UInt8] {
        while true {
            while index < reply.count, text.bytes.count < size {
                reply.piece(index, &text)
                index += 1
            }
            isAtEnd = index == reply.count
            if isAtEnd { text.bytes += reply.tail.bytes }
            let bytes = gzip.map { $0.compress(text.bytes, isLast: isAtEnd) } ?? text.bytes
            text.bytes.removeAll(keepingCapacity: true)
            if isAtEnd || !bytes.isEmpty { return bytes }
        }
    }
}
