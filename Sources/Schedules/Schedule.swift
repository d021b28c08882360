/// What runs when on this host, as the `schedule` section of `holdfast.yml` says it.
package struct Schedule: Equatable, Sendable {
    /// When restore points are made; nil: only by hand.
    package var backup: CalendarExpression?
    /// When the newest copy of everything is checked from outside.
    package var verify: CalendarExpression?
    /// When old points are removed; nil: only by hand.
    package var prune: Prune?

    /// When `holdfast prune` runs.
    package enum Prune: Equatable, Sendable {
        /// Right behind each backup that made a restore point.
        case afterBackup
        case at(CalendarExpression)
    }

    /// Puts a schedule together; by default nothing runs.
    package init(backup: CalendarExpression? = nil, verify: CalendarExpression? = nil, prune: Prune? = nil) {
        self.backup = backup
        self.verify = verify
        self.prune = prune
    }

    /// What is run, by whomever: systemd, cron and `watch` run the same. In the order in which they run when several are
    /// due at once.
    package var jobs: [Job] {
        var jobs = [Job(.resume, ["resume"], .boot)]
        if let backup {
            jobs.append(Job(.backup, ["backup"] + (prune == .afterBackup ? ["--prune"] : []), .at(backup)))
        }
        if case .at(let time) = prune { jobs.append(Job(.prune, ["prune"], .at(time))) }
        if let verify { jobs.append(Job(.verify, ["verify"], .at(verify))) }
        return jobs + [Job(.notify, ["notify", "send"], .at(.hourly))]
    }
}

/// Something that the schedule runs: a command of ours.
package struct Job: Equatable, Sendable {
    package enum Kind: String, Codable, CaseIterable, Sendable {
        /// Puts right what a power cut left, once the host is up.
        case resume
        case backup
        case prune
        case verify
        /// Sends what waits in the outbox, and says what is too old.
        case notify
    }

    package enum Start: Equatable, Sendable {
        case boot
        case at(CalendarExpression)
    }

    package let kind: Kind
    /// What is typed behind `holdfast`.
    package let command: [String]
    package let start: Start

    init(_ kind: Kind, _ command: [String], _ start: Start) {
        self.kind = kind
        self.command = command
        self.start = start
    }

    /// When it runs; nil: at boot.
    package var time: CalendarExpression? {
        guard case .at(let time) = start else { return nil }
        return time
    }

    /// What a person would type: `holdfast backup --prune`.
    package var text: String { "holdfast \(command.joined(separator: " "))" }
}

/// The program and the configuration that jobs are run with, both by absolute paths.
package struct Program: Equatable, Sendable {
    package let binary: String
    package let configuration: String

    package init(binary: String, configuration: String) {
        self.binary = binary
        self.configuration = configuration
    }

    /// The words of a command line, the program's own path first.
    package func words(_ command: [String]) -> [String] { [binary] + command + ["--config", configuration] }
}
