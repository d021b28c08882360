internal import CCurl
internal import FoundationEssentials
import Glibc
import Machine

/// One message on its way. Made, run and dropped on one thread; runs once.
final class MailTransfer {
    private let handles: Handles
    private let place: String
    private let message: [UInt8]
    /// How much of the message has gone.
    private var offset = 0
    /// The server's answers, one a line as they came, at most ``lineLimit``.
    private var lines: [String] = []

    /// What may not be shown even if the server repeats it: the password, alone and as it goes over the wire.
    private let secrets: [String]

    private static let lineLimit = 200
    private static let wordsLimit = 500

    init(_ mail: Mail, through client: MailClient) throws {
        place = client.url
        message = mail.message
        secrets = client.login.map(Self.secrets(of:)) ?? []
        handles = try Handles(place: place)
        try prepare(mail, client)
    }

    private func prepare(_ mail: Mail, _ client: MailClient) throws {
        for address in [mail.sender, mail.recipient] {
            guard address.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") })
            else { throw HTTPError(.badRequest, "An address holds a character that it cannot hold.", place: place) }
        }
        handles.set(CURLOPT_URL, client.url)
        handles.set(CURLOPT_PROXY, "")
        handles.set(CURLOPT_CONNECTTIMEOUT_MS, min(client.timeout, .seconds(20)))
        handles.set(CURLOPT_TIMEOUT_MS, client.timeout)
        let isEncrypted = if case .none = client.encryption { false } else { true }
        handles.set(CURLOPT_USE_SSL, Int((isEncrypted ? CURLUSESSL_ALL : CURLUSESSL_NONE).rawValue))
        if let authorities = client.authorities {
            guard access(authorities, R_OK) == 0 else { throw MachineError.call("read", authorities) }
            handles.set(CURLOPT_CAINFO, authorities)
        }
        if let login = client.login {
            guard isEncrypted else {
                throw HTTPError(.badRequest, "A password is not sent without encryption.", place: place)
            }
            handles.set(CURLOPT_USERNAME, login.user)
            handles.set(CURLOPT_PASSWORD, login.password.exposed)
        }
        handles.set(CURLOPT_MAIL_FROM, "<\(mail.sender)>")
        try handles.set(CURLOPT_MAIL_RCPT, ["<\(mail.recipient)>"])
        handles.set(CURLOPT_UPLOAD, 1)
        curl_set_offset(handles.easy, CURLOPT_INFILESIZE_LARGE, message.count)
    }

    /// Runs it to its end.
    ///
    /// - Returns: what the server said to the message.
    func run(_ signal: StopSignal) throws -> String {
        // The callbacks get this object as an unretained pointer; they run only in here, for it is taken back below.
        let me = Unmanaged.passUnretained(self).toOpaque()
        handles.set(CURLOPT_HEADERDATA, me)
        handles.set(CURLOPT_READDATA, me)
        curl_set_callback(handles.easy, CURLOPT_HEADERFUNCTION) { start, size, count, me in
            guard let me, let start else { return size * count }
            let line = String(decoding: UnsafeRawBufferPointer(start: start, count: size * count), as: UTF8.self)
            Unmanaged<MailTransfer>.fromOpaque(me).takeUnretainedValue().take(line)
            return size * count
        }
        curl_set_callback(handles.easy, CURLOPT_READFUNCTION) { start, size, count, me in
            guard let me, let start else { return 0 }
            let room = UnsafeMutableRawBufferPointer(start: start, count: size * count)
            return Unmanaged<MailTransfer>.fromOpaque(me).takeUnretainedValue().give(room)
        }
        defer {
            // Libcurl says goodbye when the connection is dropped, and the server may answer.
            handles.set(CURLOPT_HEADERDATA, nil as UnsafeMutableRawPointer?)
            handles.set(CURLOPT_READDATA, nil as UnsafeMutableRawPointer?)
        }
        let end = try handles.run(signal) { nil }
        let (status, words) = lastAnswer
        if end.code == CURLE_OK { return words }
        switch end.code {
        case CURLE_USE_SSL_FAILED where status < 400:
            throw HTTPError(
                .tls, "The mail server offers no encryption (STARTTLS).", place: place,
                remedy: "Name a server that does, or one with TLS from the first byte (smtps://…).")
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION: break
        case _ where status >= 400:
            throw HTTPError(
                .rejected, "The mail server refused: \(words)", place: place,
                remedy: end.code == CURLE_LOGIN_DENIED ? "See whether user and password are right." : nil,
                isTransient: status < 500)
        case CURLE_WEIRD_SERVER_REPLY: throw HTTPError(.badAnswer, "The answer is not SMTP.", place: place)
        default: break
        }
        throw HTTPError(end, place: place)
    }

    /// The status and the words of the last answer that is not a goodbye; 0 if there was none.
    private var lastAnswer: (status: Int, words: String) {
        let lines = lines.filter { !$0.hasPrefix("221") }
        guard let code = lines.last?.prefix(3), let status = Int(code) else { return (0, "") }
        let last = lines.reversed().prefix { $0.hasPrefix(code) }.reversed()
        // Of an answer on several lines only the last has a blank after its code.
        let start = last.dropLast().lastIndex { !$0.hasPrefix("\(code)-") }.map { last.index(after: $0) }
        let words = last[(start ?? last.startIndex)...].joined(separator: " / ")
        let shown = secrets.reduce(words) { $0.replacing($1, with: "•••") }
        return (status, RawPath(String(shown.prefix(Self.wordsLimit))).description)
    }

    private static func secrets(of login: MailClient.Login) -> [String] {
        let password = login.password.exposed
        let wire = ["\0\(login.user)\0\(password)", password].map { Data($0.utf8).base64EncodedString() }
        return (wire + [password]).filter { $0.count > 3 }
    }

    private func take(_ line: String) {
        let text = line.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        if lines.count == Self.lineLimit { lines.removeFirst() }
        lines.append(String(text.prefix(500)))
    }

    private func give(_ room: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(room.count, message.count - offset)
        room.copyBytes(from: message[offset..<(offset + count)])
        offset += count
        return count
    }
}
