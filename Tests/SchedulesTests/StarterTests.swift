import Glibc
import Machine
import Schedules
import TestKit
import Testing

/// HAZARDS: two schedulers; `OnCalendar=daily` beside `OnCalendar=02:00`.
@Suite struct StarterTests {
    private func withHost<Result>(_ files: [String: String], _ body: (HostFolders) async throws -> Result) async throws
        -> Result
    {
        try await withTemporaryFolder { folder in
            for (path, text) in files {
                let parts = path.split(separator: "/")
                try makeFolders("\(folder)/\(parts.dropLast().joined(separator: "/"))")
                let place = try Descriptor.open("\(folder)/\(parts.dropLast().joined(separator: "/"))", O_RDONLY)
                try place.publish(String(parts.last ?? ""), Array(text.utf8))
            }
            return try await body(HostFolders(root: folder))
        }
    }

    /// As the older scripts' document has it.
    private static let seedTimer = """
        [Unit]
        Description=Daily INLOCK Backup

        [Timer]
        OnCalendar=daily
        OnCalendar=02:00
        Persistent=true

        [Install]
        WantedBy=timers.target
        """

    private static let seedService = """
        [Service]
        Type=oneshot
        ExecStart=/home/comzis/inlock-infra/scripts/backup-volumes.sh
        ExecStart=/home/comzis/inlock-infra/scripts/backup-databases.sh
        """

    @Test func theDoubledTimerIsExplained() async throws {
        try await withHost([
            "etc/systemd/system/inlock-backup.timer": Self.seedTimer,
            "etc/systemd/system/inlock-backup.service": Self.seedService,
        ]) { host in
            let timer = try #require(HostTimer.all(host).first)
            #expect(timer.makesBackups && !timer.runsOurBackup)
            let now = try #require(Timestamp("2026-11-25T20:00:00Z"))
            let doubled = try #require(DoubledTimer(timer, after: now, in: .utc))
            #expect(doubled.runs.map(\.next.description) == ["2026-11-26T00:00:00Z", "2026-11-26T02:00:00Z"])
            #expect(doubled.runs.map(\.line.number) == [5, 6])
            #expect(doubled.surplus.map(\.value) == ["daily"])
        }
    }

    @Test func aTimerOfAnyNameCountsIfItsServiceMakesBackups() async throws {
        try await withHost([
            "etc/systemd/system/nightly.timer": "[Timer]\nOnCalendar=01:00\n OnCalendar = 03:00 \nUnit=work.service\n",
            "usr/lib/systemd/system/work.service": "[Service]\nExecStart=/opt/do-backup\n",
        ]) { host in
            let timer = try #require(HostTimer.all(host).first)
            #expect(timer.makesBackups)
            let doubled = try #require(DoubledTimer(timer, after: Timestamp(seconds: 0), in: .utc))
            #expect(doubled.surplus.map(\.value) == ["01:00"])
        }
    }

    @Test(arguments: [
        "[Timer]\nOnCalendar=daily\n", "[Timer]\nOnCalendar=daily\nOnCalendar=\nOnCalendar=02:00\n",
        "[Timer]\nOnCalendar=daily\nOnCalendar=*-*-* 00:00:00\n", "[Timer]\nOnBootSec=5min\n",
        "[Timer]\n# OnCalendar=daily\nOnCalendar=02:00\n", "[Timer]\nOnCalendar=2001-01-01\nOnCalendar=02:00\n",
    ])
    func whatRunsAtOneTimeIsNotDoubled(text: String) async throws {
        try await withHost(["etc/systemd/system/backup.timer": text]) { host in
            let now = try #require(Timestamp("2026-11-25T20:00:00Z"))
            let timer = try #require(HostTimer.all(host).first)
            #expect(DoubledTimer(timer, after: now, in: .utc) == nil)
        }
    }

    @Test func dropInsCount() async throws {
        try await withHost([
            "usr/lib/systemd/system/backup.timer": "[Timer]\nOnCalendar=daily\n",
            "etc/systemd/system/backup.timer.d/time.conf": "[Timer]\nOnCalendar=02:00\n",
        ]) { host in
            let doubled = DoubledTimer(try #require(HostTimer.all(host).first), after: Timestamp(seconds: 0), in: .utc)
            #expect(doubled?.runs.last?.line.path == "/etc/systemd/system/backup.timer.d/time.conf")
        }
    }

    @Test func twoWhoStartTheSameAreTooMany() async throws {
        try await withHost([
            "etc/systemd/system/x.timer": "[Timer]\nOnCalendar=02:00\n",
            "etc/systemd/system/x.service": "[Service]\nExecStart=/usr/local/bin/holdfast backup --config /etc/h.yml\n",
            "etc/cron.d/own": "0 2 * * * root holdfast backup\n#0 3 * * * root holdfast backup\n",
            "etc/cron.d/left.dpkg-old": "0 2 * * * root holdfast backup\n",
            "etc/crontab": "0 4 * * * root holdfast verify\n17 4 * * * root /opt/backup.sh\n",
        ]) { host in
            let starters = Starter.all(for: "/etc/h.yml", state: "/nowhere", host)
            #expect(
                starters == [
                    .systemd(timer: "x.timer", path: "/etc/systemd/system/x.timer"), .cron(path: "/etc/cron.d/own"),
                ])
            let conflict = try #require(Starter.conflict(starters))
            #expect(conflict.what.contains("systemd (x.timer) and by cron (/etc/cron.d/own)"))
            #expect(conflict.remedy?.contains("`systemctl disable --now x.timer`") == true)
            // Backups of another configuration are no rivals; a line that names none may be one.
            #expect(Starter.all(for: "/etc/other.yml", state: "/nowhere", host) == [.cron(path: "/etc/cron.d/own")])
        }
    }

    @Test func aRunningWatchIsSeen() async throws {
        try await withTemporaryFolder { folder in
            #expect(WatchLock.holder(in: folder) == nil)
            let lock = try WatchLock.take(in: try .folder(folder))
            #expect(WatchLock.holder(in: folder) == "\(getpid()) watch")
            #expect(throws: ScheduleError.self) { try WatchLock.take(in: try .folder(folder)) }
            lock.release()
            #expect(WatchLock.holder(in: folder) == nil)
        }
    }

    @Test func aTimeThatClocksJumpOverIsFound() throws {
        let berlin = try Zone(named: "Europe/Berlin")
        let march = try #require(Timestamp("2027-03-01T00:00:00Z"))
        let month: Int64 = 31 * 86_400
        #expect(
            try CalendarExpression("02:00").missedTime(after: march, within: month, in: berlin)
                == CivilTime(2027, 3, 28, 2))
        for text in ["03:00", "01:59", "Mon 02:30", "02:00 UTC", "hourly UTC"] {
            #expect(try CalendarExpression(text).missedTime(after: march, within: month, in: berlin) == nil, "\(text)")
        }
        #expect(try CalendarExpression("02:00").missedTime(after: march, within: 86_400, in: berlin) == nil)
    }
}
