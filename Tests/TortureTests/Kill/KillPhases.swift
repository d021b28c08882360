import Docker
import TestKit

/// A command that is killed.
enum KilledCommand: String, CaseIterable, Sendable {
    case backup
    case restoreVolume = "restore volume"
    case restoreFiles = "restore files"
    case restoreDatabase = "restore database"
    case undo = "undo"
    case undoDatabase = "undo of a database"
    case commit = "commit"
    case prune
    case resume

    func arguments(_ host: KillHost) -> [String] {
        switch self {
        case .backup: ["backup"]
        case .restoreVolume: ["restore", "volume", host.data.name] + host.arguments
        case .restoreFiles: ["restore", "files", "compose"] + host.arguments
        case .restoreDatabase: ["restore", "database", "shop"] + host.arguments
        case .undo, .undoDatabase: ["restore", "undo", "--yes"]
        case .commit: ["restore", "commit", "--yes"]
        case .prune: ["prune"]
        case .resume: ["resume"]
        }
    }
}

/// A part of a command in which it is killed.
struct KillPhase: Sendable {
    let command: KilledCommand
    let name: String
    /// The calls that make the part; nil: any moment, known by nothing but the time.
    var rule: CallRule?
    /// Of `resume`: what it has to put right, and where that was killed.
    var before: (command: KilledCommand, rule: CallRule, times: Int)?
    /// Of any moment: who is killed.
    var victim = Victim.process

    enum Victim { case process, group, child }

    var description: String { "\(command.rawValue): \(name)" }
}

extension KillPhase {
    /// All of them.
    static var all: [KillPhase] {
        backup + restoreVolume + restoreFiles + restoreDatabase + undo + prune + resume + anyMoment
    }

    // MARK: - What several have

    private static let lock = ("lock", CallRule("create,lock,truncate,write", "*/state/lock"))
    private static let runRecord = (
        "run record", CallRule("create,write,sync,lock,rename", "*/state/runs/*") + CallRule("sync", "*/state/runs")
    )
    private static let secrets = (
        "secrets in memory", CallRule("mkdir,create,write,unlink,rmdir", "/dev/shm/holdfast-*")
    )
    private static let gpg = ("gpg started", CallRule("spawn", "*/gpg"))
    private static let owe = (
        "journal: owed",
        CallRule("write", "*/state/journal.jsonl", text: "*\"owe\"*") + CallRule("create", "*/state/journal.jsonl")
            + CallRule("sync", "*/state/journal.jsonl")
    )
    private static let pay = (
        "journal: paid",
        CallRule("write", "*/state/journal.jsonl", text: "*\"paid\"*") + CallRule("unlink", "*/state/journal.jsonl")
    )
    private static let stop = ("container: stop", engine("stop"))
    private static let start = ("container: start", engine("start"))
    private static let record = (
        "restore record",
        CallRule("create,write,sync,rename", "*/state/restores/*.partial") + CallRule("sync", "*/state/restores")
    )
    private static let forget = ("restore record forgotten", CallRule("unlink", "*/state/restores/*Z.json"))
    private static let exchange = ("exchange", CallRule("exchange"))
    private static let volumeSync = ("volume's folder synchronised", CallRule("sync", "*/volumes/hf-volume-*"))
    private static let removal = ("former data removed", CallRule("unlink,rmdir", "*/.holdfast-*"))
    private static let session = ("database: session", CallRule("spawn", "*/psql"))

    private static func engine(_ verb: String) -> CallRule { CallRule("send", "unix:*", text: "POST */\(verb)*") }

    private static func phases(_ command: KilledCommand, _ all: [(String, CallRule)]) -> [KillPhase] {
        all.map { KillPhase(command: command, name: $0.0, rule: $0.1) }
    }

    // MARK: - Each command's own

    private static var backup: [KillPhase] {
        let archive = "*Z.partial/[vdf]*.gpg.partial"
        return phases(
            .backup,
            [
                lock, runRecord, secrets, gpg, owe, pay, stop, start, ("container: pause", engine("pause")),
                ("container: unpause", engine("unpause")),
                ("point's folder", CallRule("mkdir", "*/backups/*Z.partial")),
                ("database: dump", CallRule("spawn", "*/pg_dump")), session,
                ("item: created", CallRule("create", archive)), ("item: written", CallRule("write", archive)),
                ("item: synchronised", CallRule("sync", archive)), ("item: named", CallRule("rename", archive)),
                ("point's folder synchronised", CallRule("sync", "*/backups/*Z.partial")),
                ("private facts", CallRule("create,write,sync,rename", "*/private.json.zst.gpg.partial")),
                ("manifest", CallRule("create,write,sync,rename", "*/manifest.json.partial")),
                ("signature", CallRule("create,write,sync,rename", "*/manifest.json.sig.partial")),
                ("point named", CallRule("rename", "*/backups/*Z")),
                ("backup directory synchronised", CallRule("sync", "*/backups")),
            ])
    }

    private static let staging = "*/.holdfast-*"

    private static var restoreVolume: [KillPhase] {
        phases(
            .restoreVolume,
            [
                lock, runRecord, secrets, gpg, owe, pay,
                ("staging: made", CallRule("mkdir", staging)), ("staging: created", CallRule("create", staging)),
                ("staging: written", CallRule("write", staging)),
                ("staging: links", CallRule("link,symlink,mknod", staging)),
                ("staging: metadata", CallRule("chmod,chown,utimes,xattr", staging)),
                ("staging: synchronised", CallRule("syncfs,sync", staging)),
                record, stop, exchange, volumeSync, start,
            ])
    }

    private static var restoreFiles: [KillPhase] {
        phases(.restoreFiles, [owe, pay, ("staging: written", CallRule("write", staging)), record, exchange])
    }

    private static var restoreDatabase: [KillPhase] {
        phases(
            .restoreDatabase,
            [
                lock, runRecord, secrets, gpg, owe, pay, session,
                ("database: load", CallRule("spawn", "*/pg_restore")),
                ("database: made", CallRule("write", "pipe:*", text: "*CREATE DATABASE*")),
                ("database: exchange", CallRule("write", "pipe:*", text: "*RENAME TO*")), record,
            ])
    }

    private static var undo: [KillPhase] {
        phases(.undo, [lock, stop, exchange, start, removal, forget])
            + phases(.undoDatabase, [session, record, forget])
            + phases(.commit, [lock, record, removal, forget])
    }

    private static var prune: [KillPhase] {
        phases(
            .prune,
            [
                lock, runRecord, ("point loses its name", CallRule("rename", "*/backups/*.removing")),
                ("files removed", CallRule("unlink", "*.removing/*")),
                ("folder removed", CallRule("rmdir", "*.removing")),
                ("backup directory synchronised", CallRule("sync", "*/backups")),
            ])
    }

    /// What it finds depends on who was killed before it, and where.
    private static var resume: [KillPhase] {
        let written = CallRule("sync", "*Z.partial/volume.hf-*.gpg.partial")
        let after: [(String, CallRule, KilledCommand, CallRule, Int)] = [
            ("lock", lock.1, .backup, written, 1),
            ("container: start", engine("start"), .backup, written, 1),
            ("journal: paid", pay.1, .backup, written, 1),
            ("unfinished point removed", CallRule("unlink,rmdir", "*Z.partial*"), .backup, written, 1),
            ("run record", CallRule("create,write,sync,rename", "*/state/runs/*.partial"), .backup, written, 1),
            ("staging removed", removal.1, .restoreVolume, CallRule("syncfs", staging), 1),
            ("restore goes back", removal.1 + forget.1, .restoreVolume, exchange.1, 1),
            ("containers of a restore start", engine("start"), .restoreVolume, volumeSync.1, 2),
            ("database dropped", session.1, .restoreDatabase, CallRule("spawn", "*/pg_restore"), 1),
            (
                "database exchange settled", session.1, .restoreDatabase,
                CallRule("write", "pipe:*", text: "*RENAME TO*"), 1
            ),
            ("commit finished", removal.1 + forget.1, .commit, CallRule("unlink", staging), 3),
            (
                "rest of a point removed", CallRule("unlink,rmdir", "*.removing*"), .prune,
                CallRule("unlink", "*.removing/*"), 2
            ),
        ]
        return after.map { name, rule, command, before, times in
            KillPhase(command: .resume, name: name, rule: rule, before: (command, before, times))
        }
    }

    private static var anyMoment: [KillPhase] {
        let commands: [KilledCommand] = [.backup, .restoreVolume, .restoreDatabase]
        return commands.flatMap { command in
            [("any moment", Victim.process), ("any moment: its group", .group), ("any moment: a child alone", .child)]
                .map {
                    KillPhase(command: command, name: $0.0, victim: $0.1)
                }
        } + [KilledCommand.undo, .prune].map { KillPhase(command: $0, name: "any moment") }
    }
}
