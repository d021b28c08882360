import Machine

/// What `holdfast schedule install` or `remove` would do, before it does it.
package struct InstallationPlan: Sendable {
    package enum Way: String, Codable, Sendable {
        case systemd
        case cron
    }

    /// What happens to a file.
    package enum Deed: String, Codable, Sendable {
        case write
        /// It is ours, and says something else.
        case rewrite
        /// It says so already.
        case keep
        case remove
    }

    package struct Step: Sendable {
        package let deed: Deed
        package let file: ScheduleFile
    }

    /// By whom the jobs are started; nil: they are removed, whoever started them.
    package let way: Way?
    package let steps: [Step]
    /// `systemctl` before the files change.
    package let before: [[String]]
    /// `systemctl` after they have changed.
    package let after: [[String]]
    package let host: HostFolders

    /// Where a file lies, or will lie.
    package func path(of file: ScheduleFile) -> String { host.path(file.path) }

    // MARK: - Install

    /// How jobs can be started here: by systemd if it runs, else by cron if it is there.
    package static func usualWay(_ host: HostFolders) throws -> Way {
        if host.runsSystemd { return .systemd }
        if host.has(CronTable.folder) { return .cron }
        throw ScheduleError.refused(
            "nobody-to-start", "Neither systemd nor cron is here to start anything.",
            place: host.path(CronTable.folder),
            remedy: "Keep `holdfast watch` running, as whatever starts your other services does; it is the schedule.")
    }

    /// Plans units of systemd's.
    package static func installing(_ units: Units, _ jobs: [Job], on host: HostFolders) throws -> InstallationPlan {
        try checkName(units.name)
        try checkPaths(units.program, units.confinement.writes)
        let wanted = units.files(for: jobs)
        let steps = try wanted.map { try step($0, host) }
        let stale = ownUnits(units.name, host).filter { file in !wanted.contains { $0.path == file.path } }
        let enabled = units.enabled(for: jobs)
        let timers = enabled.filter { $0.hasSuffix(".timer") }
        return InstallationPlan(
            way: .systemd, steps: steps + stale.map { Step(deed: .remove, file: $0) },
            before: disabling(stale, host),
            after: host.isLive
                // A timer that ran with another time starts anew; one that did not run starts.
                ? [["daemon-reload"], ["enable"] + enabled, ["restart"] + timers]
                : [["--root=\(host.root)", "enable"] + enabled],
            host: host)
    }

    /// Plans a table of cron's.
    package static func installing(_ table: CronTable, _ jobs: [Job], local: Zone, on host: HostFolders) throws
        -> InstallationPlan
    {
        try checkName(table.name)
        try checkPaths(table.program)
        guard !table.name.contains(".") else {
            throw ScheduleError.refused(
                "bad-name", "cron leaves files with a dot in their name alone: \(table.name).",
                remedy: "Give --name without a dot.")
        }
        let file = try table.file(for: jobs, local: local)
        return InstallationPlan(way: .cron, steps: [try step(file, host)], before: [], after: [], host: host)
    }

    // MARK: - Remove

    /// Plans to take away what was installed under `name`; nothing of anybody else's.
    ///
    /// - Parameter ways: whose.
    package static func removing(_ name: String, _ ways: [Way], on host: HostFolders) throws -> InstallationPlan {
        try checkName(name)
        var files = ways.contains(.systemd) ? ownUnits(name, host) : []
        let before = disabling(files, host)
        let after = host.isLive && !files.isEmpty && host.runsSystemd ? [["daemon-reload"]] : []
        if ways.contains(.cron), let table = own("\(CronTable.folder)/\(name)", host) { files.append(table) }
        return InstallationPlan(
            way: nil, steps: files.map { Step(deed: .remove, file: $0) }, before: before, after: after, host: host)
    }

    // MARK: -

    private static func checkName(_ name: String) throws {
        let isGood = name.utf8.allSatisfy { byte in
            byte < 128 && (Unicode.Scalar(byte).properties.isAlphabetic || "0123456789_.-".utf8.contains(byte))
        }
        guard isGood, !name.isEmpty, name.utf8.count <= 64, name.first != ".", name.first != "-" else {
            throw ScheduleError.refused(
                "bad-name", "“\(name)” is no name for units or a table.",
                remedy: "Use letters, digits, `_` and `-`: --name holdfast")
        }
    }

    /// A line break in a path would begin a line of its own, which root would run.
    private static func checkPaths(_ program: Program, _ others: [String] = []) throws {
        for path in [program.binary, program.configuration] + others {
            guard path.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { continue }
            throw ScheduleError.refused(
                "bad-path",
                "Units and cron's tables cannot name a path with a line break or another control character.",
                place: RawPath(path).description, remedy: "Rename it, or let `holdfast watch` run the schedule.")
        }
    }

    private static func step(_ file: ScheduleFile, _ host: HostFolders) throws -> Step {
        guard host.has(file.path) else { return Step(deed: .write, file: file) }
        guard let text = host.text(file.path), ScheduleFile.isOurs(text) else {
            throw ScheduleError.refused(
                "not-ours", "A file of that name is there, and holdfast did not write it. Nothing was changed.",
                place: host.path(file.path), remedy: "Look at it and remove it, or install under another --name.")
        }
        return Step(deed: text == file.text ? .keep : .rewrite, file: file)
    }

    private static func own(_ path: String, _ host: HostFolders) -> ScheduleFile? {
        host.text(path).flatMap { ScheduleFile.isOurs($0) ? ScheduleFile(path: path, text: $0) : nil }
    }

    private static func ownUnits(_ name: String, _ host: HostFolders) -> [ScheduleFile] {
        Job.Kind.allCases.flatMap { kind in
            ["service", "timer"].compactMap { own("\(Units.folder)/\(name)-\(kind.rawValue).\($0)", host) }
        }
    }

    /// Ends what would start these units.
    private static func disabling(_ files: [ScheduleFile], _ host: HostFolders) -> [[String]] {
        let units = files.filter { $0.text.contains("\n[Install]\n") }.map { $0.path.split(separator: "/").last ?? "" }
        guard !units.isEmpty else { return [] }
        let words = units.map(String.init)
        if host.isLive, host.runsSystemd { return [["disable", "--now"] + words] }
        return [["--root=\(host.isLive ? "/" : host.root)", "disable"] + words]
    }
}
