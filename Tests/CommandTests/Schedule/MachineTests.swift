import Docker
import Machine
import TestKit
import Testing

/// What `schedule install` writes, under the real systemd and the real cron.
@Suite(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
struct MachineTests {
    /// A configuration that names only what such a machine has.
    private static func configuration(_ host: DemoHost, _ volume: Volume, _ schedule: String) -> String {
        """
        backup:
          directory: /var/backups/holdfast
          encryption: { recipients: ["\(host.keys.owner.digits)"], keyring: /etc/holdfast/keyring }
          volumes: { root: /srv/volumes, include: ["\(volume.name)"] }
          files: [ { name: compose, path: /srv/compose } ]
        schedule: \(schedule)
        docker: { socket: /srv/docker.sock }
        state: /var/lib/holdfast

        """
    }

    private func withMachine(
        _ first: [String], schedule: String, _ body: (OwnMachine) async throws -> Void
    ) async throws {
        try await withDemoHost { host in
            try await withEngine { engine in
                try await withVolume(engine) { volume in
                    try host.write("\(volume.mountpoint)/data", "of the volume\n")
                    try host.write("machine.yml", Self.configuration(host, volume, schedule))
                    try await withOwnMachine(host, first: first, volume: volume) { machine in
                        let share = OwnMachine.share
                        try await machine.run(
                            """
                            mkdir -p /etc/holdfast /srv/compose /root && echo services: >/srv/compose/compose.yml
                            cp -r \(share)/ring /etc/holdfast/keyring && cp \(share)/machine.yml /etc/holdfast/holdfast.yml
                            holdfast init --signing-key-only --config /etc/holdfast/holdfast.yml
                            """)
                        try await body(machine)
                    }
                }
            }
        }
    }

    private let systemd = ["/lib/systemd/systemd", "--unit=multi-user.target"]
    private static let points = "ls -d /var/backups/holdfast/*Z"

    @Test func systemdRunsWhatWasInstalled() async throws {
        try await withMachine(
            systemd, schedule: "{ backup: \"*-*-* 02:00\", verify: \"Sun 04:00\" }"
        ) { machine in
            try await machine.wait(for: "systemctl is-active multi-user.target")
            let installed = try await machine.run("holdfast schedule install --name inlock")
            #expect(installed.contains("systemd starts it"))
            let timers = try await machine.run("systemctl list-timers --all --no-pager")
            for kind in ["backup", "verify", "notify"] { #expect(timers.contains("inlock-\(kind).timer"), "\(timers)") }
            let shown = try await machine.run("holdfast schedule show")
            #expect(shown.contains("started by systemd (inlock-backup.timer)"), "\(shown)")

            // For real, with everything that the unit takes away from it.
            try await machine.run("systemctl start inlock-backup.service")
            let point = try await machine.run(Self.points)
            #expect(point.split(separator: "\n").count == 1)
            let manifest = try await machine.run("holdfast show latest --json")
            #expect(manifest.contains("\"complete\""), "\(manifest)")
            try await machine.run("systemctl start inlock-verify.service inlock-resume.service")
            let log = try await machine.run("journalctl --no-pager -u inlock-backup.service")
            #expect(!log.lowercased().contains("warning") && !log.contains("Failed to"), "\(log)")

            // Another one, of either kind, is refused.
            let second = try await machine.attempt("holdfast schedule install")
            #expect(second.exitCode == 4 && second.errors.contains("holdfast schedule remove --systemd --name inlock"))
            let watch = try await machine.attempt("holdfast watch")
            #expect(watch.exitCode == 4 && watch.errors.contains("inlock-backup.timer"))

            // Put back, and what is not ours stays.
            try await machine.run(
                "touch /etc/systemd/system/inlock-other.timer && holdfast schedule remove --name inlock")
            let left = try await machine.run("ls /etc/systemd/system; systemctl list-timers --all --no-pager")
            #expect(left.contains("inlock-other.timer") && !left.contains("inlock-backup"), "\(left)")

            // HAZARDS: the older scripts' own timer, as their document has it.
            try await machine.run(
                """
                cd /etc/systemd/system
                printf '[Timer]\\nOnCalendar=daily\\nOnCalendar=02:00\\nPersistent=true\\n' >nightly.timer
                printf '[Service]\\nType=oneshot\\nExecStart=/srv/scripts/backup-volumes.sh\\n' >nightly.service
                """)
            let checked = try await machine.attempt("holdfast check").text
            #expect(checked.contains("00:00:00 UTC by line 2 (OnCalendar=daily)"), "\(checked)")
            #expect(checked.contains("Remove line 2 of /etc/systemd/system/nightly.timer (OnCalendar=daily)"))
            #expect(checked.contains("nobody on this host starts backups"))
        }
    }

    @Test func afterAPowerCutResumeRunsAndTheMissedNightIsMadeUpFor() async throws {
        try await withMachine(systemd, schedule: "{ backup: \"*-*-* 02:00\" }") { machine in
            try await machine.wait(for: "systemctl is-active multi-user.target")
            try await machine.run("holdfast schedule install")
            // The last night was three days ago, and what ran then left something.
            try await machine.run(
                """
                touch -d '3 days ago' /var/lib/systemd/timers/stamp-holdfast-backup.timer
                mkdir -p /var/backups/holdfast/2020-01-01T000000Z.partial
                """)
            try await removePower(machine)
            try await machine.wait(for: Self.points)
            #expect(try await machine.attempt("ls -d /var/backups/holdfast/*.partial").exitCode != 0)
            try await machine.wait(for: "systemctl show -p Result --value holdfast-resume.service | grep -x success")
            let log = try await machine.run(
                "journalctl --no-pager -b -u holdfast-resume.service -u holdfast-backup.service")
            #expect(log.contains("removed the unfinished point 2020-01-01T000000Z"), "\(log)")
        }
    }

    /// As a power cut does: nobody is asked, what is not on disk is gone, and then it boots.
    private func removePower(_ machine: OwnMachine) async throws {
        let outcome = try await CommandRunner().run([
            "docker", "--host", "unix://\(machine.engine.socket)", "kill", machine.container.id,
        ])
        try #require(outcome.status == 0, "\(outcome)")
        try await machine.engine.start(machine.container.id)
        try await machine.wait(for: "systemctl is-active multi-user.target")
    }

    @Test func cronStartsALine() async throws {
        try await withMachine(["/usr/sbin/cron", "-f"], schedule: "{ backup: minutely }") { machine in
            let installed = try await machine.run("holdfast schedule install")
            #expect(installed.contains("cron starts it"))
            let shown = try await machine.run("holdfast schedule show")
            #expect(shown.contains("started by cron (/etc/cron.d/holdfast)"), "\(shown)")
            try await machine.wait(120, for: Self.points)
            try await machine.run("holdfast schedule remove && ! ls /etc/cron.d/holdfast")
        }
    }
}
