import Glibc
import Machine
import Schedules
import TestKit
import Testing

@Suite struct InstallationTests {
    private let confinement = Confinement(writes: ["/var/backups/holdfast", "/var/lib/holdfast"], reads: [])

    private func schedule(prune: Schedule.Prune? = .afterBackup) throws -> Schedule {
        Schedule(backup: try CalendarExpression("02:00"), verify: try CalendarExpression("Sun 04:00"), prune: prune)
    }

    private func units(_ name: String = "holdfast", binary: String = "/bin/true") -> Units {
        Units(name: name, program: Program(binary: binary, configuration: "/etc/h.yml"), confinement: confinement)
    }

    private func write(_ host: HostFolders, _ path: String, _ text: String) throws {
        let parts = path.split(separator: "/")
        let folder = host.path("/" + parts.dropLast().joined(separator: "/"))
        try makeFolders(folder)
        try Descriptor.open(folder, O_RDONLY).publish(String(parts.last ?? ""), Array(text.utf8), replacing: true)
    }

    @Test(.enabled(if: SystemdAnalyze.isAvailable, Comment(rawValue: SystemdAnalyze.howToGetOne)))
    func systemdFindsNothingWrongAndLittleOpen() async throws {
        try await withTemporaryFolder { folder in
            let odd = Units(
                name: "odd", program: Program(binary: "/bin/true", configuration: "/srv/my $HOME 100% \"disk\"/h.yml"),
                confinement: Confinement(writes: ["/srv/my 100% \"disk\"", "/srv/back\\slash"], reads: []))
            let jobs = try schedule(prune: .at(try CalendarExpression("Mon *-*-1..7 05:00 Europe/Berlin"))).jobs
            let host = HostFolders(root: folder)
            let files = units().files(for: jobs) + odd.files(for: jobs)
            for file in files { try write(host, file.path, file.text) }
            let paths = files.map { host.path($0.path) }
            let verified = try await CommandRunner().run(["systemd-analyze", "verify", "--man=no"] + paths)
            // Warnings count: an unknown key is only one.
            #expect(verified.status == 0 && verified.output.isEmpty && verified.errors.isEmpty, "\(verified)")
            for path in paths where path.hasSuffix(".service") {
                let measured = try await CommandRunner().run([
                    "systemd-analyze", "security", "--offline=true", "--threshold=30", path,
                ])
                #expect(measured.status == 0, "\(measured)")
            }
        }
    }

    @Test func oneLineOfOnCalendarAndPersistent() throws {
        for file in units("inlock").files(for: try schedule().jobs) where file.path.hasSuffix(".timer") {
            #expect(file.text.split(separator: "\n").filter { $0.hasPrefix("OnCalendar=") }.count == 1)
            #expect(file.text.contains("\nPersistent=true\n"))
        }
        let backup = try #require(
            units("inlock").files(for: try schedule().jobs).first {
                $0.path == "/etc/systemd/system/inlock-backup.service"
            })
        #expect(backup.text.contains(" backup --prune --config "))
    }

    @Test func aPathOfSeveralLinesIsRefused() throws {
        let odd = "/srv/a\n* * * * * root touch x #/h.yml"
        let (jobs, host) = (try schedule().jobs, HostFolders(root: "/nowhere"))
        let program = Program(binary: "/bin/true", configuration: odd)
        #expect(throws: ScheduleError.self) {
            try InstallationPlan.installing(CronTable(name: "x", program: program), jobs, local: .utc, on: host)
        }
        for (program, writes) in [(program, []), (Program(binary: "/bin/true", configuration: "/h.yml"), [odd])] {
            let units = Units(
                name: "x", program: program, confinement: Confinement(writes: writes, reads: []))
            #expect(throws: ScheduleError.self) { try InstallationPlan.installing(units, jobs, on: host) }
        }
    }

    /// `After=` a oneshot that hangs is never: then nobody would hear of it.
    @Test func messagesWaitForNoOtherJob() throws {
        for file in units().files(for: try schedule().jobs) where file.path.hasSuffix(".service") {
            let after = file.text.split(separator: "\n").filter { $0.hasPrefix("After=") }.joined()
            #expect(after.contains("holdfast-") == !["resume", "notify"].contains { file.path.contains("-\($0).") })
        }
    }

    @Test func installedThenChangedThenRemoved() async throws {
        try await withTemporaryFolder { folder in
            let host = HostFolders(root: folder)
            let first = try InstallationPlan.installing(
                units(), try schedule(prune: .at(try CalendarExpression("monthly"))).jobs, on: host)
            #expect(first.steps.allSatisfy { $0.deed == .write })
            try await first.execute(systemctl: "/bin/true")
            #expect(host.has("/etc/systemd/system/holdfast-prune.timer"))
            try write(host, "/etc/systemd/system/holdfast-other.timer", "[Timer]\nOnCalendar=daily\n")
            let second = try InstallationPlan.installing(units(), try schedule().jobs, on: host)
            #expect(second.steps.filter { $0.deed == .remove }.count == 2)
            #expect(
                second.steps.filter { $0.deed == .rewrite }.map(\.file.path)
                    == ["/etc/systemd/system/holdfast-backup.service"])
            try await second.execute(systemctl: "/bin/true")
            #expect(!host.has("/etc/systemd/system/holdfast-prune.timer"))
            let third = try InstallationPlan.installing(units(), try schedule().jobs, on: host)
            #expect(third.steps.allSatisfy { $0.deed == .keep })
            let removal = try InstallationPlan.removing("holdfast", [.systemd, .cron], on: host)
            try await removal.execute(systemctl: "/bin/true")
            #expect(host.names("/etc/systemd/system") == ["holdfast-other.timer"])
        }
    }

    @Test func whatSomebodyElseWroteStays() async throws {
        try await withTemporaryFolder { folder in
            let host = HostFolders(root: folder)
            try write(host, "/etc/systemd/system/holdfast-backup.service", "[Service]\nExecStart=/bin/own\n")
            try write(host, "/etc/cron.d/holdfast", "0 2 * * * root /bin/own\n")
            let error = try #require(throws: ScheduleError.self) {
                try InstallationPlan.installing(units(), try schedule().jobs, on: host)
            }
            #expect(error.code == "schedule.not-ours" && error.isRefusal)
            let table = CronTable(name: "holdfast", program: Program(binary: "/bin/true", configuration: "/etc/h.yml"))
            #expect(throws: ScheduleError.self) {
                try InstallationPlan.installing(table, try schedule().jobs, local: .utc, on: host)
            }
            #expect(try InstallationPlan.removing("holdfast", [.systemd, .cron], on: host).steps.isEmpty)
        }
    }

    @Test func systemctlsWordsAreInTheError() async throws {
        try await withTemporaryFolder { folder in
            let plan = try InstallationPlan.installing(units(), try schedule().jobs, on: HostFolders(root: folder))
            let error = try await #require(throws: ScheduleError.self) {
                try await plan.execute(systemctl: "/bin/ls")
            }
            #expect(error.code == "schedule.systemctl" && !error.isRefusal)
            #expect(error.what.contains("unrecognized option"), "\(error)")
        }
    }

    @Test(arguments: ["", ".", "-x", "a/b", "a b", "ä", "a\n", String(repeating: "a", count: 65)])
    func oddNamesAreRefused(name: String) {
        #expect(throws: ScheduleError.self) {
            try InstallationPlan.removing(name, [.systemd], on: HostFolders(root: "/nowhere"))
        }
    }

    @Test func cronReadsNoNamesWithDots() throws {
        let table = CronTable(name: "in.lock", program: Program(binary: "/bin/true", configuration: "/etc/h.yml"))
        #expect(throws: ScheduleError.self) {
            try InstallationPlan.installing(table, try schedule().jobs, local: .utc, on: HostFolders(root: "/nowhere"))
        }
    }

    @Test func whoStartsThingsHere() async throws {
        try await withTemporaryFolder { folder in
            let host = HostFolders(root: folder)
            let error = try #require(throws: ScheduleError.self) { try InstallationPlan.usualWay(host) }
            #expect(error.remedy?.contains("holdfast watch") == true)
            try makeFolders(host.path("/etc/cron.d"))
            #expect(try InstallationPlan.usualWay(host) == .cron)
            try makeFolders(host.path("/run/systemd/system"))
            #expect(try InstallationPlan.usualWay(host) == .systemd)
        }
    }

    @Test func aFolderBelowTmpNeedsTheHostsOwn() {
        #expect(Confinement(writes: ["/tmp/backups"], reads: []).usesTemporaryFolders)
        #expect(Confinement(writes: [], reads: ["/var/tmp/docker.sock"]).usesTemporaryFolders)
        #expect(!Confinement(writes: ["/tmpfiles"], reads: []).usesTemporaryFolders)
    }
}
