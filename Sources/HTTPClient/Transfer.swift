internal import CCurl
import Machine

/// One request on its way. Made, run and dropped on one thread; runs once.
final class Transfer {
    /// How many bytes of headers an answer may have.
    private static let headerLimit = 256 << 10

    let handles: Handles
    let request: HTTPClient.Request
    let place: String
    private let each: (@Sendable (UnsafeRawBufferPointer) throws -> Void)?

    private var status: Int {
        var status = 0
        curl_get_number(handles.easy, CURLINFO_RESPONSE_CODE, &status)
        return status
    }
    private var headers: [(name: String, value: String)] = []
    private var headerBytes = 0
    private var body: [UInt8] = []
    /// What stopped it from inside a callback.
    private var failure: (any Error)?

    init(
        _ request: HTTPClient.Request, through client: HTTPClient,
        _ each: (@Sendable (UnsafeRawBufferPointer) throws -> Void)?
    ) throws {
        let place = client.unixSocket ?? Self.place(of: request.url)
        handles = try Handles(place: place)
        self.request = request
        self.place = place
        self.each = each
        try prepare(client)
    }

    /// Runs it to its end.
    ///
    /// - Throws: ``HTTPError``, ``Interrupted`` when `signal` is set, and what the receiver of the body throws.
    func run(_ signal: StopSignal) throws -> HTTPClient.Response {
        installCallbacks()
        let end = try handles.run(signal) { failure }
        guard end.code == CURLE_OK else { throw HTTPError(end, place: place) }
        return HTTPClient.Response(status: status, headers: headers, body: body)
    }
}

// MARK: - Receiving

extension Transfer {
    private func takeHeader(_ bytes: UnsafeRawBufferPointer) throws {
        headerBytes += bytes.count
        guard headerBytes <= Self.headerLimit else {
            let limit = ByteCount(Self.headerLimit)
            throw HTTPError(.tooLarge, "The headers of the answer are larger than \(limit).", place: place)
        }
        let line = String(decoding: bytes, as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            // A new head begins: what came before was 100 Continue.
            headers = []
        } else if let colon = line.firstIndex(of: ":") {
            headers.append((line[..<colon].lowercased(), trimmed(line[line.index(after: colon)...])))
        }
    }

    private func takeBody(_ bytes: UnsafeRawBufferPointer) throws {
        if let each, (200..<300).contains(status) { return try each(bytes) }
        guard body.count + bytes.count <= request.bodyLimit else {
            let limit = ByteCount(request.bodyLimit)
            throw HTTPError(.tooLarge, "The answer is larger than the \(limit) that are allowed here.", place: place)
        }
        body += bytes
    }

    /// What libcurl's callback returns: `count` for "go on", anything else for "stop".
    private static func receive(
        _ start: UnsafeMutablePointer<CChar>?, _ count: Int, _ me: UnsafeMutableRawPointer?,
        _ take: (Transfer) -> (UnsafeRawBufferPointer) throws -> Void
    ) -> Int {
        guard let me else { return 0 }
        let transfer = Unmanaged<Transfer>.fromOpaque(me).takeUnretainedValue()
        do {
            try take(transfer)(UnsafeRawBufferPointer(start: start, count: count))
            return count
        } catch {
            transfer.failure = error
            return count == 0 ? 1 : 0
        }
    }

    private func installCallbacks() {
        // The callbacks get this object as an unretained pointer; it outlives them, because they run only in `run`.
        let me = Unmanaged.passUnretained(self).toOpaque()
        handles.set(CURLOPT_HEADERDATA, me)
        handles.set(CURLOPT_WRITEDATA, me)
        curl_set_callback(handles.easy, CURLOPT_HEADERFUNCTION) { start, _, count, me in
            Transfer.receive(start, count, me, Transfer.takeHeader)
        }
        curl_set_callback(handles.easy, CURLOPT_WRITEFUNCTION) { start, _, count, me in
            Transfer.receive(start, count, me, Transfer.takeBody)
        }
    }
}

private func trimmed(_ text: Substring) -> String {
    let kept = text.drop(while: \.isWhitespace)
    return String(kept.reversed().drop(while: \.isWhitespace).reversed())
}
