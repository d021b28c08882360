import Glibc
import Machine

extension Settings {
    /// Says which configuration to use: `explicit` (`--config`), `$HOLDFAST_CONFIG`, or the first of ``usualFiles``.
    ///
    /// What is named and not there is an error; nothing else is tried then. An empty variable counts as not set.
    ///
    /// - Throws: ``SettingsError`` with code `settings.not-found`, naming the places looked at.
    package static func locate(
        explicit: String?, environment: [String: String], exists: (String) -> Bool
    ) throws -> String {
        func missing(_ what: String, file: String, remedy: String) -> SettingsError {
            SettingsError(
                SettingsProblem(code: "settings.not-found", what: what, position: nil, file: file, remedy: remedy))
        }
        if let explicit {
            if exists(explicit) { return explicit }
            throw missing(
                "There is no configuration where `--config` says.", file: explicit,
                remedy: "Name another file, or type `holdfast init` to write one.")
        }
        if let named = environment["HOLDFAST_CONFIG"], !named.isEmpty {
            if exists(named) { return named }
            throw missing(
                "There is no configuration where `$HOLDFAST_CONFIG` says.", file: named,
                remedy: "Set it to another file, or unset it.")
        }
        if let found = usualFiles.first(where: exists) { return found }
        throw missing(
            "There is no configuration. Looked for `--config`, `$HOLDFAST_CONFIG`, "
                + usualFiles.map { "`\($0)`" }.joined(separator: ", ") + ".",
            file: "holdfast.yml", remedy: "Type `holdfast init`: it looks at this host and writes one.")
    }

    /// Reads the configuration at `path`, once it is certain that nobody else could have written it.
    ///
    /// It has to be a regular file of at most 1 MiB that belongs to root or to the caller and that neither group nor
    /// others may write, in a folder where nobody else can put another in its place. A symlink is followed; the file
    /// that was opened is the one that is judged and read.
    ///
    /// - Throws: ``SettingsError`` with every problem found, or a `MachineError` when it cannot be read.
    package static func load(from path: String) throws -> Settings {
        try parse(try ConfigurationFile.text(of: path, because: ConfigurationFile.runsCommands), file: path)
    }
}

/// A file that says what holdfast does.
package enum ConfigurationFile {
    /// Why nobody else may write a `holdfast.yml`.
    package static let runsCommands = "it can run commands"
    /// Why nobody else may write a `prometheus.yml`.
    static let sendsSecrets = "it can have any file of this host sent as a password"

    /// The text of the file at `path`, once it is certain that nobody else could have written it.
    ///
    /// - Parameter danger: what somebody who can write it could do.
    static func text(of path: String, because danger: String) throws -> String {
        // Not blocking, so that a FIFO of that name is refused instead of waited for.
        let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        let status = try file.status()
        if let problem = FileFacts(status).problem(of: path, because: danger) { throw SettingsError(problem) }
        for folder in Set([folder(of: path), folder(of: openedPath(of: file) ?? path)]).sorted() {
            let facts = try FileFacts(of: folder)
            if let problem = facts.problem(ofFolder: folder, holding: path) { throw SettingsError(problem) }
        }
        return try text(try file.readAll(limit: YAMLDocument.sizeLimit), of: path)
    }

    /// Bytes of a configuration as text.
    static func text(_ bytes: [UInt8], of path: String) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw SettingsError(notText(bytes, path)) }
        return text
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Where an open file really lies, symlinks followed.
    private static func openedPath(of file: Descriptor) -> String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let length = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink("/proc/self/fd/\(file.raw)", $0, bytes.count) } ?? -1
        }
        guard length > 0, length < buffer.count else { return nil }
        let path = String(validating: buffer[..<length], as: UTF8.self)
        return path.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }

    private static func notText(_ bytes: [UInt8], _ path: String) -> SettingsProblem {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }
        return SettingsProblem(
            code: "settings.syntax", what: "The configuration is not UTF-8 text.",
            position: line.map { SettingsProblem.Position(line: $0 + 1, column: 1) }, file: path,
            remedy: "Save the file as UTF-8.")
    }
}
