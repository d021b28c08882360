import Docker
import Glibc
import Machine
import TestKit
import Testing

/// HAZARDS: containers left stopped after a crash. Whatever goes wrong while one is kept still, it runs again.
@Suite(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
struct EngineInterruptionTests {
    /// A host with one volume whose container is kept still in `mode` while it is read.
    private func withStilled(
        _ mode: String, in host: EngineHost, _ change: @escaping (inout ContainerPlan) -> Void = { _ in },
        _ body: (Volume, Container) async throws -> Void
    ) async throws {
        try await withVolume(host.engine) { volume in
            try host.write("data", to: "file", in: volume)
            try host.configure { configuration in
                configuration.include = [volume.name]
                configuration.volumes = ["quiesce: { \(volume.name): \(mode) }"]
            }
            let plan: (inout ContainerPlan) -> Void = { plan in
                plan.volumes = [volume.name: "/data"]
                plan.countsStarts(in: host.folder)
                change(&plan)
            }
            try await withContainer(host.engine, plan) { try await body(volume, $0) }
        }
    }

    /// HAZARDS: `pg_dump | gpg` reports gpg's success; here it is gpg that dies.
    @Test(arguments: ["kill -9 $$", "exit 2", "head -c 100000 >/dev/null; exit 0"])
    func gpgDies(_ death: String) async throws {
        try await withEngineHost { host in
            let host = try await host.shimmed(death)
            try await withStilled("stop", in: host) { volume, container in
                let outcome = try await host.holdfast("backup", "--json")
                #expect(outcome.status == 1, "\(outcome)")
                #expect(try outcome.json()["problems"]["volume.\(volume.name)"].string != nil)
                #expect(try await host.look(container).state == .running)
                #expect(host.demo.journal.isEmpty)
                #expect(try host.demo.points().isEmpty && host.demo.leftovers().isEmpty)
            }
        }
    }

    @Test func sourceIsNotThere() async throws {
        try await withEngineHost { host in
            try await withStilled("stop", in: host) { volume, container in
                try makeFolders("\(host.folder)/elsewhere")
                try host.configure { configuration in
                    configuration.include = [volume.name]
                    configuration.volumes = ["root: \(host.folder)/elsewhere", "quiesce: { \(volume.name): stop }"]
                }
                let outcome = try await host.holdfast("backup")
                #expect(outcome.status == 1, "\(outcome)")
                #expect(outcome.errors.contains("\(host.folder)/elsewhere/\(volume.name)/_data"))
                #expect(outcome.errors.contains("Nothing was created"))
                #expect(try await host.look(container).state == .running)
                #expect(!host.demo.has("elsewhere/\(volume.name)"))
            }
        }
    }

    @Test func sourceVanishesInTheMiddle() async throws {
        try await withEngineHost { host in
            let host = try await host.stuck()
            try await withStilled("stop", in: host) { volume, container in
                let data = "elsewhere/\(volume.name)/_data"
                // More than fits into the pipe to gpg, so that the rest is not read yet when it goes.
                try host.demo.write("\(data)/a", "first")
                try await host.demo.shell("openssl rand -out \(host.folder)/\(data)/b 100000000; echo last >\(data)/c")
                try host.configure { configuration in
                    configuration.include = [volume.name]
                    configuration.volumes = ["root: \(host.folder)/elsewhere", "quiesce: { \(volume.name): stop }"]
                }
                let backup = try host.startBackup()
                try await host.reached()
                try await host.demo.shell("rm -r elsewhere")
                try host.open()
                let outcome = try await backup.wait()
                #expect(outcome.status == 1, "\(outcome)")
                #expect(outcome.errors.contains("shrank or vanished while it was read; reading it once more"))
                #expect(outcome.errors.contains("is not there, or is no folder"))
                #expect(try await host.look(container).state == .running)
                #expect(try host.demo.points().isEmpty && host.demo.leftovers().isEmpty)
            }
        }
    }

    @Test(arguments: [("stop", SIGTERM, 143), ("pause", SIGINT, 130)] as [(String, Int32, Int32)])
    func signalLetsTheContainerGoAtOnce(_ mode: String, _ signal: Int32, _ status: Int32) async throws {
        try await withEngineHost { host in
            let host = try await host.stuck()
            try await withStilled(mode, in: host) { _, container in
                let backup = try host.startBackup()
                try await host.reached()
                backup.signal(signal)
                let outcome = try await backup.wait()
                #expect(outcome.status == status, "\(outcome)")
                #expect(try await host.look(container).state == .running)
                #expect(host.demo.journal.isEmpty)
                #expect(try host.demo.points().isEmpty && host.demo.leftovers().isEmpty)
                let records = try host.demo.names("state/runs").map { try host.demo.read("state/runs/\($0)") }
                #expect(records.count == 1 && records.allSatisfy { $0.contains("\"outcome\" : \"failed\"") })
            }
        }
    }

    /// The engine goes on stopping a container when nobody waits for it any more: starting it then would do nothing.
    @Test func signalInTheMiddleOfAStop() async throws {
        try await withEngineHost { host in
            let slow: (inout ContainerPlan) -> Void = { plan in
                plan.command = [
                    "sh", "-c",
                    "echo start >>/count/starts; trap 'echo stopping >>/count/starts; sleep 2; exit 0' TERM; while :; do sleep 0.2 & wait $!; done",
                ]
            }
            try await withStilled("stop", in: host, slow) { _, container in
                let backup = try host.startBackup()
                try await eventually("the container is being stopped") {
                    try host.demo.read("starts").contains("stopping")
                }
                backup.signal(SIGTERM)
                let outcome = try await backup.wait()
                #expect(outcome.status == 143, "\(outcome)")
                try await eventually("it has started again") {
                    try host.demo.read("starts") == "start\nstopping\nstart\n"
                }
                #expect(try await host.look(container).state == .running)
                #expect(host.demo.journal.isEmpty)
            }
        }
    }

    @Test func killedRunIsPutRightByResume() async throws {
        try await withEngineHost { host in
            let host = try await host.stuck()
            try await withStilled("stop", in: host) { _, container in
                let backup = try host.startBackup()
                try await host.reached()
                backup.signal(SIGKILL)
                let killed = try await backup.wait()
                #expect(killed.status == 137)
                #expect(try await host.look(container).state == .exited)
                #expect(host.demo.journal.contains(container.id))

                let check = try await host.holdfast("check", "--json")
                #expect(check.status == 1)
                let journal = try check.json()["findings"].all.filter { $0["subject"].string == "journal" }
                #expect(journal.map { $0["level"].string } == ["fail"])
                #expect(journal.first?["remedy"].string == "holdfast resume")

                let resume = try await host.holdfast("resume", "--json")
                #expect(resume.status == 0, "\(resume)")
                let putRight = try resume.json()["putRight"].all.compactMap(\.string)
                #expect(putRight.first == "started \(container.name)")
                #expect(putRight.contains { $0.hasPrefix("removed the unfinished point") })
                #expect(putRight.contains { $0.hasSuffix("died before its end") })
                #expect(try await host.look(container).state == .running)
                #expect(!host.demo.has("state/journal.jsonl"))
                #expect(try host.demo.points().isEmpty && host.demo.leftovers().isEmpty)

                let again = try await host.holdfast("resume")
                #expect(again.status == 0 && again.output == "Nothing was left over.\n")
            }
        }
    }

    @Test func killedRunIsPutRightByTheNextBackup() async throws {
        try await withEngineHost { host in
            let host = try await host.stuck()
            try await withStilled("pause", in: host) { _, container in
                let backup = try host.startBackup()
                try await host.reached()
                backup.signal(SIGKILL)
                _ = try await backup.wait()
                #expect(try await host.look(container).state == .paused)
                try host.open()
                let next = try await host.holdfast("backup")
                #expect(next.status == 0, "\(next)")
                #expect(next.errors.contains("Put right after an interrupted run: unpaused \(container.name)"))
                #expect(try await host.look(container).state == .running)
                #expect(try await host.look(container).startedAt == container.startedAt)
                #expect(try host.demo.points().count == 1 && host.demo.leftovers().isEmpty)
            }
        }
    }

    /// A container that somebody removed or started meanwhile is no reason to fail.
    @Test(arguments: ["removed", "started"]) func resumeTakesThingsAsTheyAre(_ deed: String) async throws {
        try await withEngineHost { host in
            let host = try await host.stuck()
            try await withStilled("stop", in: host) { _, container in
                let backup = try host.startBackup()
                try await host.reached()
                backup.signal(SIGKILL)
                _ = try await backup.wait()
                if deed == "removed" {
                    try await removeContainer(host.engine, container.id)
                } else {
                    try await host.engine.start(container.id)
                }
                let resume = try await host.holdfast("resume", "--json")
                #expect(resume.status == 0, "\(resume)")
                #expect(try !resume.json()["putRight"].all.contains { $0.string?.contains(container.name) == true })
                #expect(!host.demo.has("state/journal.jsonl"))
            }
        }
    }

    // MARK: - An engine that goes away

    @Test func engineGoneInTheMiddle() async throws {
        try await withDemoHost { demo in
            try await withOwnEngine(in: demo) { own in
                let host = try await EngineHost(demo: demo, engine: try await Engine.connect(socket: own.socket))
                    .stuck()
                try await withStilled("stop", in: host) { _, container in
                    let backup = try host.startBackup()
                    try await host.reached()
                    #expect(try await host.look(container).state == .exited)
                    try await own.stop()
                    try host.open()
                    let outcome = try await backup.wait()
                    #expect(outcome.status == 3, "\(outcome)")
                    #expect(outcome.errors.contains("\(container.name) could not be let run again"))
                    #expect(outcome.errors.contains("holdfast resume"))
                    #expect(host.demo.journal.contains(container.id))

                    // Still gone: nothing is forgotten.
                    let early = try await host.holdfast("resume")
                    #expect(early.status == 3, "\(early)")
                    #expect(early.output.contains("1 thing could not be put right"))
                    #expect(host.demo.journal.contains(container.id))

                    try await own.start()
                    let resume = try await host.holdfast("resume")
                    #expect(resume.status == 0, "\(resume)")
                    #expect(resume.output.contains("started \(container.name)"))
                    #expect(try await host.look(container).state == .running)
                    #expect(!host.demo.has("state/journal.jsonl"))
                    let point = try #require(try host.demo.points().last)
                    let verified = try await host.holdfast("verify", point)
                    #expect(verified.status == 0, "\(verified)")
                }
            }
        }
    }
}

/// An engine that a test may stop and start.
private struct OwnEngine: Sendable {
    let root: String
    let runner: CommandRunner

    var socket: String { root + "/docker.sock" }

    func start() async throws {
        try await script("up")
        try await script("images")
    }

    /// Ends the daemon, in order, and waits for it.
    func stop() async throws {
        let text = String(
            decoding: try Descriptor.open(root + "/dockerd.pid", O_RDONLY).readAll(limit: 32), as: UTF8.self)
        guard let pid = pid_t(text.prefix { $0.isNumber }), pid > 1 else {
            throw TestKitError(description: "no daemon: \(text)")
        }
        kill(pid, SIGTERM)
        try await eventually("the daemon ends") { kill(pid, 0) != 0 }
    }

    fileprivate func script(_ word: String) async throws {
        let outcome = try await runner.run(["bash", Self.script, word])
        guard outcome.status == 0 else { throw TestKitError(description: "engine.sh \(word): \(outcome)") }
    }

    private static let script: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(3).joined(separator: "/") + "/Real/engine.sh"
    }()
}

private func withOwnEngine(in demo: DemoHost, _ body: (OwnEngine) async throws -> Void) async throws {
    let root = demo.folder + "/engine"
    var runner = CommandRunner()
    runner.environment["HOLDFAST_REAL"] = root
    runner.environment["HOME"] = getenv("HOME").map { String(cString: $0) } ?? "/root"
    let engine = OwnEngine(root: root, runner: runner)
    do {
        try await engine.start()
        try await body(engine)
    } catch {
        try? await engine.script("down")
        throw error
    }
    try await engine.script("down")
}
