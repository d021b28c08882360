import Docker
import Glibc
import Machine
import TestKit
import Testing

/// Commands that run in containers before and after their volume is read.
@Suite(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
struct EngineHookTests {
    @Test func runInOrderAroundTheReading() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.configure { configuration in
                    configuration.include = [volume.name]
                    configuration.volumes = [
                        "quiesce: { \(volume.name): stop }",
                        "hooks: { \(volume.name): { before: [\"echo one >>/data/log\", \"echo two >>/data/log\"], after: [\"echo four >>/data/log\"] } }",
                    ]
                }
                let plan: (inout ContainerPlan) -> Void = { plan in
                    plan.volumes = [volume.name: "/data"]
                    plan.labels["holdfast.before"] = "echo three >>/data/log"
                    plan.labels["holdfast.after"] = "echo five >>/data/log"
                }
                try await withContainer(host.engine, plan) { container in
                    let outcome = try await host.holdfast("backup")
                    #expect(outcome.status == 0, "\(outcome)")
                    #expect(outcome.errors.contains("ran a hook in \(container.name)"))
                    #expect(host.read("log", in: volume) == "one\ntwo\nthree\nfour\nfive\n")
                    let restored = try await host.restore("volume", volume.name, "--to", host.folder + "/out")
                    #expect(restored.status == 0, "\(restored)")
                    #expect(try host.demo.read("out/log") == "one\ntwo\nthree\n")
                    #expect(try await host.look(container).state == .running)
                }
            }
        }
    }

    @Test func oneThatFailsFailsItsItemOnly() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { bad in
                try await withVolume(host.engine) { good in
                    for volume in [bad, good] { try host.write("data", to: "file", in: volume) }
                    try host.configure { configuration in
                        configuration.include = [bad.name, good.name]
                        configuration.volumes = ["quiesce: { \"*\": stop }"]
                    }
                    let plan: (inout ContainerPlan) -> Void = { plan in
                        plan.volumes = [bad.name: "/data"]
                        plan.labels["holdfast.before"] = "echo began >>/data/log; echo no such table >&2; exit 7"
                        plan.labels["holdfast.after"] = "echo ended >>/data/log"
                        plan.countsStarts(in: host.folder)
                    }
                    try await withContainer(host.engine, plan) { container in
                        let outcome = try await host.holdfast("backup", "--json")
                        #expect(outcome.status == 3, "\(outcome)")
                        let problem = try outcome.json()["problems"]["volume.\(bad.name)"].string ?? ""
                        #expect(problem.contains("ended with exit status 7: no such table"))
                        #expect(problem.contains("container \(container.name)"))
                        let outcomes = Set(
                            try outcome.json()["items"].all.map {
                                "\($0["item"].string ?? "") \($0["outcome"].string ?? "")"
                            })
                        #expect(outcomes == ["volume.\(bad.name) failed", "volume.\(good.name) whole"])
                        #expect(
                            host.read("log", in: bad) == "began\nended\n", "the command after has to run all the same")
                        #expect(try host.demo.read("starts") == "start\n", "nothing was to be stopped")
                        #expect(try await host.look(container).state == .running)
                    }
                }
            }
        }
    }

    @Test func afterThatFailsFailsTheItem() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("data", to: "file", in: volume)
                try host.configure { $0.include = [volume.name] }
                let plan: (inout ContainerPlan) -> Void = { plan in
                    plan.volumes = [volume.name: "/data"]
                    plan.labels["holdfast.after"] = "exit 9"
                }
                try await withContainer(host.engine, plan) { container in
                    let outcome = try await host.holdfast("backup")
                    #expect(outcome.status == 1, "\(outcome)")
                    #expect(outcome.errors.contains("ended with exit status 9"))
                    #expect(try host.demo.points().isEmpty && host.demo.leftovers().isEmpty)
                    #expect(try await host.look(container).state == .running)
                }
            }
        }
    }

    /// Maintenance mode that a hook switched on is switched off again, also when the backup is stopped.
    @Test func afterRunsWhenTheBackupIsStopped() async throws {
        try await withEngineHost { host in
            let host = try await host.stuck()
            try await withVolume(host.engine) { volume in
                try host.configure { $0.include = [volume.name] }
                let plan: (inout ContainerPlan) -> Void = { plan in
                    plan.volumes = [volume.name: "/data"]
                    plan.labels["holdfast.before"] = "echo on >/data/maintenance"
                    plan.labels["holdfast.after"] = "echo off >/data/maintenance"
                }
                try await withContainer(host.engine, plan) { _ in
                    let backup = try host.startBackup()
                    try await host.reached()
                    #expect(host.read("maintenance", in: volume) == "on\n")
                    backup.signal(SIGTERM)
                    let outcome = try await backup.wait()
                    #expect(outcome.status == 143, "\(outcome)")
                    #expect(host.read("maintenance", in: volume) == "off\n")
                }
            }
        }
    }

    @Test func theOneContainerHasToBeClear() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("data", to: "file", in: volume)
                try host.configure { configuration in
                    configuration.include = [volume.name]
                    configuration.volumes = ["hooks: { \(volume.name): { before: [\"true\"] } }"]
                }
                try await withContainer(host.engine, { $0.volumes = [volume.name: "/data"] }) { _ in
                    try await withContainer(host.engine, { $0.volumes = [volume.name: "/data"] }) { _ in
                        let outcome = try await host.holdfast("backup")
                        #expect(outcome.status == 1, "\(outcome)")
                        #expect(outcome.errors.contains("exactly one running container that uses it, there are 2"))
                        #expect(outcome.errors.contains("holdfast.before"))
                    }
                }
            }
        }
    }
}
