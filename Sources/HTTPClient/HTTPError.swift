internal import CCurl
import Glibc
import Machine

/// Why there was no whole answer. Names the host or the socket, never a path or a query: those of webhooks are secrets.
package struct HTTPError: Explained {
    /// What went wrong, for callers that decide.
    package enum Kind: String, Sendable {
        /// Nobody listens there.
        case refused
        /// There is no such Unix socket.
        case noSocket = "no-socket"
        /// This user may not use the Unix socket.
        case noPermission = "no-permission"
        /// The name is not known, or no way leads there.
        case unreachable
        case timeout
        /// No trust in the other side's certificate, or no common encryption.
        case tls
        /// The connection ended in the middle.
        case cut
        /// A mail server answered that it will not do it; whether for good says ``isTransient``.
        case rejected
        /// What came is not what the protocol has.
        case badAnswer = "bad-answer"
        case tooLarge = "too-large"
        /// The request cannot be sent as it is: its URL, or a header.
        case badRequest = "bad-request"
        /// What libcurl itself could not do.
        case failed
    }

    package let kind: Kind
    package let what: String
    package let place: String?
    package let remedy: String?
    /// Whether the same request may well succeed a little later.
    package let isTransient: Bool

    package var code: String { "http.\(kind.rawValue)" }

    init(_ kind: Kind, _ what: String, place: String?, remedy: String? = nil, isTransient: Bool = false) {
        self.kind = kind
        self.what = what
        self.place = place
        self.remedy = remedy
        self.isTransient = isTransient
    }
}

extension HTTPError {
    /// What libcurl reports; its own words are shown where ours say less.
    init(_ end: Handles.End, place: String?) {
        let detail = end.detail.isEmpty ? String(cString: curl_easy_strerror(end.code)) : end.detail
        switch end.code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            self.init(
                .unreachable, "The host's name could not be looked up.", place: place,
                remedy: "See whether the name is right and this machine's DNS works (getent hosts NAME).",
                isTransient: true)
        case CURLE_COULDNT_CONNECT:
            self.init(connecting: end.reason, detail: detail, place: place)
        case CURLE_OPERATION_TIMEDOUT:
            self.init(
                .timeout, "There was no whole answer within \(durationText(end.seconds)).", place: place,
                isTransient: true)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            self.init(
                .tls, "The other side's certificate is not trusted: \(detail).", place: place,
                remedy: "Renew the certificate, or install its authority on this machine (update-ca-certificates).")
        case CURLE_SSL_CONNECT_ERROR, CURLE_USE_SSL_FAILED:
            self.init(.tls, "No encrypted connection came about: \(detail).", place: place, isTransient: true)
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR:
            self.init(.cut, "The connection ended in the middle of the answer.", place: place, isTransient: true)
        case CURLE_BAD_CONTENT_ENCODING:
            self.init(.badAnswer, "The answer cannot be decompressed.", place: place)
        case CURLE_TOO_MANY_REDIRECTS:
            self.init(.badAnswer, "The answer is a redirection too many.", place: place)
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY:
            self.init(.badAnswer, "The answer is not HTTP.", place: place)
        case CURLE_URL_MALFORMAT:
            self.init(.badRequest, "That is not a URL.", place: place)
        default:
            self.init(.failed, "The request could not be made: \(detail).", place: place)
        }
    }

    /// No connection came about.
    init(connecting reason: Int32, detail: String, place: String?) {
        switch reason {
        case ECONNREFUSED: self.init(.refused, "Nobody listens there.", place: place, isTransient: true)
        case ENOENT: self.init(.noSocket, "There is no such socket.", place: place, isTransient: true)
        case EACCES, EPERM: self.init(.noPermission, "This user may not use that socket.", place: place)
        case 0: self.init(.unreachable, "No connection came about: \(detail).", place: place, isTransient: true)
        default:
            let text = String(cString: strerror(reason))
            self.init(.unreachable, "No connection came about: \(text).", place: place, isTransient: true)
        }
    }
}
