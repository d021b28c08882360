import Machine

extension Settings.Metrics {
    private static let help = "Write `metrics: { prometheus: /etc/holdfast/prometheus.yml }`."

    init?(reading reader: NodeReader) {
        guard let fields = reader.fields(of: Section.metrics, remedy: Self.help) else { return nil }
        let folder = ConfigurationFile.folder(of: reader.findings.file)
        self.init(
            textfile: fields["textfile"].flatMap { $0.hostPath() },
            prometheus: fields["prometheus"].flatMap { $0.path(below: folder) },
            tokenFile: fields["token_file"].flatMap { $0.path(below: folder) },
            users: fields["users"].map { Self.users(reading: $0, below: folder) } ?? [],
            hosts: fields["hosts"].flatMap { $0.list(of: "names") { $0.string(expected: "a name") } } ?? [],
            keep: fields["keep"].flatMap { $0.days() } ?? Self.usualDays,
            size: fields["size"].flatMap { $0.byteCount() })
        if let file = fields["textfile"], let textfile, !textfile.hasSuffix(".prom") {
            file.badValue(
                "\(file.label) has to end in `.prom`: `\(printable(textfile))`.",
                remedy: "Node exporter reads no other files. Write `…/holdfast.prom`.")
        }
        readListen(fields)
        guard fields["prometheus"] == nil else { return }
        for key in ["listen", "token_file", "users", "hosts", "keep", "size"] {
            guard let value = fields[key] else { continue }
            value.findings.report(
                "conflict", "\(value.label) stands there, but nothing is measured.", at: value.position,
                remedy: "Add `prometheus: FILE` to `metrics`, or remove \(value.label).")
        }
    }

    private mutating func readListen(_ fields: NodeReader.Fields) {
        listen = prometheus == nil ? nil : Self.usualListen
        guard let reader = fields["listen"] else { return }
        let help = "Write `HOST:PORT`, such as `\(Self.usualListen)`, or `none`."
        guard let text = reader.string(expected: "an address", remedy: help) else { return }
        guard text != "none" else { return listen = nil }
        guard let address = ListenAddress(text) else {
            return reader.badValue("\(reader.label) is not an address and a port: `\(printable(text))`.", remedy: help)
        }
        if !address.isLoopback, tokenFile == nil, users.isEmpty {
            reader.findings.report(
                "conflict", "\(reader.label) lets everybody on the network in.", at: reader.position,
                remedy: "Add `token_file: /…` or `users: [{ name: …, password_file: /… }]`, or listen on 127.0.0.1.")
        }
        listen = text
    }

    private static func users(reading reader: NodeReader, below folder: String) -> [User] {
        let help = "Write `users: [{ name: me, password_file: /etc/holdfast/me }]`."
        return reader.list(of: "users") { element -> User? in
            guard let fields = element.fields(of: Section.users, remedy: help) else { return nil }
            let name = fields.require("name", remedy: help)?.string(expected: "a name")
            let file = fields.require("password_file", remedy: help)?.path(below: folder)
            guard let name, let file else { return nil }
            return User(name: name, passwordFile: file)
        } ?? []
    }
}

/// `HOST:PORT`, an IPv6 address in brackets.
struct ListenAddress {
    let host: String
    let port: UInt16

    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            return nil
        }
        let isPlain = host.utf8.allSatisfy { $0 > 32 && $0 < 127 } && !host.contains(where: { "/@[]".contains($0) })
        guard !host.isEmpty, isPlain else { return nil }
        self.host = host
        self.port = port
    }

    var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}

extension NodeReader {
    /// A path, relative ones below `folder`.
    func path(below folder: String) -> String? {
        guard let text = string(expected: "a path") else { return nil }
        guard !text.unicodeScalars.contains(where: isControl), !text.hasPrefix("~"), !text.hasPrefix("$") else {
            badValue(
                "\(label) is not a path that is read here.",
                remedy: "Write the whole path; `~` and variables are not expanded.")
            return nil
        }
        return joined(folder, text)
    }

    /// `30d`, in days; what is left of a day counts as one.
    fileprivate func days() -> Int? {
        guard let seconds = duration() else { return nil }
        return Int((seconds / 86_400).rounded(.up))
    }

    /// `512MB`, `10GiB`; units are powers of 1024 either way, as in Prometheus. `0` is no limit.
    func byteCount() -> ByteCount? {
        let help = "Write a number and its unit: `64MB`, `10GB`."
        guard let text = string(expected: "a size", remedy: help) else { return nil }
        let units = ["": 0, "B": 0, "KB": 10, "KIB": 10, "MB": 20, "MIB": 20, "GB": 30, "GIB": 30, "TB": 40, "TIB": 40]
        let number = text.prefix { $0.isASCII && ($0.isWholeNumber || $0 == ".") }
        let unit = text.dropFirst(number.count).uppercased()
        if let value = Double(number), let power = units[unit], value * Double(1 << power) < 1e18,
            !unit.isEmpty || value == 0
        {
            let bytes = ByteCount(Int64(value * Double(1 << power)))
            return bytes.bytes == 0 ? nil : bytes
        }
        badValue("\(label): `\(printable(text))` is no size.", remedy: help)
        return nil
    }
}

/// A path below a folder, unless it begins at the root.
func joined(_ folder: String, _ path: String) -> String {
    path.hasPrefix("/") || folder == "." ? path : folder == "/" ? "/\(path)" : "\(folder)/\(path)"
}
