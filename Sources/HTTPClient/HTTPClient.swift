import Machine

/// Speaks HTTP/1.1 over TCP, TLS or a Unix socket, through libcurl.
///
/// Each request has a connection and a thread of its own. Redirections are not followed unless asked for: whoever names an
/// address means that one. Certificates are checked against the machine's own authorities. Over TCP the proxy variables of the environment
/// (`https_proxy`, `no_proxy`) count; over a Unix socket nothing of the environment does.
package struct HTTPClient: Sendable {
    /// The socket that every request goes through, whatever host its URL names; nil for TCP.
    package let unixSocket: String?
    /// How long making a connection may take: name look-up, TCP and TLS.
    package let connectTimeout: Duration
    /// What we call ourselves.
    package let userAgent: String
    /// Who answers in place of the network, for tests.
    private let peer: (@Sendable (Request) async throws -> Response)?

    package init(
        unixSocket: String? = nil, connectTimeout: Duration = .seconds(10), userAgent: String = "holdfast"
    ) {
        self.unixSocket = unixSocket
        self.connectTimeout = connectTimeout
        self.userAgent = userAgent
        peer = nil
    }

    /// A client that `peer` answers; nothing goes over any network.
    package init(answeredBy peer: @escaping @Sendable (Request) async throws -> Response) {
        unixSocket = nil
        connectTimeout = .zero
        userAgent = ""
        self.peer = peer
    }

    /// What is asked.
    package struct Request: Sendable {
        package var method: String
        /// `http://…` or `https://…`; over a Unix socket also a path alone. Percent-encoded by the caller.
        package var url: String
        /// Sent as they are, in this order.
        package var headers: [(name: String, value: String)]
        /// What is sent along; nil: nothing.
        package var body: [UInt8]?
        /// From the first look-up to the last byte; nil: no limit, for streams.
        package var timeout: Duration?
        /// How many bytes of an answer are kept in memory, decompressed; more are an error.
        package var bodyLimit: Int
        /// Whether the answer may be compressed; it is decompressed then.
        package var acceptsCompression = false
        /// How many redirections are followed; credentials go to the first host only.
        package var redirections = 0
        /// Whether the proxy variables of the environment count.
        package var usesProxy = true
        package var tls = TLSOptions()

        package init(
            _ method: String, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil,
            timeout: Duration? = .seconds(60), bodyLimit: Int = 16 << 20
        ) {
            self.method = method
            self.url = url
            self.headers = headers
            self.body = body
            self.timeout = timeout
            self.bodyLimit = bodyLimit
        }
    }

    /// How the other side shows who it is, and we do.
    package struct TLSOptions: Sendable, Equatable {
        package enum Version: Sendable { case tls10, tls11, tls12, tls13 }

        /// A file with authorities to trust instead of the machine's.
        package var authorities: String?
        /// Files with our own certificate and its key.
        package var certificate: String?
        package var key: String?
        /// The name that the certificate has to have, if not the address's.
        package var serverName: String?
        /// Whether anybody's certificate is good.
        package var isUnverified = false
        package var minimumVersion: Version?

        package init() {}
    }

    /// What was answered.
    package struct Response: Sendable {
        package let status: Int
        /// Names in lower case, in the order they came.
        package let headers: [(name: String, value: String)]
        package let body: [UInt8]

        package init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
            self.status = status
            self.headers = headers
            self.body = body
        }

        /// Whether the status is one of 200…299.
        package var succeeded: Bool { (200..<300).contains(status) }

        /// The value of the first header of that name, in any case.
        package func header(_ name: String) -> String? {
            let name = name.lowercased()
            return headers.first { $0.name == name }?.value
        }
    }

    /// Sends the request and waits for the whole answer, whatever its status.
    ///
    /// - Throws: ``HTTPError`` when there was no whole answer; ``Interrupted``, at most a tenth of a second after the task
    ///   was cancelled. What the other side has done by then is not known.
    package func send(_ request: Request) async throws -> Response {
        try await transfer(request, nil)
    }

    /// Sends the request and hands over the body of the answer as it comes.
    ///
    /// `each` is called on the connection's own thread; while it works, nothing more is read. Of an answer with a status
    /// outside 200…299 it sees nothing: its body is in the response, as ``send(_:)`` has it.
    ///
    /// - Returns: with an empty body when `each` got it.
    /// - Throws: as ``send(_:)`` does, and what `each` throws, which ends the connection. Bytes that were handed over
    ///   before stay handed over.
    package func stream(
        _ request: Request, _ each: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Void
    ) async throws -> Response {
        try await transfer(request, each)
    }

    /// Scheme, host and port: what may be shown of a URL.
    package static func place(of url: String) -> String { Transfer.place(of: url) }

    private func transfer(
        _ request: Request, _ each: (@Sendable (UnsafeRawBufferPointer) throws -> Void)?
    ) async throws -> Response {
        if Task.isCancelled { throw Interrupted() }
        if let peer { return try await peer(request) }
        return try await onThread("http") { signal in
            try Transfer(request, through: self, each).run(signal)
        }
    }
}
