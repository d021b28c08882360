package import Machine

/// What is to come: the next runs of every job, and who would start them.
package struct Outlook: Sendable {
    package struct Line: Sendable {
        package let job: Job
        /// None for what runs at boot.
        package let next: [Timestamp]
        /// Who would start it, in words.
        package let starters: [String]
    }

    /// In which the times are meant.
    package let zone: Zone
    package let lines: [Line]
    /// All who start backups; more than one is too many.
    package let starters: [Starter]
    /// Why one of them would not do it after all, in words.
    package let troubles: [String]

    /// Looks at the host and changes nothing.
    ///
    /// - Parameter count: how many runs of each job.
    package init(
        _ schedule: Schedule, for configuration: String, state: String, on host: HostFolders,
        zones: ZoneFiles = .system,
        now: Timestamp, count: Int
    ) async throws {
        let starters = Starter.all(for: configuration, state: state, host)
        let isWatched = starters.contains { if case .watch = $0 { true } else { false } }
        let zone = try Zone.local(starters.isEmpty || isWatched ? zones : zones.ofTheHost)
        self.zone = zone
        self.starters = starters
        lines = schedule.jobs.map { job in
            Line(
                job: job, next: job.time?.next(count, after: now, in: zone) ?? [],
                starters: starters.compactMap { $0.text(for: job, host) })
        }
        var troubles: [String] = []
        for starter in starters {
            if let trouble = await starter.trouble(host) { troubles.append(trouble) }
        }
        self.troubles = troubles
    }
}

extension Starter {
    /// Who it is that starts this job, and not only backups; nil if it does not.
    func text(for job: Job, _ host: HostFolders) -> String? {
        switch self {
        case .watch: return text
        case .systemd(let timer, _):
            guard job.kind != .backup else { return text }
            guard timer.hasSuffix(Self.timerEnding) else { return nil }
            let name = timer.dropLast(Self.timerEnding.count)
            let unit = "\(name)-\(job.kind.rawValue).\(job.time == nil ? "service" : "timer")"
            return host.has("\(Units.folder)/\(unit)") ? "systemd (\(unit))" : nil
        case .cron(let path):
            let words = " " + job.command.joined(separator: " ")
            let lines = host.text(path)?.split(separator: "\n") ?? []
            return lines.contains { !$0.hasPrefix("#") && $0.contains("holdfast") && $0.contains(words) } ? text : nil
        }
    }

    /// Why it would not start anything, with what to do; nil if it would.
    package func trouble(_ host: HostFolders) async -> String? {
        switch self {
        case .watch: return nil
        case .cron(let path):
            return host.runsCron ? nil : "\(path) is there, but no cron runs on this host: systemctl start cron"
        case .systemd(let timer, let path):
            guard host.runsSystemd else { return "\(path) is there, but systemd does not run this host" }
            guard host.isLive else { return nil }
            let outcome = try? await ChildProcess("systemctl", ["is-active", timer]).run()
            return outcome?.succeeded == true
                ? nil : "\(timer) is there, but not active: systemctl enable --now \(timer)"
        }
    }
}

extension Starter {
    /// What is wrong when several start the same backups; nil if they do not.
    package static func conflict(_ starters: [Starter]) -> ScheduleError? {
        guard starters.count > 1 else { return nil }
        return .refused(
            "two-schedulers",
            "Backups are started by \(starters.map(\.text).joined(separator: " and by ")): each would run beside the other.",
            remedy: "Keep one of them, and type for the other: "
                + starters.map { "`\($0.removal)`" }.joined(separator: " or "))
    }

    /// - Throws: ``ScheduleError`` `schedule.two-schedulers` if somebody other than `except` starts these backups already.
    package static func refuseOthers(_ starters: [Starter], except isOwn: (Starter) -> Bool) throws {
        let others = starters.filter { !isOwn($0) }
        guard !others.isEmpty else { return }
        throw ScheduleError.refused(
            "two-schedulers",
            "Backups are started by \(others.map(\.text).joined(separator: " and by ")) already. Nothing was changed.",
            remedy: "If this is to take its place, type first: "
                + others.map { "`\($0.removal)`" }.joined(separator: " and "))
    }
}
