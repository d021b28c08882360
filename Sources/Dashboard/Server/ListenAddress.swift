internal import Machine

/// Where to listen.
struct ListenAddress: Sendable {
    /// A name or an address, without brackets.
    let host: String
    let port: Int

    /// Reads `HOST:PORT` or `[ADDRESS]:PORT`.
    init(_ text: String) throws {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            let host = Self.hostName(String(text[..<colon])), !host.isEmpty, host.contains(":") == text.hasPrefix("[")
        else { throw DashboardError.notAnAddress(text) }
        self.host = host
        self.port = Int(port)
    }

    /// `http://HOST:PORT`
    func url(port: Int) -> String { "http://\(host.contains(":") ? "[\(host)]" : host):\(port)" }

    var isLoopback: Bool { Self.isLoopback(host) }

    /// Whether a host's name or address can only be this machine.
    static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { $0.allSatisfy(\.isNumber) && UInt8($0) != nil }
    }

    /// The host in lower case of `NAME`, `NAME:PORT`, `[ADDRESS]` or `[ADDRESS]:PORT`, as a `Host` header has it; nil for
    /// anything else.
    static func hostName(_ text: String) -> String? {
        let text = text.lowercased()
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") && UInt16(rest.dropFirst()) != nil else { return nil }
            return String(text[text.index(after: text.startIndex)..<end])
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 1 || parts.count == 2 && UInt16(parts[1]) != nil else { return nil }
        var name = parts[0]
        if name.hasSuffix(".") { name.removeLast() }
        return String(name)
    }
}
