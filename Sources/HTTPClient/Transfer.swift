internal import CCurl
import Machine

/// One request on its way: owns libcurl's handles. Made, run and dropped on one thread; runs once.
///
/// The multi interface is used for a single connection because it can be left at any moment, unlike `curl_easy_perform`.
final class Transfer {
    /// How many bytes of headers an answer may have.
    private static let headerLimit = 256 << 10
    /// How often we look whether somebody still wants the answer, in milliseconds.
    private static let pace: Int32 = 100

    let easy: UnsafeMutableRawPointer
    private let multi: UnsafeMutableRawPointer
    let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    var sentHeaders: UnsafeMutablePointer<curl_slist>?

    let request: HTTPClient.Request
    let place: String
    private let each: (@Sendable (UnsafeRawBufferPointer) throws -> Void)?

    private var status: Int {
        var status = 0
        curl_get_number(easy, CURLINFO_RESPONSE_CODE, &status)
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
        guard libraryIsReady, let easy = curl_easy_init() else {
            throw HTTPError(.failed, "libcurl could not be started.", place: place)
        }
        guard let multi = curl_multi_init() else {
            curl_easy_cleanup(easy)
            throw HTTPError(.failed, "libcurl could not be started.", place: place)
        }
        self.easy = easy
        self.multi = multi
        self.request = request
        self.place = place
        self.each = each
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        try prepare(client)
    }

    deinit {
        curl_multi_remove_handle(multi, easy)
        curl_easy_cleanup(easy)
        curl_multi_cleanup(multi)
        curl_slist_free_all(sentHeaders)
        errorText.deallocate()
    }

    /// Runs it to its end.
    ///
    /// - Throws: ``HTTPError``, ``Interrupted`` when `signal` is set, and what the receiver of the body throws.
    func run(_ signal: StopSignal) throws -> HTTPClient.Response {
        installCallbacks()
        curl_multi_add_handle(multi, easy)
        let start = monotonicSeconds()
        var running: Int32 = 1
        while running > 0 {
            try signal.check()
            let code = curl_multi_perform(multi, &running)
            if let failure { throw failure }
            guard code == CURLM_OK else {
                let text = String(cString: curl_multi_strerror(code))
                throw HTTPError(.failed, "The request could not be made: \(text).", place: place)
            }
            if running > 0 { curl_multi_poll(multi, nil, 0, Self.pace, nil) }
        }
        try judge(after: monotonicSeconds() - start)
        return HTTPClient.Response(status: status, headers: headers, body: body)
    }

    private func judge(after seconds: Double) throws {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE else { continue }
            let code = message.pointee.data.result
            if code == CURLE_OK { return }
            var reason = 0
            curl_get_number(easy, CURLINFO_OS_ERRNO, &reason)
            throw HTTPError(
                code, detail: String(cString: errorText), reason: Int32(truncatingIfNeeded: reason),
                after: seconds, place: place)
        }
        throw HTTPError(.failed, "libcurl lost the request.", place: place)
    }
}

/// Libcurl's one-time start; a global is made once, whichever thread comes first.
private let libraryIsReady = curl_global_init(Int(CURL_GLOBAL_SSL)) == CURLE_OK

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
        curl_set_pointer(easy, CURLOPT_HEADERDATA, me)
        curl_set_pointer(easy, CURLOPT_WRITEDATA, me)
        curl_set_callback(easy, CURLOPT_HEADERFUNCTION) { start, _, count, me in
            Transfer.receive(start, count, me, Transfer.takeHeader)
        }
        curl_set_callback(easy, CURLOPT_WRITEFUNCTION) { start, _, count, me in
            Transfer.receive(start, count, me, Transfer.takeBody)
        }
    }
}

private func trimmed(_ text: Substring) -> String {
    let kept = text.drop(while: \.isWhitespace)
    return String(kept.reversed().drop(while: \.isWhitespace).reversed())
}
