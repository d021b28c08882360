internal import CCurl
import Machine

/// What libcurl is told before it begins.
extension Transfer {
    func prepare(_ client: HTTPClient) throws {
        handles.set(CURLOPT_USERAGENT, client.userAgent)
        handles.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        handles.set(CURLOPT_PATH_AS_IS, 1)
        handles.set(CURLOPT_CONNECTTIMEOUT_MS, client.connectTimeout)
        if let timeout = request.timeout { handles.set(CURLOPT_TIMEOUT_MS, timeout) }
        try prepareAddress(client.unixSocket)
        if !request.usesProxy { handles.set(CURLOPT_PROXY, "") }
        if request.acceptsCompression { handles.set(CURLOPT_ACCEPT_ENCODING, "gzip") }
        if request.redirections > 0 {
            handles.set(CURLOPT_FOLLOWLOCATION, 1)
            handles.set(CURLOPT_MAXREDIRS, request.redirections)
            handles.set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        }
        try prepareTLS()
        try prepareHeaders()
        prepareBody()
    }

    private func prepareTLS() throws {
        let tls = request.tls
        if let file = tls.authorities { handles.set(CURLOPT_CAINFO, file) }
        if let file = tls.certificate { handles.set(CURLOPT_SSLCERT, file) }
        if let file = tls.key { handles.set(CURLOPT_SSLKEY, file) }
        if tls.isUnverified {
            handles.set(CURLOPT_SSL_VERIFYPEER, 0)
            handles.set(CURLOPT_SSL_VERIFYHOST, 0)
        }
        switch tls.minimumVersion {
        case .tls10: handles.set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_0)
        case .tls11: handles.set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_1)
        case .tls12: handles.set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        case .tls13: handles.set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_3)
        case nil: break
        }
        // The name is asked for and checked where it stands in the URL; the connection goes where the URL said.
        guard let name = tls.serverName, place.hasPrefix("https://"), request.url.hasPrefix(place) else {
            return
        }
        let authority = place.dropFirst("https://".count)
        let colon = authority.lastIndex(of: ":").flatMap { authority[$0...].contains("]") ? nil : $0 }
        let host = authority[..<(colon ?? authority.endIndex)]
        let port = colon.map { authority[authority.index(after: $0)...] } ?? "443"
        guard isPlain(name, spaces: false), !name.contains(where: { "/:@?#".contains($0) }) else {
            throw HTTPError(.badRequest, "That is not the name of a server.", place: place)
        }
        handles.set(CURLOPT_URL, "https://\(name):\(port)" + request.url.dropFirst(place.utf8.count))
        try handles.set(CURLOPT_CONNECT_TO, ["\(name):\(port):\(host):\(port)"])
    }

    private func prepareAddress(_ unixSocket: String?) throws {
        var url = request.url
        if let unixSocket {
            // 108 bytes with the closing NUL: the kernel's sockaddr_un.
            guard !unixSocket.isEmpty, unixSocket.utf8.count < 108, !unixSocket.utf8.contains(0) else {
                throw HTTPError(.badRequest, "A socket's path has 1 to 107 bytes.", place: place)
            }
            if url.hasPrefix("/") { url = "http://localhost" + url }
            handles.set(CURLOPT_UNIX_SOCKET_PATH, unixSocket)
            handles.set(CURLOPT_PROXY, "")
        }
        // Also keeps libcurl's other protocols away (file, ftp, …).
        guard url.hasPrefix("http://") || url.hasPrefix("https://"), isPlain(url, spaces: false) else {
            throw HTTPError(.badRequest, "That is not an http or https URL.", place: place)
        }
        handles.set(CURLOPT_URL, url)
    }

    private func prepareHeaders() throws {
        // Libcurl adds these two of its own accord; an empty value keeps them away.
        var lines = ["Expect:"]
        if !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            lines.append("Content-Type:")
        }
        if request.tls.serverName != nil, let host = place.split(separator: "/").last {
            lines.append("Host: \(host)")
        }
        for (name, value) in request.headers {
            guard isPlain(name, spaces: false), !name.contains(":"), !name.isEmpty, isPlain(value, spaces: true) else {
                throw HTTPError(.badRequest, "A header holds a character that no header can hold.", place: place)
            }
            lines.append(value.isEmpty ? "\(name);" : "\(name): \(value)")
        }
        try handles.set(CURLOPT_HTTPHEADER, lines)
    }

    private func prepareBody() {
        switch (request.method, request.body) {
        case ("GET", nil): handles.set(CURLOPT_HTTPGET, 1)
        case ("HEAD", nil): handles.set(CURLOPT_NOBODY, 1)
        case (let method, nil) where method != "POST": handles.set(CURLOPT_CUSTOMREQUEST, method)
        case (let method, let body):
            let body = body ?? []
            curl_set_offset(handles.easy, CURLOPT_POSTFIELDSIZE_LARGE, body.count)
            body.withUnsafeBytes { bytes in
                // Copied by libcurl. For no bytes it wants a pointer all the same.
                if let start = bytes.baseAddress, !bytes.isEmpty {
                    handles.set(CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: start))
                } else {
                    handles.set(CURLOPT_COPYPOSTFIELDS, "")
                }
            }
            handles.set(CURLOPT_CUSTOMREQUEST, method)
        }
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
