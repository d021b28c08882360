/// What `postgresql://user@host:port/database?parameter=value` says.
///
/// Nothing of the text stands in a fault but names that cannot be secret: where a URL is misspelt, anything in it may be
/// part of a password.
struct ServerURL: Equatable {
    var server = Settings.Postgres.Server()
    var user: String?
    var database: String?

    /// What is wrong with a URL: the rest of a sentence that begins with its key, and what to do.
    struct Fault: Error, Equatable {
        let complaint: String
        let remedy: String

        init(_ complaint: String, _ remedy: String = "Write `\(ServerURL.form)`.") {
            self.complaint = complaint
            self.remedy = remedy
        }
    }

    static let form = "postgresql://USER@HOST:5432/DATABASE"
    private static let schemes = ["postgresql://", "postgres://"]
    private static let passwordFault = Fault(
        "holds a password.",
        "Take it out of the URL, write it alone into a file that only root can read, and name that file as `password_file: /…`."
    )

    /// Reads a URL; nothing in it is looked up.
    init(_ text: String) throws(Fault) {
        guard let scheme = Self.schemes.first(where: { text.hasPrefix($0) }) else {
            throw Fault("does not begin with `postgresql://`.")
        }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let tail = rest.dropFirst(authority.count)
        guard !tail.contains("@") else {
            throw Fault(
                "has an `@` where none can be.",
                "Where it belongs to a name, write `%40`; a password does not go into the URL but into `password_file`."
            )
        }
        try read(authority: authority)
        let path = tail.prefix { $0 != "?" }
        if path.count > 1 {
            guard !path.dropFirst().contains("/") else {
                throw Fault("has more than one name in its path.", "Write a `/` that belongs to the name as `%2F`.")
            }
            database = try Self.decoded(path.dropFirst(), "database")
        }
        try read(query: tail.dropFirst(path.count + 1))
        for (name, what) in [(user, "user"), (database, "database")] {
            if let name, let complaint = Settings.Postgres.complaint(aboutName: name) {
                throw Fault("has a \(what) that \(complaint).", "Name the \(what) as the server calls it.")
            }
        }
    }

    /// Reads `user@host:port`.
    private mutating func read(authority: Substring) throws(Fault) {
        var place = authority
        if let at = authority.lastIndex(of: "@") {
            let name = authority[..<at]
            guard !name.contains(":") else { throw Self.passwordFault }
            guard !name.contains("@") else {
                throw Fault("has more than one `@`.", "Write an `@` that belongs to the user as `%40`.")
            }
            if !name.isEmpty { user = try Self.decoded(name, "user") }
            place = authority[authority.index(after: at)...]
        }
        guard !place.contains(",") else {
            throw Fault("names more than one host.", "Name the one that the backup is to be taken from.")
        }
        var port: Substring = ""
        if place.hasPrefix("["), let end = place.firstIndex(of: "]") {
            let address = place[place.index(after: place.startIndex)..<end]
            let isAddress =
                address.contains(":")
                && address.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ":.%_-".contains($0)) }
            guard isAddress else { throw Fault("has brackets without an IPv6 address in them.") }
            port = place[place.index(after: end)...]
            guard port.isEmpty || port.hasPrefix(":") else { throw Fault("goes on after the address in brackets.") }
            port = port.dropFirst()
            server.host = String(address)
        } else {
            let parts = place.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else {
                throw Fault("has an address with several colons.", "Put an IPv6 address in brackets: `[::1]`.")
            }
            if let name = parts.first, !name.isEmpty { server.host = try Self.host(try Self.decoded(name, "host")) }
            if parts.count == 2 { port = parts[1] }
        }
        if !port.isEmpty { server.port = try Self.port(String(port)) }
    }

    /// Reads `parameter=value&…`.
    private mutating func read(query: Substring) throws(Fault) {
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw Fault("has a parameter without a value.") }
            let name = try Self.decoded(parts[0], "parameter")
            try set(name, to: try Self.decoded(parts[1], "parameter `\(printable(name))`"))
        }
    }

    private mutating func set(_ name: String, to value: String) throws(Fault) {
        let twice = Fault("says `\(printable(name))` twice.", "Keep one of them.")
        switch name {
        case "password", "sslpassword": throw Self.passwordFault
        case "passfile": throw Fault("names a `passfile`.", "Use `password_file: /…`, which holds the password alone.")
        case "host":
            guard server.host == nil else { throw twice }
            server.host = try Self.host(value)
        case "port":
            guard server.port == nil else { throw twice }
            server.port = try Self.port(value)
        case "user":
            guard user == nil else { throw twice }
            user = value
        case "dbname":
            guard database == nil else { throw twice }
            database = value
        default:
            guard Settings.Postgres.Server.knownParameters.contains(name) else {
                let known = Settings.Postgres.Server.knownParameters.map { "`\($0)`" }.joined(separator: ", ")
                throw Fault(
                    "has a parameter that is not known: `\(printable(name))`.", "Remove it. Known are \(known).")
            }
            guard server.parameters.updateValue(value, forKey: name) == nil else { throw twice }
            try Self.check(name, value)
        }
    }

    private static func check(_ name: String, _ value: String) throws(Fault) {
        switch name {
        case "sslmode":
            let modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
            guard !modes.contains(value) else { return }
            throw Fault("has an `sslmode` that does not exist.", "Known are \(modes.joined(separator: ", ")).")
        case "connect_timeout":
            guard UInt16(value) == nil else { return }
            throw Fault("has a `connect_timeout` that is no number.", "Write seconds: `connect_timeout=10`.")
        default:
            if name == "sslrootcert", value == "system" { return }
            guard (try? HostPath(value)) == nil else { return }
            throw Fault("has a `\(name)` that is no absolute path.", "Write the whole path of the file.")
        }
    }

    private static func host(_ text: String) throws(Fault) -> String {
        if text.hasPrefix("/") {
            guard let folder = try? HostPath(text) else {
                throw Fault("has a folder as its host that is no tidy path.", "Write it as in `?host=/run/postgresql`.")
            }
            return folder.text
        }
        let isName = text.unicodeScalars.allSatisfy { !isControl($0) && !" /,@".unicodeScalars.contains($0) }
        guard isName, !text.isEmpty, text.utf8.count <= 255 else { throw Fault("has a host that can be none.") }
        return text
    }

    private static func port(_ text: String) throws(Fault) -> UInt16 {
        guard let port = UInt16(text), port > 0, text.allSatisfy(\.isNumber) else {
            throw Fault("has a port that is no number from 1 to 65535.")
        }
        return port
    }

    /// `text` with `%41` read as `A`.
    private static func decoded(_ text: Substring, _ part: String) throws(Fault) -> String {
        var bytes: [UInt8] = []
        var rest = Substring(text).utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                throw Fault("has a `%` in its \(part) that no two hex digits follow.", "Write a `%` itself as `%25`.")
            }
            bytes.append(high << 4 | low)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw Fault("has a \(part) that is not UTF-8, or holds a NUL.")
        }
        return decoded
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
