import Docker
import Glibc
import Machine
import TestKit
import Testing

/// What a container that was stopped for its volume is after something failed meanwhile, on a real engine.
@Suite(
    .enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)),
    .enabled(if: MountedFolder.isPossible, Comment(rawValue: MountedFolder.whyNot)))
struct ContainerTests {
    @Test func whatWasStoppedRunsAgain() async throws {
        try await withEngine { engine in
            try await withVolume(engine) { volume in
                let plan: (inout ContainerPlan) -> Void = {
                    $0.volumes = [volume.name: "/data"]
                    $0.labels = ["holdfast.quiesce": "stop"]
                }
                try await withContainer(engine, plan) { container in
                    for round in Torture.rounds(of: "stopped containers", short: 4) {
                        try await oneRound(round, engine, volume, container)
                    }
                }
            }
        }
    }

    private func oneRound(_ round: Torture.Round, _ engine: Engine, _ volume: Volume, _ container: Container)
        async throws
    {
        var round = round
        let isRestore = Bool.random(using: &round.random)
        let kind: Fault.Kind =
            [.any, .any, .create, .write, .sync, .unlink].randomElement(using: &round.random) ?? .any
        let below = ["state", "state", "backups", ""].randomElement(using: &round.random) ?? ""
        let number = Int.random(in: 1...(kind == .any ? 90 : 20), using: &round.random)
        let error = kind.errors.randomElement(using: &round.random) ?? EIO
        let fault = Fault(kind, number, error, Bool.random(using: &round.random) ? .once : .stay, below: below)
        try await withDemoHost { host in
            try host.configure {
                ($0.include, $0.volumesRoot, $0.files) = ([volume.name], nil, [])
                $0.dockerSocket = engine.socket
            }
            try host.write("\(volume.mountpoint)/file", "saved in \(round.number)\n")
            try await host.backup()
            try host.write("\(volume.mountpoint)/file", "written since in \(round.number)\n")
            let words =
                isRestore
                ? ["restore", "volume", volume.name, "--yes", "--key", host.privateKey, "--json"]
                : ["backup", "--json"]
            let faulty = try await host.failing(fault)
            let outcome = try await faulty.holdfast.run([CommandRunner.binary] + words)
            let text = "\(words[0]), \(fault), \(round): \(outcome)"
            try expectHonest(outcome, text)
            let resumed = try await host.holdfast("resume")
            #expect(resumed.status == 0, "\(resumed), \(text)")
            #expect(try await engine.container(container.id).state == .running, "\(text)")
            #expect(host.journal == "", "\(text)")
            let now = try host.read("\(volume.mountpoint)/file")
            let isOld = now == "written since in \(round.number)\n"
            #expect(isOld || (isRestore && now == "saved in \(round.number)\n"), "\(now), \(text)")
            if outcome.status == 0 { #expect(isOld != isRestore, "\(text)") }
            _ = try await host.holdfast("restore", "commit", "--yes")
            try await host.backup()
            let verified = try await host.holdfast("verify", "--all")
            #expect(verified.status == 0, "\(verified), \(text)")
        }
    }
}
