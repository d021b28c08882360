import Glibc
import Machine
import TestKit
import Testing

/// Disks that are full, read-only or gone: real ones, small file systems of their own.
@Suite(.enabled(if: MountedFolder.isPossible, Comment(rawValue: MountedFolder.whyNot)))
struct DiskTests {
    /// The folders of a host that can lie on a disk of their own.
    private static let places = [["backups"], ["state"], ["backups", "state"], ["volumes"]]

    /// What is left of a disk, from nothing on.
    private enum Room: CustomStringConvertible {
        case pages(Int)
        case inodes(Int)

        var description: String {
            switch self {
            case .pages(let count): "\(count) pages left"
            case .inodes(let count): "\(count) inodes left"
            }
        }
    }

    /// Full at once, full at the first archive, at a later one, at the manifest, …: with each deed, at 48 sizes and 16 numbers
    /// of inodes.
    @Test func aDiskThatBecomesFull() async throws {
        let rooms = (0..<48).map { Room.pages($0 * 2) } + (0..<16).map { Room.inodes($0) }
        var cases = Deed.allCases.flatMap { deed in
            Self.places.flatMap { places in rooms.map { (deed: deed, places: places, room: $0) } }
        }
        var shuffling = SeededRandom(seed: Torture.seed)
        cases.shuffle(using: &shuffling)
        for round in Torture.rounds(of: "full disks", short: 6) {
            let (deed, places, room) = cases[round.number % cases.count]
            try await withDemoHost(.backedUp) { host in
                try await makeDenser(host)
                try await withDisks(under: places, of: host) {
                    let trial = try await Trial(deed, on: host)
                    for place in places { try await shrink(place, of: host, to: room) }
                    let outcome = try await trial.run(on: host)
                    for place in places { try await host.shell("mount -o remount,size=200m,nr_inodes=100k \(place)") }
                    try await trial.judge(outcome, "\(deed), \(places), \(room), \(round)")
                }
            }
        }
    }

    /// Puts something into the volume that needs room in a point of its own, and then changes it.
    private func makeDenser(_ host: DemoHost) async throws {
        try await host.shell("head -c 150000 /dev/urandom > \(host.data())/dense")
        try await host.backup()
        try await host.shell("echo since then > \(host.data())/since")
    }

    private func shrink(_ place: String, of host: DemoHost, to room: Room) async throws {
        switch room {
        case .pages(let count):
            try await host.shell(
                "u=$(df --output=used -B4096 \(place) | tail -1); mount -o remount,size=$((4096 * (u + \(count)))) \(place)"
            )
        case .inodes(let count):
            try await host.shell(
                "u=$(df --output=iused \(place) | tail -1); mount -o remount,nr_inodes=$((u + \(count))) \(place)")
        }
    }

    /// Read-only from the start.
    @Test func aDiskThatIsReadOnly() async throws {
        let cases = Deed.allCases.flatMap { deed in Self.places.map { (deed: deed, places: $0) } }
        for round in Torture.rounds(of: "read-only disks", short: 3) {
            var round = round
            let (deed, places) =
                Torture.seconds == nil
                ? cases.randomElement(using: &round.random) ?? cases[0] : cases[round.number % cases.count]
            try await withDemoHost(.backedUp) { host in
                try await withDisks(under: places, of: host) {
                    let trial = try await Trial(deed, on: host)
                    for place in places { try await makeReadOnly(host.path(place)) }
                    let outcome = try await trial.run(on: host)
                    for place in places { try await host.shell("mount -o remount,rw \(place)") }
                    if places.contains("state") {
                        #expect(outcome.status != 0, "nothing could be written down: \(outcome)")
                    }
                    try await trial.judge(outcome, "\(deed), \(places), \(round)")
                }
            }
        }
    }

    /// The disk is taken away while gpg holds a command up, and brought back afterwards.
    @Test func aDiskThatGoesAway() async throws {
        let moments: [(deed: Deed, option: String)] = [
            (.backup, "--encrypt"), (.backup, "--detach-sign"), (.backupAndPrune, "--detach-sign"),
            (.archive, "--encrypt"), (.restore, "--decrypt"), (.restoreElsewhere, "--decrypt"),
        ]
        for round in Torture.rounds(of: "disks that go away", short: 2) {
            var round = round
            let (deed, option) = moments[round.number % moments.count]
            // A prune without its state takes the points for another host's, and leaves them alone.
            let places = deed == .backupAndPrune ? ["backups"] : ["backups", "backups", "state", "volumes"]
            let place = places.randomElement(using: &round.random) ?? "backups"
            let isReadOnly = Bool.random(using: &round.random) && option == "--detach-sign" && place == "backups"
            try await withDemoHost(.backedUp) { host in
                try await withDisks(under: [place], of: host) {
                    let trial = try await Trial(deed, on: host)
                    try await host.shell("mkdir kept; mount --bind \(place) kept")
                    let held = try await host.holdingUpGPG(at: option)
                    let running = try held.holdfast.start(deed.command(on: host))
                    try await host.untilGPGIsHeld()
                    try await host.shell(isReadOnly ? "mount -o remount,ro \(place)" : "umount -l \(place)")
                    try host.letGPGGo()
                    let outcome = try await running.wait()
                    let text = "\(deed) at \(option), \(place) \(isReadOnly ? "read-only" : "gone"), \(round)"
                    if place == "backups", deed != .archive, deed != .restore, deed != .restoreElsewhere {
                        #expect(outcome.status != 0, "it went to a disk that is not there: \(text): \(outcome)")
                    }
                    #expect(try isReadOnly || place == "state" || host.names(place) == [], "\(text)")
                    try await host.shell(
                        isReadOnly
                            ? "mount -o remount,rw \(place); umount -l kept"
                            : "rm -rf \(place)/*; mount --bind kept \(place); umount -l kept")
                    try await trial.judge(outcome, "\(text): \(outcome)")
                    if !isReadOnly { try await host.shell("umount -l \(place)") }
                }
            }
        }
    }

    /// The disk of the points is not mounted when the night begins: the empty folder below is not taken for it.
    @Test func aMountPointWithoutItsDisk() async throws {
        for round in Torture.rounds(of: "empty mount points", short: 2) {
            let deed: Deed = round.number % 2 == 0 ? .backup : .prune
            try await withDemoHost(.backedUp) { host in
                let trial = try await Trial(deed, on: host)
                try await host.shell("mv backups away && mkdir -m 700 backups")
                let outcome = try await trial.run(on: host)
                #expect(outcome.status == 4, "\(round): \(outcome)")
                #expect(try host.names("backups") == [], "\(round)")
                try await host.shell("rmdir backups && mv away backups")
                try await trial.judge(outcome, "\(round)")
            }
        }
    }

    /// A limit on the size of files cuts a write short, and refuses the next.
    @Test func aLimitOnTheSizeOfFiles() async throws {
        for round in Torture.rounds(of: "limits on the size of files", short: 2) {
            var round = round
            let deed =
                [Deed.backup, .archive, .restore, .backupAndPrune, .undo].randomElement(using: &round.random) ?? .backup
            let limit = Int.random(in: 0...160_000, using: &round.random)
            try await withDemoHost(.backedUp) { host in
                try await makeDenser(host)
                let trial = try await Trial(deed, on: host)
                var limited = host
                limited.holdfast.wrapper = ["prlimit", "--fsize=\(limit)"]
                let text = "\(deed), \(limit) bytes, \(round)"
                // What it says goes to a file as well, here.
                let outcome = try await trial.run(on: limited)
                #expect(outcome.status < 128, "it crashed: \(text): \(outcome)")
                let isMute = outcome.output.utf8.count >= limit || outcome.errors.utf8.count >= limit
                try await trial.judge(outcome, couldSpeak: !isMute, text)
            }
        }
    }

    /// A result that could not be printed is no success.
    @Test(arguments: ["list", "status", "list --json", "show latest", "verify", "backup", "resume"])
    func aResultThatCannotBePrinted(_ command: String) async throws {
        try await withDemoHost(.backedUp) { host in
            let outcome = try await host.holdfast.run([
                "bash", "-c", "exec \(CommandRunner.binary) \(command) > /dev/full",
            ])
            #expect(outcome.status == 1, "\(outcome)")
            #expect(outcome.errors.contains("No space left on device"), "\(outcome)")
        }
    }

    /// No file of ours may get the number of a stream that whoever started us had closed.
    @Test func closedStandardStreams() async throws {
        try await withDemoHost(.backedUp) { host in
            let outcome = try await host.holdfast.run([
                "bash", "-c", "exec \(CommandRunner.binary) backup <&- >&- 2>&-",
            ])
            #expect(outcome.status == 0, "\(outcome)")
            #expect(try host.points().count == 3)
            #expect(try host.read("state/lock").hasSuffix(" backup\n"))
            try await host.expectRecovery(Belongings(of: host), "closed streams")
        }
    }

    /// Puts folders of the host on file systems of their own, with all that they hold.
    private func withDisks(under places: [String], of host: DemoHost, _ body: () async throws -> Void) async throws {
        guard let place = places.first else { return try await body() }
        let rest = Array(places.dropFirst())
        try await host.shell("mv \(place) \(place).former")
        try await withTmpfs(host.path(place), "size=200m,nr_inodes=100k,mode=0700") {
            try await host.shell("cp -a \(place).former/. \(place)/; rm -r \(place).former")
            try await withDisks(under: rest, of: host, body)
        }
    }
}
