/// A schedule as a file below `/etc/cron.d`.
package struct CronTable: Sendable {
    /// The name of the file; cron reads none with dots in their names.
    package let name: String
    let program: Program

    package init(name: String, program: Program) {
        self.name = name
        self.program = program
    }

    /// Where packages and hosts keep tables of their own.
    package static let folder = "/etc/cron.d"

    /// The table of these jobs.
    ///
    /// - Parameter local: the zone in which cron reads its times.
    /// - Throws: ``ScheduleError`` where cron has no words for one of their times.
    package func file(for jobs: [Job], local: Zone) throws -> ScheduleFile {
        let lines = try jobs.map { job in
            let time = try job.time.map { try CronTime($0, local: local).description } ?? "@reboot"
            return "\(time) root \(program.words(job.command).map(Self.word).joined(separator: " "))"
        }
        return ScheduleFile(
            path: "\(Self.folder)/\(name)",
            text: ScheduleFile.head(program) + """
                # cron sends what a job says by mail, if this host can send mail: MAILTO=you@example.org. What is missed while the
                # host is off is not made up for.
                SHELL=/bin/sh
                PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
                \(lines.joined(separator: "\n"))

                """)
    }

    /// A word of a shell command, in which cron would take `%` for the end of the line.
    private static func word(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            byte < 128 && (Unicode.Scalar(byte).properties.isAlphabetic || "0123456789_./-+@:".utf8.contains(byte))
        }
        guard !isPlain else { return text }
        let quoted = text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
        return "'" + quoted.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "\\%") + "'"
    }
}
