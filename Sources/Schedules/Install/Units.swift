/// systemd's units of a schedule: a service and a timer a job, and a service that runs at boot.
package struct Units: Sendable {
    /// What their names begin with.
    package let name: String
    let program: Program
    let confinement: Confinement

    package init(name: String, program: Program, confinement: Confinement) {
        self.name = name
        self.program = program
        self.confinement = confinement
    }

    /// Where a host keeps units of its own.
    package static let folder = "/etc/systemd/system"

    /// The units of these jobs, services before their timers.
    package func files(for jobs: [Job]) -> [ScheduleFile] {
        jobs.flatMap { job in
            let service = file(job.kind, "service", serviceText(job))
            return job.time.map { [service, file(job.kind, "timer", timerText(job, $0))] } ?? [service]
        }
    }

    /// What has to be enabled for these jobs.
    package func enabled(for jobs: [Job]) -> [String] {
        jobs.map { unit($0.kind, $0.time == nil ? "service" : "timer") }
    }

    /// `holdfast-backup.timer`
    package func unit(_ kind: Job.Kind, _ type: String) -> String { "\(name)-\(kind.rawValue).\(type)" }

    private func file(_ kind: Job.Kind, _ type: String, _ text: String) -> ScheduleFile {
        ScheduleFile(path: "\(Self.folder)/\(unit(kind, type))", text: ScheduleFile.head(program) + text)
    }

    private func serviceText(_ job: Job) -> String {
        // Whatever is due together runs in one order: first what a power cut left is put right. But messages wait for nothing:
        // a backup that hangs is what somebody has to hear of.
        let earlier: [Job.Kind] =
            switch job.kind {
            case .resume: []
            case .backup: [.resume]
            case .prune: [.resume, .backup]
            case .verify: [.resume, .backup, .prune]
            case .notify: []
            }
        let after = ["docker.service", "network-online.target"] + earlier.map { unit($0, "service") }
        var lines = [
            "[Unit]", "Description=holdfast: \(job.kind.rawValue) (\(job.text))",
            "After=\(after.joined(separator: " "))", "Wants=network-online.target", "", "[Service]", "Type=oneshot",
        ]
        lines.append("ExecStart=\(program.words(job.command).map(Self.argument).joined(separator: " "))")
        // A stop is for holdfast itself, which ends what it started in order and lets containers run again.
        lines += ["KillMode=mixed", "TimeoutStopSec=15min", "IOSchedulingPriority=7", "Environment=HOME=%h"]
        lines += confinement.directives
        if job.time == nil { lines += ["", "[Install]", "WantedBy=multi-user.target"] }
        return lines.joined(separator: "\n") + "\n"
    }

    private func timerText(_ job: Job, _ time: CalendarExpression) -> String {
        """
        [Unit]
        Description=holdfast: \(job.kind.rawValue)

        [Timer]
        OnCalendar=\(time)
        Persistent=true

        [Install]
        WantedBy=timers.target

        """
    }

    /// A word of a command line, in which `$` would name a variable.
    private static func argument(_ word: String) -> String {
        Confinement.quoted(word).split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$")
    }
}
