import Docker
import Glibc
import Machine
import Synchronization
import TestKit
import Testing

/// Restores into volumes and folders that containers use.
@Suite(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
struct EngineRestoreTests {
    /// HAZARDS: "restart services manually" forgotten.
    @Test func usersAreStoppedAndStartedAgainAndHealthy() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("first", to: "file", in: volume)
                try host.configure { $0.include = [volume.name] }
                try await host.backup()
                try host.write("second", to: "file", in: volume)
                let web: (inout ContainerPlan) -> Void = { plan in
                    plan.volumes = [volume.name: "/data"]
                    plan.healthCheck = "grep -q . /data/file"
                }
                try await withContainer(host.engine, { $0.volumes = [volume.name: "/data"] }) { database in
                    try await withContainer(host.engine, web) { web in
                        let dry = try await host.restore("volume", volume.name, "--dry-run")
                        #expect(dry.status == 0 && dry.output.contains("stops meanwhile, and starts again: "))
                        #expect(dry.output.contains(web.name) && dry.output.contains(database.name))
                        #expect(try await host.look(web).startedAt == web.startedAt)

                        let outcome = try await host.restore("volume", volume.name)
                        #expect(outcome.status == 0, "\(outcome)")
                        #expect(outcome.errors.contains("started \(web.name), healthy"))
                        // Whoever started last depends on the others: it stops first and starts last.
                        let order = [
                            "stopped \(web.name)", "stopped \(database.name)", "swapped in", "started \(database.name)",
                            "started \(web.name)",
                        ]
                        let places = order.map { outcome.errors.firstRange(of: $0)?.lowerBound }
                        #expect(
                            !places.contains(nil) && places.compactMap(\.self) == places.compactMap(\.self).sorted())
                        for container in [database, web] {
                            let now = try await host.look(container)
                            #expect(now.state == .running && now.startedAt != container.startedAt)
                            #expect(try await host.run(in: container, "cat /data/file") == "first")
                        }
                        #expect(try await host.look(web).health?.status == .healthy)
                        #expect(try host.staging(of: volume).count == 1, "the former data is kept")

                        let undo = try await host.holdfast("restore", "undo", "--yes")
                        #expect(undo.status == 0, "\(undo)")
                        #expect(undo.errors.contains("is lost"))
                        for container in [database, web] {
                            #expect(try await host.look(container).state == .running)
                            #expect(try await host.run(in: container, "cat /data/file") == "second")
                        }
                        #expect(try host.staging(of: volume).isEmpty && host.demo.journal.isEmpty)
                    }
                }
            }
        }
    }

    @Test func serviceThatIsNotWellAfterwardsIsSaid() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("first", to: "file", in: volume)
                try host.configure { $0.include = [volume.name] }
                try await host.backup()
                try host.write("second", to: "file", in: volume)
                try host.write("here", to: "healthy", in: volume)
                let plan: (inout ContainerPlan) -> Void = { plan in
                    plan.volumes = [volume.name: "/data"]
                    plan.healthCheck = "cat /data/healthy"
                }
                try await withContainer(host.engine, plan) { container in
                    let outcome = try await host.restore("volume", volume.name, "--json")
                    #expect(outcome.status == 3, "\(outcome)")
                    let problem = try outcome.json()["problems"][0].string ?? ""
                    #expect(problem.contains("\(container.name) is not well") && problem.contains("unhealthy"))
                    #expect(problem.contains("can't open '/data/healthy'"))
                    #expect(host.read("file", in: volume) == "first", "the data is in place all the same")
                    #expect(try await host.look(container).state == .running)

                    let undo = try await host.holdfast("restore", "undo", "--yes")
                    #expect(undo.status == 0, "\(undo)")
                    #expect(host.read("file", in: volume) == "second")
                    #expect(try await host.look(container).health?.status == .healthy)
                }
            }
        }
    }

    @Test func pausedContainerIsPausedAgain() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("first", to: "file", in: volume)
                try host.configure { $0.include = [volume.name] }
                try await host.backup()
                try host.write("second", to: "file", in: volume)
                try await withContainer(host.engine, { $0.volumes = [volume.name: "/data"] }) { container in
                    try await host.engine.pause(container.id)
                    let outcome = try await host.restore("volume", volume.name)
                    #expect(outcome.status == 0, "\(outcome)")
                    #expect(try await host.look(container).state == .paused)
                    try await host.engine.unpause(container.id)
                    #expect(try await host.run(in: container, "cat /data/file") == "first")
                }
            }
        }
    }

    @Test func containerThatDidNotRunIsNotStarted() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("first", to: "file", in: volume)
                try host.configure { $0.include = [volume.name] }
                try await host.backup()
                try await withContainer(
                    host.engine,
                    {
                        $0.volumes = [volume.name: "/data"]; $0.isStarted = false
                    }
                ) { container in
                    let outcome = try await host.restore("volume", volume.name)
                    #expect(outcome.status == 0, "\(outcome)")
                    #expect(try await host.look(container).state == .created)
                    let commit = try await host.holdfast("restore", "commit", "--yes")
                    #expect(commit.status == 0 && commit.output.contains("volume.\(volume.name)"))
                    #expect(try host.staging(of: volume).isEmpty)
                    #expect(host.read("file", in: volume) == "first")
                    let undo = try await host.holdfast("restore", "undo", "--yes")
                    #expect(undo.status == 4, "\(undo)")
                }
            }
        }
    }

    @Test func containerThatAStopWouldDeleteIsRefused() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("first", to: "file", in: volume)
                try host.configure { $0.include = [volume.name] }
                try await host.backup()
                try host.write("second", to: "file", in: volume)
                let plan: (inout ContainerPlan) -> Void = {
                    $0.volumes = [volume.name: "/data"]; $0.isAutoRemoved = true
                }
                try await withContainer(host.engine, plan) { container in
                    let outcome = try await host.restore("volume", volume.name)
                    #expect(outcome.status == 4, "\(outcome)")
                    #expect(outcome.errors.contains("docker stop \(container.name)"))
                    #expect(host.read("file", in: volume) == "second")
                }
                let outcome = try await host.restore("volume", volume.name)
                #expect(outcome.status == 0, "\(outcome)")
                // And the way back is no other.
                try await withContainer(host.engine, plan) { container in
                    let undo = try await host.holdfast("restore", "undo", "--yes")
                    #expect(undo.status == 4, "\(undo)")
                    #expect(try await host.look(container).state == .running)
                    #expect(host.read("file", in: volume) == "first")
                }
            }
        }
    }

    /// Where a service's files lie in a folder of the host that it has mounted.
    @Test func foldersThatAreMountedIntoContainers() async throws {
        try await withEngineHost { host in
            try host.demo.write("site/www/page", "first", mode: 0o644)
            try host.configure { $0.files = [("site", host.folder + "/site")] }
            try await host.backup()
            try host.demo.write("site/www/page", "second", mode: 0o644)
            try await withContainer(host.engine, { $0.binds = ["\(host.folder)/site/www:/www:ro"] }) { inside in
                try await withContainer(host.engine, { $0.binds = ["\(host.folder)/site:/site"] }) { exact in
                    // One that sees a folder above: monitoring, a file browser.
                    try await withContainer(host.engine, { $0.binds = ["\(host.folder):/host:ro"] }) { above in
                        let all = [(inside, "/www/page"), (exact, "/site/www/page"), (above, "/host/site/www/page")]
                        let outcome = try await host.restore("files", "site")
                        #expect(outcome.status == 0, "\(outcome)")
                        for (container, page) in all {
                            #expect(try await host.run(in: container, "cat \(page)") == "first", "\(page)")
                            #expect(outcome.errors.contains("started \(container.name)"))
                        }
                        let undo = try await host.holdfast("restore", "undo", "--yes")
                        #expect(undo.status == 0, "\(undo)")
                        for (container, page) in all {
                            #expect(try await host.run(in: container, "cat \(page)") == "second", "\(page)")
                            #expect(undo.errors.contains("started \(container.name)"), "\(page)")
                        }
                    }
                }
            }
        }
    }

    /// A container that has a volume's folder mounted by its path is a user of it like any other.
    @Test func volumeThatIsMountedByItsPath() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("first", to: "file", in: volume)
                try host.configure { $0.include = [volume.name] }
                try await host.backup()
                try host.write("second", to: "file", in: volume)
                try await withContainer(host.engine, { $0.binds = ["\(volume.mountpoint):/data"] }) { container in
                    let outcome = try await host.restore("volume", volume.name)
                    #expect(outcome.status == 0, "\(outcome)")
                    #expect(try await host.run(in: container, "cat /data/file") == "first")
                    let undo = try await host.holdfast("restore", "undo", "--yes")
                    #expect(undo.status == 0, "\(undo)")
                    #expect(try await host.run(in: container, "cat /data/file") == "second")
                }
            }
        }
    }

    /// HAZARDS: restore overwrites the live volume, mixed old and new.
    @Test func dataIsNeverMissingNorMixed() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                for name in ["one", "two"] { try host.write("first", to: name, in: volume) }
                try host.configure { $0.include = [volume.name] }
                try await host.backup()
                for name in ["one", "two"] { try host.write("second", to: name, in: volume) }
                let watch = Watch(volume.mountpoint)
                async let looks: Void = onThread("watch") { _ in watch.run() }
                for _ in 1...2 {
                    let outcome = try await host.restore("volume", volume.name)
                    #expect(outcome.status == 0, "\(outcome)")
                    let undo = try await host.holdfast("restore", "undo", "--yes")
                    #expect(undo.status == 0, "\(undo)")
                }
                watch.end()
                try await looks
                #expect(watch.seen == ["first first", "second second"])
            }
        }
    }

    /// Interrupted while a user is being stopped: nothing was swapped, and it runs again.
    @Test func signalInTheMiddleOfAStop() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("first", to: "file", in: volume)
                try host.configure { $0.include = [volume.name] }
                try await host.backup()
                try host.write("second", to: "file", in: volume)
                let slow: (inout ContainerPlan) -> Void = { plan in
                    plan.volumes = [volume.name: "/data"]
                    plan.binds = ["\(host.folder):/count"]
                    plan.command = [
                        "sh", "-c",
                        "echo start >>/count/starts; trap 'echo stopping >>/count/starts; sleep 2; exit 0' TERM; while :; do sleep 0.2 & wait $!; done",
                    ]
                }
                try await withContainer(host.engine, slow) { container in
                    let restore = try host.holdfast.start([
                        CommandRunner.binary, "restore", "volume", volume.name, "--yes", "--key", host.demo.privateKey,
                    ])
                    try await eventually("the container is being stopped") {
                        try host.demo.read("starts").contains("stopping")
                    }
                    restore.signal(SIGTERM)
                    let outcome = try await restore.wait()
                    #expect(outcome.status == 143, "\(outcome)")
                    try await eventually("it has started again") {
                        try host.demo.read("starts") == "start\nstopping\nstart\n"
                    }
                    #expect(try await host.look(container).state == .running)
                    #expect(try await host.run(in: container, "cat /data/file") == "second")
                    #expect(try host.staging(of: volume).isEmpty && host.demo.journal.isEmpty)
                    #expect(try host.demo.names("state/restores").isEmpty)
                }
            }
        }
    }

    /// Killed while its users are stopped: the next command goes back to the former data, then starts them.
    @Test func killedInTheMiddle() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("first", to: "file", in: volume)
                try host.configure { $0.include = [volume.name] }
                try await host.backup()
                try host.write("second", to: "file", in: volume)
                let slow: (inout ContainerPlan) -> Void = { plan in
                    plan.volumes = [volume.name: "/data"]
                    plan.binds = ["\(host.folder):/count"]
                    plan.command = [
                        "sh", "-c",
                        "trap 'echo stopping >>/count/starts; sleep 1; exit 0' TERM; while :; do sleep 0.2 & wait $!; done",
                    ]
                }
                try await withContainer(host.engine, slow) { slow in
                    try await withContainer(host.engine, { $0.volumes = [volume.name: "/data"] }) { quick in
                        let restore = try host.holdfast.start([
                            CommandRunner.binary, "restore", "volume", volume.name, "--yes", "--key",
                            host.demo.privateKey,
                        ])
                        try await eventually("the second is being stopped") { host.demo.has("starts") }
                        restore.signal(SIGKILL)
                        _ = try await restore.wait()
                        try await eventually("it has stopped") { try await host.look(slow).state == .exited }
                        #expect(try await host.look(quick).state == .exited)
                        #expect(try host.staging(of: volume).count == 1)
                        let resume = try await host.holdfast("resume", "--json")
                        #expect(resume.status == 0, "\(resume)")
                        let putRight = try resume.json()["putRight"].all.compactMap(\.string)
                        #expect(putRight.first?.hasPrefix("went back to the former data") == true)
                        #expect(putRight.contains("started \(slow.name)") && putRight.contains("started \(quick.name)"))
                        for container in [slow, quick] {
                            #expect(try await host.look(container).state == .running)
                            #expect(try await host.run(in: container, "cat /data/file") == "second")
                        }
                        #expect(try host.staging(of: volume).isEmpty && host.demo.journal.isEmpty)
                    }
                }
            }
        }
    }
}

/// Reads two files of a volume again and again, by its path.
private final class Watch: Sendable {
    private let path: String
    private let found = Mutex<Set<String>>([])
    private let ended = Atomic(false)

    init(_ path: String) { self.path = path }

    var seen: Set<String> { found.withLock { $0 } }

    func end() { ended.store(true, ordering: .releasing) }

    func run() {
        while !ended.load(ordering: .acquiring) {
            let words: String
            do {
                // Through the open folder, so that both names are of one and the same.
                let folder = try Descriptor.folder(path)
                let texts = try ["one", "two"].map {
                    String(decoding: try folder.open($0, O_RDONLY).readAll(limit: 100), as: UTF8.self)
                }
                words = texts.joined(separator: " ")
            } catch let error as MachineError where error.place?.hasPrefix(path + "/") == true && error.errno == ENOENT
            {
                // The folder that it had opened was undone and removed meanwhile.
                continue
            } catch {
                words = "\(error)"
            }
            found.withLock { _ = $0.insert(words) }
        }
    }
}
