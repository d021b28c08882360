internal import HTTPTypes
internal import Machine

/// Who may do what.
///
/// | listening | to read | to change |
/// |---|---|---|
/// | on loopback | a `Host` that is known | and the token |
/// | elsewhere | the token, or a user's password | the token and a `Host` that is known |
///
/// A `Host` that is known cannot be somebody else's name that was made to point here (DNS rebinding).
struct Access: Sendable {
    enum Verdict: Equatable {
        case admitted
        /// No credentials, or wrong ones.
        case unknown
        case forbidden(String)
    }

    private let isLoopback: Bool
    private let hosts: Set<String>
    private let token: Secret?
    private let users: [String: Secret]

    /// Reads the secrets.
    ///
    /// - Throws: ``DashboardError`` when one cannot be read, or when everybody could read what is measured.
    init(_ settings: DashboardSettings) throws {
        let address = try ListenAddress(settings.listen)
        isLoopback = address.isLoopback
        guard isLoopback || settings.tokenFile != nil || !settings.users.isEmpty else {
            throw DashboardError.unprotected(settings.listen)
        }
        hosts = Set(settings.hosts.map { $0.lowercased() } + [address.host])
        token = try settings.tokenFile.map { try Secret(file: $0) }
        users = try Dictionary(settings.users.map { ($0.name, try Secret(file: $0.passwordFile)) }) { $1 }
    }

    func judge(_ head: HTTPRequest, changesState: Bool) -> Verdict {
        if changesState || isLoopback, !isKnownHost(head) {
            return .forbidden("this name is not known here: add it to hosts")
        }
        if changesState {
            guard let token else { return .forbidden("nothing can be changed here: no token is configured") }
            guard isFromHere(head) else { return .forbidden("another site's page asks for this") }
            return bearer(of: head).map(token.equals) ?? false ? .admitted : .unknown
        }
        if isLoopback { return isFromAnotherPage(head) ? .forbidden("another site's page asks for this") : .admitted }
        if let bearer = bearer(of: head) { return token?.equals(bearer) ?? false ? .admitted : .unknown }
        guard let (name, password) = basic(of: head), let secret = users[name] else { return .unknown }
        return secret.equals(password) ? .admitted : .unknown
    }

    private func isKnownHost(_ head: HTTPRequest) -> Bool {
        // The first `Host` is the authority; a second one is a trick.
        let isTwice = head.headerFields.contains { $0.name.canonicalName == "host" }
        guard !isTwice, let name = ListenAddress.hostName(head.authority ?? "") else {
            return false
        }
        return ListenAddress.isLoopback(name) || hosts.contains(name)
    }

    /// Browsers say from which site's page a request comes; other clients say nothing.
    private func isFromHere(_ head: HTTPRequest) -> Bool {
        guard let origin = head.headerFields[.origin] else { return true }
        let parts = origin.split(separator: "://", maxSplits: 1)
        guard parts.count == 2, let name = ListenAddress.hostName(String(parts[1])) else { return false }
        return name == ListenAddress.hostName(head.authority ?? "")
    }

    /// Whether a page of another site has a browser ask, unless a person followed a link (Fetch Metadata Request Headers, W3C).
    private func isFromAnotherPage(_ head: HTTPRequest) -> Bool {
        head.headerFields[.fetchSite] == "cross-site" && head.headerFields[.fetchMode] != "navigate"
    }

    private func bearer(of head: HTTPRequest) -> [UInt8]? { credentials(of: head, "bearer").map { Array($0.utf8) } }

    private func basic(of head: HTTPRequest) -> (name: String, password: [UInt8])? {
        guard let text = credentials(of: head, "basic"), let bytes = bytes(ofBase64: text),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            let name = String(validating: bytes[..<colon], as: UTF8.self)
        else { return nil }
        return (name, Array(bytes[(colon + 1)...]))
    }

    /// What follows the scheme in `Authorization`.
    private func credentials(of head: HTTPRequest, _ scheme: String) -> Substring? {
        guard let field = head.headerFields[.authorization], let space = field.firstIndex(of: " "),
            field[..<space].lowercased() == scheme
        else { return nil }
        return field[space...].drop { $0 == " " }
    }
}

/// RFC 4648, with or without padding; nil for anything else.
func bytes(ofBase64 text: some StringProtocol) -> [UInt8]? {
    var bytes: [UInt8] = []
    var (bits, count) = (0, 0)
    let digits = text.utf8.reversed().drop { $0 == UInt8(ascii: "=") }.reversed()
    for digit in digits {
        let value: UInt8
        switch digit {
        case 65...90: value = digit - 65
        case 97...122: value = digit - 71
        case 48...57: value = digit + 4
        case UInt8(ascii: "+"): value = 62
        case UInt8(ascii: "/"): value = 63
        default: return nil
        }
        bits = (bits << 6 | Int(value)) & 0xffff
        count += 6
        if count >= 8 {
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> count))
        }
    }
    return bytes
}

extension HTTPField.Name {
    fileprivate static var fetchSite: HTTPField.Name { HTTPField.Name("Sec-Fetch-Site") ?? .origin }
    fileprivate static var fetchMode: HTTPField.Name { HTTPField.Name("Sec-Fetch-Mode") ?? .origin }
}
