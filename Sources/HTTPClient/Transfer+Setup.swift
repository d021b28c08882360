internal import CCurl
import Machine

/// What libcurl is told before it begins.
extension Transfer {
    func prepare(_ client: HTTPClient) throws {
        set(CURLOPT_ERRORBUFFER, errorText)
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_USERAGENT, client.userAgent)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(client.connectTimeout))
        if let timeout = request.timeout { set(CURLOPT_TIMEOUT_MS, milliseconds(timeout)) }
        try prepareAddress(client.unixSocket)
        try prepareHeaders()
        prepareBody()
    }

    private func prepareAddress(_ unixSocket: String?) throws {
        var url = request.url
        if let unixSocket {
            // 108 bytes with the closing NUL: the kernel's sockaddr_un.
            guard !unixSocket.isEmpty, unixSocket.utf8.count < 108, !unixSocket.utf8.contains(0) else {
                throw HTTPError(.badRequest, "A socket's path has 1 to 107 bytes.", place: place)
            }
            if url.hasPrefix("/") { url = "http://localhost" + url }
            set(CURLOPT_UNIX_SOCKET_PATH, unixSocket)
            set(CURLOPT_PROXY, "")
        }
        // Also keeps libcurl's other protocols away (file, ftp, …).
        guard url.hasPrefix("http://") || url.hasPrefix("https://"), isPlain(url, spaces: false) else {
            throw HTTPError(.badRequest, "That is not an http or https URL.", place: place)
        }
        set(CURLOPT_URL, url)
    }

    private func prepareHeaders() throws {
        // Libcurl adds these two of its own accord; an empty value keeps them away.
        var lines = ["Expect:"]
        if !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            lines.append("Content-Type:")
        }
        for (name, value) in request.headers {
            guard isPlain(name, spaces: false), !name.contains(":"), !name.isEmpty, isPlain(value, spaces: true) else {
                throw HTTPError(.badRequest, "A header holds a character that no header can hold.", place: place)
            }
            lines.append(value.isEmpty ? "\(name);" : "\(name): \(value)")
        }
        for line in lines {
            guard let list = curl_slist_append(sentHeaders, line) else {
                throw HTTPError(.failed, "Out of memory.", place: place)
            }
            sentHeaders = list
        }
        set(CURLOPT_HTTPHEADER, sentHeaders)
    }

    private func prepareBody() {
        switch (request.method, request.body) {
        case ("GET", nil): set(CURLOPT_HTTPGET, 1)
        case ("HEAD", nil): set(CURLOPT_NOBODY, 1)
        case (let method, nil) where method != "POST": set(CURLOPT_CUSTOMREQUEST, method)
        case (let method, let body):
            let body = body ?? []
            curl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, body.count)
            body.withUnsafeBytes { bytes in
                // Copied by libcurl. For no bytes it wants a pointer all the same.
                if let start = bytes.baseAddress, !bytes.isEmpty {
                    set(CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: start))
                } else {
                    set(CURLOPT_COPYPOSTFIELDS, "")
                }
            }
            set(CURLOPT_CUSTOMREQUEST, method)
        }
    }

    // Libcurl refuses an option only when it was built without it or is out of memory: the request then fails by itself.
    private func set(_ option: CURLoption, _ value: Int) { curl_set_number(easy, option, value) }
    private func set(_ option: CURLoption, _ value: String) { curl_set_text(easy, option, value) }
    private func set(_ option: CURLoption, _ value: UnsafeMutableRawPointer?) { curl_set_pointer(easy, option, value) }

    private func milliseconds(_ duration: Duration) -> Int {
        // 0 would mean "no limit", or 300 s.
        max(1, Int(min(duration / .milliseconds(1), Double(Int32.max))))
    }

    /// Scheme, host and port: what may be shown of a URL.
    static func place(of url: String) -> String {
        let parts = url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1].isEmpty else { return "an address without a scheme" }
        let authority = parts[2].prefix { !"/?#\\".contains($0) }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        return "\(parts[0])//\(host)"
    }
}

/// Whether `text` can stand in a request's head: no control characters, which could begin another line.
private func isPlain(_ text: String, spaces: Bool) -> Bool {
    text.utf8.allSatisfy { $0 > 32 && $0 != 127 || spaces && ($0 == 32 || $0 == 9) }
}
