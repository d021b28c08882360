import ArgumentParser
import Glibc
import Machine

/// `holdfast`: backs up one Docker Compose host so that the host itself cannot read its backups, and proves that they
/// restore.
@main
struct Holdfast: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "holdfast",
        abstract: "Backs a Docker Compose host up so that it cannot read its backups; restores it, and measures it.",
        discussion: """
            A first backup:
              holdfast key new /media/stick              a key pair, on a stick and nowhere else
              holdfast key import /media/stick/public.asc
              holdfast init                              looks at the host, writes holdfast.yml
              holdfast check                             is all in place?
              holdfast backup

            \(ExitStatus.help)
            """,
        version: version,
        subcommands: [
            Init.self, Check.self, Key.self, Backup.self, Status.self, List.self, Show.self, Verify.self, Prune.self,
            Restore.self, Resume.self, ScheduleCommand.self, Watch.self, Query.self, Metrics.self, Rules.self,
            Notify.self,
        ])

    /// The version of this program.
    static let version = "0.1.0"

    static func main() async {
        umask(0o077)
        openStandardStreams()
        signal(SIGPIPE, SIG_IGN)
        // A file that may not grow any more (ulimit -f) is an error like a full disk, not our end.
        signal(SIGXFSZ, SIG_IGN)
        let work = Task { await runCommand() }
        Signals.onStop { work.cancel() }
        Glibc.exit(await work.value)
    }

    /// Standard streams that whoever started us has closed lead nowhere: no file of ours may get the number of one.
    private static func openStandardStreams() {
        while case let file = open("/dev/null", O_RDWR), file >= 0 {
            guard file > STDERR_FILENO else { continue }
            close(file)
            return
        }
    }

    /// Parses and runs the command; an error of ours is printed here, one of the argument parser's there.
    private static func runCommand() async -> Int32 {
        var asksForJSON = false
        do {
            var command = try parseAsRoot()
            asksForJSON = (command as? any TalkingCommand)?.common.json ?? false
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return ExitStatus.success.rawValue
        } catch let status as ExitStatus {
            return Signals.exitStatus ?? status.rawValue
        } catch let error where error is any Explained || error is CancellationError {
            Output.failure(explain(error), json: asksForJSON)
            return Signals.exitStatus ?? ExitStatus(for: error).rawValue
        } catch {
            exit(withError: error)
        }
    }
}
