import Docker
import Machine
import TestKit
import Testing

/// Containers are kept still while their volumes are read, and go on as they were.
@Suite(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
struct EngineQuiesceTests {
    struct Case: CustomTestStringConvertible {
        let configured: String?
        let label: String?
        /// What the container does while its volume is read.
        let state: Container.State
        var testDescription: String { "configured \(configured ?? "–"), label \(label ?? "–")" }
    }

    @Test(arguments: [
        Case(configured: "stop", label: nil, state: .exited),
        Case(configured: nil, label: "stop", state: .exited),
        Case(configured: "pause", label: "stop", state: .paused),
        Case(configured: nil, label: "pause", state: .paused),
        Case(configured: "none", label: "stop", state: .running),
        Case(configured: nil, label: nil, state: .running),
    ])
    func containerIsStillWhileItsVolumeIsRead(_ one: Case) async throws {
        try await withEngineHost { host in
            let host = try await host.stuck()
            try await withVolume(host.engine) { volume in
                try host.write("data", to: "file", in: volume)
                try host.configure { configuration in
                    configuration.include = [volume.name]
                    configuration.volumes =
                        one.configured.map { ["quiesce: { \"\(volume.name.prefix(12))*\": \($0) }"] } ?? []
                }
                let plan: (inout ContainerPlan) -> Void = { plan in
                    plan.volumes = [volume.name: "/data"]
                    plan.countsStarts(in: host.folder)
                    if let label = one.label { plan.labels["holdfast.quiesce"] = label }
                }
                try await withContainer(host.engine, plan) { container in
                    let backup = try host.startBackup()
                    try await host.reached()
                    let during = try await host.look(container)
                    try host.open()
                    let outcome = try await backup.wait()
                    let after = try await host.look(container)
                    #expect(outcome.status == 0, "\(outcome)")
                    #expect(during.state == one.state)
                    #expect(after.state == .running)
                    #expect((after.startedAt == container.startedAt) == (one.state != .exited))
                    #expect(host.demo.journal.isEmpty)
                    let word = one.state == .exited ? "stopped" : "paused"
                    #expect(outcome.errors.contains("\(word) \(container.name)") == (one.state != .running))
                }
            }
        }
    }

    /// What a stopped container wrote is all there: it ends in order, and nothing is read before it has.
    @Test func stoppedContainerIsReadAfterItsLastWord() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.configure { configuration in
                    configuration.include = [volume.name]
                    configuration.volumes = ["quiesce: { \(volume.name): stop }"]
                }
                let plan: (inout ContainerPlan) -> Void = { plan in
                    plan.volumes = [volume.name: "/data"]
                    // Counts into two files, one after the other, and writes a last word when it is told to stop.
                    plan.command = [
                        "sh", "-c",
                        """
                        rm -f /data/last; trap 'end=1' TERM; i=0
                        while [ -z "$end" ]; do i=$((i+1)); echo $i >/data/one; sleep 0.01; echo $i >/data/two; done
                        sleep 0.5; echo $i >/data/last
                        """,
                    ]
                }
                try await withContainer(host.engine, plan) { container in
                    try await eventually("it counts") { host.read("two", in: volume) != nil }
                    try await host.backup()
                    let restored = try await host.restore("volume", volume.name, "--to", host.folder + "/out")
                    #expect(restored.status == 0, "\(restored)")
                    let numbers = try ["one", "two", "last"].map { try host.demo.read("out/\($0)") }
                    #expect(Set(numbers).count == 1, "\(numbers)")
                    #expect(try await host.look(container).state == .running)
                }
            }
        }
    }

    @Test(arguments: [[], ["--single-archive"]]) func containerOfTwoVolumesIsStoppedOnce(_ options: [String])
        async throws
    {
        try await withEngineHost { host in
            try await withVolume(host.engine) { one in
                try await withVolume(host.engine) { two in
                    for volume in [one, two] { try host.write("data", to: "file", in: volume) }
                    try host.configure { configuration in
                        configuration.include = [one.name, two.name]
                        configuration.volumes = ["quiesce: { \"hf-volume-*\": stop }"]
                    }
                    let plan: (inout ContainerPlan) -> Void = { plan in
                        plan.volumes = [one.name: "/one", two.name: "/two"]
                        plan.countsStarts(in: host.folder)
                    }
                    try await withContainer(host.engine, plan) { container in
                        let outcome = try await host.holdfast.run([CommandRunner.binary, "backup"] + options)
                        #expect(outcome.status == 0, "\(outcome)")
                        #expect(try await host.look(container).state == .running)
                        try await eventually("it has started") {
                            try host.demo.read("starts") == "start\nstop\nstart\n"
                        }
                    }
                }
            }
        }
    }

    /// One volume asks for a stop, the other for a pause: with one archive for both the container is stopped.
    @Test(arguments: [[], ["--single-archive"]]) func stopAndPauseOfOneContainerGoTogether(_ options: [String])
        async throws
    {
        try await withEngineHost { host in
            try await withVolume(host.engine) { one in
                try await withVolume(host.engine) { two in
                    for volume in [one, two] { try host.write("data", to: "file", in: volume) }
                    try host.configure { configuration in
                        configuration.include = [one.name, two.name]
                        configuration.volumes = ["quiesce: { \(one.name): stop, \(two.name): pause }"]
                    }
                    try await withContainer(host.engine, { $0.volumes = [one.name: "/one", two.name: "/two"] }) {
                        container in
                        let outcome = try await host.holdfast.run([CommandRunner.binary, "backup"] + options)
                        #expect(outcome.status == 0, "\(outcome)")
                        #expect(try await host.look(container).state == .running)
                        #expect(host.demo.journal.isEmpty)
                    }
                }
            }
        }
    }

    @Test func whatDidNotRunIsLeftAsItWas() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("data", to: "file", in: volume)
                try host.configure { configuration in
                    configuration.include = [volume.name]
                    configuration.volumes = ["quiesce: { \(volume.name): stop }"]
                }
                try await withContainer(
                    host.engine,
                    {
                        $0.volumes = [volume.name: "/data"]; $0.isStarted = false
                    }
                ) { created in
                    try await withContainer(host.engine, { $0.volumes = [volume.name: "/data"] }) { stopped in
                        try await withContainer(host.engine, { $0.volumes = [volume.name: "/data"] }) { paused in
                            try await host.engine.stop(stopped.id)
                            try await host.engine.pause(paused.id)
                            try await host.backup()
                            #expect(try await host.look(created).state == .created)
                            #expect(try await host.look(stopped).state == .exited)
                            #expect(try await host.look(paused).state == .paused)
                            #expect(try await host.look(paused).startedAt == paused.startedAt)
                        }
                    }
                }
            }
        }
    }

    @Test func containerThatAStopWouldDeleteFailsItsItem() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("data", to: "file", in: volume)
                try host.configure { configuration in
                    configuration.include = [volume.name]
                    configuration.volumes = ["quiesce: { \(volume.name): stop }"]
                }
                try await withContainer(
                    host.engine,
                    {
                        $0.volumes = [volume.name: "/data"]; $0.isAutoRemoved = true
                    }
                ) { container in
                    let outcome = try await host.holdfast("backup")
                    #expect(outcome.status == 1, "\(outcome)")
                    #expect(outcome.errors.contains("\(container.name) was started with --rm"))
                    #expect(try await host.look(container).state == .running)
                    #expect(try host.demo.points().isEmpty)
                }
            }
        }
    }

    @Test func labelThatMeansNothingFailsItsItem() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("data", to: "file", in: volume)
                try host.configure { $0.include = [volume.name] }
                let plan: (inout ContainerPlan) -> Void = { plan in
                    plan.volumes = [volume.name: "/data"]
                    plan.labels["holdfast.quiesce"] = "halt"
                }
                try await withContainer(host.engine, plan) { container in
                    let outcome = try await host.holdfast("backup")
                    #expect(outcome.status == 1, "\(outcome)")
                    #expect(outcome.errors.contains("holdfast.quiesce of \(container.name) says “halt”"))
                }
            }
        }
    }

    /// HAZARDS: a maximum downtime.
    @Test(arguments: ["stop", "pause"]) func noServiceIsKeptDownWithoutEnd(_ mode: String) async throws {
        try await withEngineHost { host in
            let host = try await host.stuck()
            try await withVolume(host.engine) { volume in
                try host.write("data", to: "file", in: volume)
                try host.configure { configuration in
                    configuration.include = [volume.name]
                    configuration.volumes = ["quiesce: { \(volume.name): \(mode) }", "max_downtime: 1s"]
                }
                try await withContainer(host.engine, { $0.volumes = [volume.name: "/data"] }) { container in
                    let outcome = try await host.holdfast("backup", "--json")
                    #expect(outcome.status == 1, "\(outcome)")
                    #expect(outcome.errors.contains("longer than the containers may be kept still (1.0 s)"))
                    #expect(outcome.errors.contains("max_downtime"))
                    #expect(try await host.look(container).state == .running)
                    #expect(host.demo.journal.isEmpty)
                    #expect(try host.demo.points().isEmpty && host.demo.leftovers().isEmpty)
                }
            }
        }
    }

    @Test func dryRunSaysWhoWouldBeStoppedAndStopsNobody() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("data", to: "file", in: volume)
                try host.configure { configuration in
                    configuration.include = [volume.name]
                    configuration.volumes = ["quiesce: { \(volume.name): stop }"]
                }
                let plan: (inout ContainerPlan) -> Void = { plan in
                    plan.volumes = [volume.name: "/data"]
                    plan.labels["holdfast.before"] = "sync"
                }
                try await withContainer(host.engine, plan) { container in
                    let outcome = try await host.holdfast("backup", "--dry-run", "--json")
                    #expect(outcome.status == 0, "\(outcome)")
                    let item = try outcome.json()["items"][0]
                    #expect(item["quiesce"][0].string == "stop \(container.name)")
                    #expect(item["hooks"][0].string == "\(container.name): sync")
                    #expect(item["path"].string == volume.mountpoint)
                    #expect(try await host.look(container).startedAt == container.startedAt)
                    #expect(try host.demo.points().isEmpty)
                }
            }
        }
    }
}
