import Machine
import Yams

/// An entry of `notify` together with where its name stands in the file.
struct LocatedChannel {
    let channel: Settings.Channel
    private let name: NodeReader

    private static let help =
        "Write `- { email: YOU@example.org, smtp: \"smtp://HOST:587\" }`, or `- { slack: NAME, url_file: /… }`."

    /// Reads `notify`; entries with something wrong in them are reported and left out.
    static func list(reading reader: NodeReader) -> [LocatedChannel] {
        guard reader.node.sequence != nil else {
            reader.wrongType(expected: "a list of channels", remedy: help)
            return []
        }
        return reader.list(of: "channels", LocatedChannel.init(reading:)) ?? []
    }

    private init?(reading reader: NodeReader) {
        guard let fields = reader.fields(of: .notify, remedy: Self.help) else { return nil }
        let found = Settings.Channel.kinds.compactMap { word in fields[word].map { (word, $0) } }
        guard let (word, name) = found.first else {
            let words = Settings.Channel.kinds.map { "`\($0): …`" }.joined(separator: ", ")
            reader.findings.report(
                "missing-key", "\(reader.label) does not say how to tell anybody, or leaves the name empty.",
                at: reader.position, remedy: "Add one of \(words), each with a name: `slack: ops`.")
            return nil
        }
        for (_, second) in found.dropFirst() {
            second.findings.report(
                "conflict", "\(second.label) and `\(word)` stand in one entry.", at: second.position,
                remedy: "Make two entries of it.")
        }
        Self.refuseForeign(in: fields, word)
        guard let channel = Self.channel(word, name, fields) else { return nil }
        self.channel = channel
        self.name = name
    }

    private static func channel(_ word: String, _ name: NodeReader, _ fields: NodeReader.Fields) -> Settings.Channel? {
        switch word {
        case "email":
            guard let email = Settings.Email(reading: fields, addresses: name) else { return nil }
            return Settings.Channel(name: email.addresses.joined(separator: ", "), kind: .email(email))
        case "heartbeat": return heartbeat(name, fields)
        default: break
        }
        let text = label(reading: name)
        let kind: Settings.Channel.Kind?
        switch word {
        case "slack": kind = fields.requireSecret("url").map { .slack(url: $0) }
        case "discord": kind = fields.requireSecret("url").map { .discord(url: $0) }
        case "pagerduty":
            let url = fields["url"].flatMap { $0.webAddress() }
            kind = fields.requireSecret("key").map { .pagerduty(key: $0, url: url) }
        case "webhook":
            let token = fields.secret("token")
            kind = fields.requireSecret("url", orInline: true).map { .webhook(url: $0, token: token) }
        default:
            let token = fields.secret("token")
            kind = fields.requireSecret("url", orInline: true).map { .ntfy(url: $0, token: token) }
        }
        guard let text, let kind else { return nil }
        return Settings.Channel(name: text, kind: kind)
    }

    /// The value is the URL itself, or a name beside `url_file` or `url_env`.
    private static func heartbeat(_ value: NodeReader, _ fields: NodeReader.Fields) -> Settings.Channel? {
        guard let text = value.string() else { return nil }
        guard text.contains("://") else {
            guard let name = label(reading: value), let url = fields.requireSecret("url") else { return nil }
            return Settings.Channel(name: name, kind: .heartbeat(url: url))
        }
        for key in ["url_file", "url_env"] {
            guard let second = fields[key] else { continue }
            second.findings.report(
                "conflict", "\(second.label) stands beside a URL.", at: second.position,
                remedy: "Keep one of them; beside \(second.label), `heartbeat` has a name.")
        }
        return value.webAddress().map {
            Settings.Channel(name: "heartbeat", kind: .heartbeat(url: .inline(Redacted($0))))
        }
    }

    /// What people call a channel; not shown when it is none, for it might be a URL that is a secret.
    private static func label(reading reader: NodeReader) -> String? {
        let help = "Write a name of your own, such as `ops`: letters, digits, `_`, `.`, `-`."
        guard let text = reader.string(expected: "a name", remedy: help) else { return nil }
        guard text.contains("://") else {
            if Settings.FilesSource.isValid(name: text) { return text }
            reader.badValue("\(reader.label) is not a name.", remedy: help)
            return nil
        }
        reader.badValue(
            "\(reader.label) is a URL, and whoever knows it can send messages: it does not go into this file.",
            remedy:
                "Write it alone into a file that only root can read, name that as `url_file: /…`, and give a name here."
        )
        return nil
    }

    /// Reports keys that belong to another kind of channel.
    private static func refuseForeign(in fields: NodeReader.Fields, _ word: String) {
        let own: [String]
        switch word {
        case "email": own = ["smtp", "user", "password_file", "password_env", "from", "tls", "ca_file"]
        case "pagerduty": own = ["key_file", "key_env", "url"]
        case "webhook", "ntfy": own = ["url", "url_file", "url_env", "token_file", "token_env"]
        default: own = ["url_file", "url_env"]
        }
        for key in Section.notify.keys where !own.contains(key) && !Settings.Channel.kinds.contains(key) {
            guard let value = fields[key] else { continue }
            let isSecretURL = key == "url" && (word == "slack" || word == "discord" || word == "heartbeat")
            value.findings.report(
                "conflict",
                isSecretURL
                    ? "\(value.label) is a secret: whoever knows it can speak in holdfast's name."
                    : "\(value.label) does not go with `\(word)`.",
                at: value.position,
                remedy: isSecretURL
                    ? "Write it alone into a file that only root can read, and name that: `url_file: /…`."
                    : "Remove it. Known there: \(own.map { "`\($0)`" }.joined(separator: ", ")).")
        }
    }

    /// Reports channels that are called like one before them, and addresses that stand twice.
    static func refuseDoubleNames(in channels: [LocatedChannel]) {
        var places: [String: SettingsProblem.Position?] = [:]
        for located in channels {
            var names = [located.channel.name]
            if case .email(let email) = located.channel.kind { names = email.addresses }
            // One that stands twice in a list has been reported already.
            for name in Set(names).sorted() {
                guard let first = places.updateValue(located.name.position, forKey: name) else { continue }
                located.name.badValue(
                    "\(located.name.label): `\(name)` is already the name of another channel\(first.map { ", in line \($0.line)" } ?? "").",
                    remedy: "Give each channel a name of its own; a second heartbeat gets one beside `url_file: /…`.")
            }
        }
    }
}

extension Settings.Email {
    fileprivate init?(reading fields: NodeReader.Fields, addresses reader: NodeReader) {
        let addresses = reader.list(of: "addresses") { $0.mailAddress() } ?? []
        if Set(addresses).count < addresses.count {
            reader.badValue("\(reader.label) names an address twice.", remedy: "Remove one.")
        } else if reader.node.sequence?.isEmpty == true {
            reader.badValue("\(reader.label) names nobody.", remedy: "Write `email: YOU@example.org`.")
        }
        let user = fields["user"].flatMap { $0.string(expected: "a user") }
        let password = fields.secret("password")
        let from = fields["from"].flatMap { $0.mailAddress() }
        let authorities = fields["ca_file"].flatMap { $0.hostPath() }
        let requiresTLS = fields["tls"].flatMap(Self.requirement(reading:)) ?? true
        Self.refuseHalves(fields)
        let url = fields.require("smtp", remedy: "Add `smtp: \"smtp://HOST:587\"`: the server that takes the mail.")
        guard let url, let server = url.mailServer() else { return nil }
        if !requiresTLS, user != nil || server.isImplicitTLS {
            fields["tls"]?.findings.report(
                "conflict",
                server.isImplicitTLS
                    ? "`tls: none` stands beside a server with TLS."
                    : "`tls: none` would send the password for everybody to read.",
                at: fields["tls"]?.position, remedy: "Remove `tls: none`, or `user` and the password.")
        }
        guard !addresses.isEmpty else { return nil }
        self.init(
            addresses: addresses, server: server, user: user, password: password, from: from, requiresTLS: requiresTLS,
            authorities: authorities)
    }

    private static func requirement(reading reader: NodeReader) -> Bool? {
        let help = "Write `required` or `none`."
        guard let word = reader.string(expected: "a word", remedy: help) else { return nil }
        if word == "required" { return true }
        if word == "none" { return false }
        reader.badValue("\(reader.label): `\(printable(word))` is not known.", remedy: help)
        return nil
    }

    /// Reports a user without a password, and the other way round.
    private static func refuseHalves(_ fields: NodeReader.Fields) {
        let password = ["password_file", "password_env"].compactMap { fields[$0] }.first
        if let user = fields["user"], password == nil {
            user.findings.report(
                "missing-key", "\(user.label) has no password.", at: user.position,
                remedy: "Add `password_file: /…`, a file with the password alone, or `password_env: VARIABLE`.")
        } else if let password, fields["user"] == nil {
            password.findings.report(
                "missing-key", "\(password.label) stands without a `user`.", at: password.position,
                remedy: "Add `user: …`, or remove the password.")
        }
    }
}
