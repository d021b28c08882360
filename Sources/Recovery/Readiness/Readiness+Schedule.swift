internal import Machine
internal import Schedules
internal import Settings

extension Readiness {
    /// Whether somebody starts backups, and only one, and not twice a night.
    mutating func schedule() async {
        let host = HostFolders()
        let starters = Starter.all(for: absolutePath(site.settings.file), state: site.settings.state, host)
        if let conflict = Starter.conflict(starters) {
            fail("schedule", conflict)
        } else if let starter = starters.first {
            await self.schedule(by: starter, host)
        } else {
            nobody()
        }
        do {
            let zone = try Zone.local(ZoneFiles.system.ofTheHost)
            for timer in HostTimer.all(host) where timer.makesBackups {
                doubled(DoubledTimer(timer, after: site.clock.now(), in: zone), zone)
            }
            missingHour(zone)
        } catch {
            fail("time zone", error)
        }
    }

    private mutating func schedule(by starter: Starter, _ host: HostFolders) async {
        if let trouble = await starter.trouble(host) {
            findings.append(
                Finding(
                    level: .warn, subject: "schedule", text: trouble,
                    remedy: "holdfast schedule show says who starts what"))
        } else {
            ok("schedule", "backups are started by \(starter.text)")
        }
    }

    private mutating func nobody() {
        let isPlanned = site.settings.schedule?.backup != nil
        findings.append(
            Finding(
                level: .warn, subject: "schedule",
                text: isPlanned
                    ? "holdfast.yml says when, but nobody on this host starts backups"
                    : "nobody starts backups on this host",
                remedy: isPlanned
                    ? "holdfast schedule install"
                    : "Write schedule: { backup: \"*-*-* 04:30\", prune: \"after backup\" }, then: holdfast schedule install"
            ))
    }

    /// A timer that runs at the times of several lines.
    private mutating func doubled(_ doubled: DoubledTimer?, _ zone: Zone) {
        guard let doubled else { return }
        let runs = doubled.runs.map { run in
            "at \(zone.text(run.next)) by line \(run.line.number) (OnCalendar=\(run.line.value))"
        }
        let surplus = doubled.surplus.map { "line \($0.number) of \($0.path) (OnCalendar=\($0.value))" }
        findings.append(
            Finding(
                level: .warn, subject: doubled.timer.name,
                text: "runs at the times of every OnCalendar= line, not of the last: \(runs.joined(separator: ", "))",
                remedy: "Remove \(surplus.joined(separator: " and ")), then: systemctl daemon-reload"))
    }

    /// A night in which the clocks jump over the time of the backup.
    private mutating func missingHour(_ zone: Zone) {
        guard let backup = site.settings.schedule?.backup,
            let missed = backup.missedTime(after: site.clock.now(), within: Self.daysAhead * 86_400, in: zone)
        else { return }
        findings.append(
            Finding(
                level: .warn, subject: "schedule",
                text:
                    "there is no \(missed) in \(backup.zone ?? zone): clocks jump over it, and that backup does not run",
                remedy: "Choose another hour, or write the zone UTC behind it"))
    }

    private static let daysAhead: Int64 = 30
}
