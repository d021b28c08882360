/// A timer of systemd's on this host, whoever wrote it.
package struct HostTimer: Equatable, Sendable {
    /// `inlock-backup.timer`
    package let name: String
    /// Its file, as the host sees it.
    package let path: String
    /// Every `OnCalendar=` that counts, in order.
    package let calendars: [Line]
    /// What its service starts, a command line each.
    package let commands: [String]
    /// The configuration that it was made for, if we made it.
    package let configuration: String?

    /// A value, and where it stands.
    package struct Line: Equatable, Sendable {
        package let value: String
        package let path: String
        package let number: Int
    }

    /// Whether its names say that it makes a backup.
    package var makesBackups: Bool { ([name] + commands).contains { $0.lowercased().contains("backup") } }

    /// Whether it runs `holdfast backup`.
    package var runsOurBackup: Bool { commands.contains(where: Self.isOurBackup) }

    /// Whether a command line runs `holdfast backup`.
    static func isOurBackup(_ command: String) -> Bool {
        let words = command.split { $0 == " " || $0 == "\"" || $0 == "'" || $0 == "\t" }
        return zip(words, words.dropFirst()).contains { program, word in
            (program == "holdfast" || program.hasSuffix("/holdfast")) && word == "backup"
        }
    }

    /// All timers of a host, by name. Of two files with one name the first folder's counts, as with systemd.
    package static func all(_ host: HostFolders) -> [HostTimer] {
        var found: [String: HostTimer] = [:]
        for folder in folders {
            for name in host.names(folder) where name.hasSuffix(".timer") && found[name] == nil {
                found[name] = read(name, folder, host)
            }
        }
        return found.values.sorted { $0.name < $1.name }
    }

    private static func read(_ name: String, _ folder: String, _ host: HostFolders) -> HostTimer? {
        guard let unit = UnitText(name, host), let text = host.text(unit.path) else { return nil }
        let service = unit.values("Unit", in: "Timer").last?.value ?? String(name.dropLast("timer".count)) + "service"
        let commands = UnitText(service, host)?.values("ExecStart", in: "Service").map(\.value) ?? []
        return HostTimer(
            name: name, path: unit.path, calendars: unit.values("OnCalendar", in: "Timer"), commands: commands,
            configuration: ScheduleFile.configuration(in: text))
    }

    /// Where units lie, the first one first.
    static let folders = [
        "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
        "/lib/systemd/system",
    ]
}

/// The text of a unit with its drop-ins, as far as we ask for it.
private struct UnitText {
    let path: String
    private let files: [(path: String, lines: [Substring])]

    init?(_ name: String, _ host: HostFolders) {
        let paths = HostTimer.folders.map { "\($0)/\(name)" }
        guard let path = paths.first(where: host.has), let text = host.text(path) else { return nil }
        self.path = path
        let additions = paths.flatMap { folder in
            host.names("\(folder).d").filter { $0.hasSuffix(".conf") }.map { "\(folder).d/\($0)" }
        }
        files = ([(path, text)] + additions.compactMap { path in host.text(path).map { (path, $0) } }).map {
            ($0.0, $0.1.split(separator: "\n", omittingEmptySubsequences: false))
        }
    }

    /// The values of a setting that may stand several times; an empty one forgets those before it.
    func values(_ key: String, in section: String) -> [HostTimer.Line] {
        var values: [HostTimer.Line] = []
        for file in files {
            var isInSection = false
            for (index, line) in file.lines.enumerated() {
                let line = line.drop(while: \.isWhitespace)
                if line.hasPrefix("[") { isInSection = line.hasPrefix("[\(section)]") }
                guard isInSection, let equals = line.firstIndex(of: "="),
                    line[..<equals].split(separator: " ").first == key[...]
                else { continue }
                let value = line[line.index(after: equals)...].drop(while: \.isWhitespace)
                let trimmed = String(value.reversed().drop(while: \.isWhitespace).reversed())
                if trimmed.isEmpty {
                    values = []
                } else {
                    values.append(.init(value: trimmed, path: file.path, number: index + 1))
                }
            }
        }
        return values
    }
}
