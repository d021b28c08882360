import Machine
import Yams

extension NodeReader.Fields {
    /// The secret that `STEM_file` or `STEM_env` names; nil: neither does, or not well, which is reported.
    func secret(_ stem: String) -> Settings.Secret? {
        switch (self["\(stem)_file"], self["\(stem)_env"]) {
        case (let file?, nil): return file.secretFile(stem)
        case (nil, let variable?): return variable.variable()
        case (.some, let second?):
            second.findings.report(
                "conflict", "\(second.label) and `\(stem)_file` both say where the secret is.", at: second.position,
                remedy: "Keep one of them.")
            return nil
        case (nil, nil): return nil
        }
    }

    /// As ``secret(_:)``, and reports that there is none.
    func requireSecret(_ stem: String, orInline: Bool = false) -> Settings.Secret? {
        if orInline, let url = self[stem] {
            if let second = self["\(stem)_file"] ?? self["\(stem)_env"] {
                second.findings.report(
                    "conflict", "\(second.label) and `\(stem)` both say what the URL is.", at: second.position,
                    remedy: "Keep one of them.")
            }
            return url.webAddress().map { .inline(Redacted($0)) }
        }
        if self["\(stem)_file"] != nil || self["\(stem)_env"] != nil { return secret(stem) }
        // A URL in the file, where it may not stand, has been reported already.
        if stem == "url", self["url"] != nil { return nil }
        reader.findings.report(
            "missing-key", "\(reader.label) does not say where its \(stem == "url" ? "URL" : stem) is.",
            at: reader.position,
            remedy: "Add `\(stem)_file: /…`, a file with it alone, or `\(stem)_env: VARIABLE`"
                + (orInline ? ", or `\(stem): …` where it is no secret." : "."))
        return nil
    }
}

extension NodeReader {
    /// The path of a file with a secret; never shown, for it might be the secret itself.
    func secretFile(_ stem: String) -> Settings.Secret? {
        guard let text = string(expected: "a path") else { return nil }
        do {
            return .file(try HostPath(text).text)
        } catch {
            badValue(
                "\(label) \(error.complaint).", remedy: "Name the file that holds the \(stem) and nothing else.")
            return nil
        }
    }

    /// The name of a variable; never shown, for it might be the secret itself.
    func variable() -> Settings.Secret? {
        guard let text = string(expected: "the name of a variable") else { return nil }
        let isName = text.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "_")
                || Character(Unicode.Scalar(byte)).isASCII
                    && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber)
        }
        guard isName, text.first?.isNumber == false, text.utf8.count <= 128 else {
            badValue(
                "\(label) is not the name of a variable.",
                remedy: "Write the name alone, without `$`: letters, digits and `_`.")
            return nil
        }
        return .environment(text)
    }

    /// An `http://` or `https://` URL; never shown, for its path may be a secret.
    func webAddress() -> String? {
        let help = "Write `https://HOST/…`."
        guard let text = string(expected: "a URL", remedy: help) else { return nil }
        let rest = ["https://", "http://"].first(where: text.hasPrefix).map { text.dropFirst($0.count) }
        let isPlain = text.utf8.allSatisfy { $0 > 32 && $0 < 127 }
        guard let rest, isPlain, let first = rest.first, !"/?#:".contains(first) else {
            badValue("\(label) is not an http or https URL.", remedy: help)
            return nil
        }
        return text
    }

    func mailAddress() -> String? {
        let help = "Write `NAME@example.org` alone."
        guard let text = string(expected: "an e-mail address", remedy: help) else { return nil }
        guard Recipient.isEmailAddress(text), text.utf8.allSatisfy({ $0 < 128 }) else {
            badValue("\(label) is not an e-mail address that can be written to: `\(printable(text))`.", remedy: help)
            return nil
        }
        return text
    }

    func mailServer() -> Settings.MailServer? {
        guard let text = string(expected: "a URL", remedy: "Write `smtp://HOST:587`.") else { return nil }
        do {
            return try Settings.MailServer(url: text)
        } catch {
            badValue("\(label) \(error.complaint)", remedy: error.remedy)
            return nil
        }
    }
}
