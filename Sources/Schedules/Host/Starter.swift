import Glibc
import Machine

/// Who starts backups of a configuration on this host.
package enum Starter: Equatable, Sendable {
    /// A timer of systemd's.
    case systemd(timer: String, path: String)
    /// A table of cron's.
    case cron(path: String)
    /// A running `holdfast watch`; the text says which.
    case watch(holder: String)

    package var text: String {
        switch self {
        case .systemd(let timer, _): "systemd (\(timer))"
        case .cron(let path): "cron (\(path))"
        case .watch(let holder): "holdfast watch (process \(holder))"
        }
    }

    /// How to make it stop.
    package var removal: String {
        switch self {
        case .systemd(let timer, _):
            timer.hasSuffix(Self.timerEnding)
                ? "holdfast schedule remove --systemd --name \(timer.dropLast(Self.timerEnding.count))"
                : "systemctl disable --now \(timer)"
        case .cron(let path):
            path.hasPrefix(CronTable.folder + "/")
                ? "holdfast schedule remove --cron --name \(path.dropFirst(CronTable.folder.count + 1))"
                : "remove the line with `holdfast backup` from \(path)"
        case .watch(let holder): "kill \(holder.prefix { $0 != " " })"
        }
    }

    static let timerEnding = "-backup.timer"

    /// All who start backups of `configuration`, or of one that they do not name.
    ///
    /// - Parameter state: the state folder, in which a running `watch` holds its lock.
    package static func all(for configuration: String, state: String, _ host: HostFolders) -> [Starter] {
        var starters: [Starter] = []
        for timer in HostTimer.all(host) where timer.runsOurBackup {
            let words = timer.commands.joined(separator: " ")
            guard concerns(timer.configuration, configuration, words) else { continue }
            starters.append(.systemd(timer: timer.name, path: timer.path))
        }
        for path in cronTables(host) {
            guard let text = host.text(path) else { continue }
            let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") && HostTimer.isOurBackup(String($0)) }
            guard !lines.isEmpty,
                concerns(ScheduleFile.configuration(in: text), configuration, lines.joined(separator: " "))
            else { continue }
            starters.append(.cron(path: path))
        }
        if host.isLive, let holder = WatchLock.holder(in: state) { starters.append(.watch(holder: holder)) }
        return starters
    }

    /// Whether files that name `named`, or run `words`, are about `configuration`.
    private static func concerns(_ named: String?, _ configuration: String, _ words: String) -> Bool {
        named.map { $0 == configuration } ?? (!words.contains("--config") || words.contains(configuration))
    }

    private static func cronTables(_ host: HostFolders) -> [String] {
        // cron itself leaves names with dots alone: they are left over from packages and editors.
        let own = host.names(CronTable.folder).filter { !$0.contains(".") }.map { "\(CronTable.folder)/\($0)" }
        return ["/etc/crontab"] + own + ["/var/spool/cron/crontabs/root"]
    }
}
