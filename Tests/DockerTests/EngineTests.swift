import Docker
import Foundation
import Machine
import TestKit
import Testing

/// A real engine, real containers.
@Suite(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
struct EngineTests {
    @Test func introducesItself() async throws {
        try await withEngine { engine in
            #expect(engine.version.api >= .oldest && engine.version.api <= .newest)
            #expect(engine.version.os == "linux")
            #expect(!engine.version.version.isEmpty)
            let info = try await engine.info()
            #expect(FileManager.default.fileExists(atPath: info.volumesRoot))
            #expect(!info.isRootless)
        }
    }

    @Test func volumeKeepsLabelsAndOptions() async throws {
        try await withEngine { engine in
            let labels = ["com.docker.compose.project": "shop", "com.docker.compose.volume": "data", "ü": "ö \" \\"]
            let options = ["type": "tmpfs", "device": "tmpfs", "o": "size=1m,uid=1000"]
            try await withVolume(engine, labels: labels, options: options) { made in
                let volume = try #require(try await engine.volume(made.name))
                #expect(volume.labels == labels)
                #expect(volume.options.mapValues(\.exposed) == options)
                #expect(volume.driver == "local")
                #expect(volume.scope == "local")
                #expect(volume.composeProject == "shop")
                #expect(volume.composeName == "data")
                #expect(!volume.isPlain)
                let age = try #require(volume.created.map { SystemClock().now().since($0) })
                #expect(age > -5 && age < 60)
            }
            try await withVolume(engine) { made in
                let all = try await engine.volumes()
                let volume = try #require(all.first { $0.name == made.name })
                #expect(volume.isPlain && !volume.isAnonymous)
                #expect(volume.mountpoint == "\(try await engine.info().volumesRoot)/\(volume.name)/_data")
                #expect(all.map(\.name) == all.map(\.name).sorted())
            }
        }
    }

    /// HAZARDS: a wrong volume name makes Docker create an empty one, which is then backed up.
    @Test func wrongVolumeNameIsNeverCreated() async throws {
        try await withEngine { engine in
            let name = uniqueName("wrong")
            let volume = try await engine.volume(name)
            #expect(volume == nil)
            let error = await #expect(throws: DockerError.self) { try await engine.users(ofVolume: name) }
            #expect(error?.code == "docker.no-such-volume")
            #expect(error?.place == "volume \(name)")
            let wasThere = try await engine.removeVolume(name)
            #expect(!wasThere)
            let all = try await engine.volumes()
            #expect(!all.contains { $0.name == name })
        }
    }

    @Test func volumeThatIsThereIsNotMadeAgain() async throws {
        try await withEngine { engine in
            try await withVolume(engine, labels: ["a": "b"]) { volume in
                let error = await #expect(throws: DockerError.self) {
                    try await engine.createVolume(volume.name, labels: ["a": "c"])
                }
                #expect(error?.code == "docker.conflict")
                let kept = try await engine.volume(volume.name)
                #expect(kept?.labels == ["a": "b"])
            }
        }
    }

    @Test func removesVolumeThatNobodyUses() async throws {
        try await withEngine { engine in
            try await withVolume(engine) { volume in
                try await withContainer(engine, { $0.volumes = [volume.name: "/data"] }) { _ in
                    let error = await #expect(throws: DockerError.self) { try await engine.removeVolume(volume.name) }
                    #expect(error?.code == "docker.conflict")
                }
                #expect(try await engine.removeVolume(volume.name))
                #expect(try await engine.volume(volume.name) == nil)
            }
        }
    }

    @Test func containerTellsItsFacts() async throws {
        try await withEngine { engine in
            try await withVolume(engine) { volume in
                try await withContainer(
                    engine,
                    { plan in
                        plan.volumes = [volume.name: "/data"]
                        plan.binds = ["/etc:/host:ro"]
                        plan.environment = ["POSTGRES_PASSWORD=hun=ter2", "EMPTY="]
                        plan.restart = "unless-stopped"
                        plan.stopTimeout = 7
                        plan.labels = [
                            "com.docker.compose.project": "shop", "com.docker.compose.service": "db",
                            "com.docker.compose.project.working_dir": "/srv/shop",
                            "com.docker.compose.project.config_files": "/srv/shop/a.yml,/srv/shop/b.yml",
                        ]
                    }
                ) { container in
                    #expect(container.state == .running)
                    #expect(container.health == nil)
                    #expect(container.image == RealEngine.image)
                    #expect(container.imageID.hasPrefix("sha256:"))
                    #expect(container.composeProject == "shop")
                    #expect(container.composeService == "db")
                    #expect(container.composeWorkingDirectory == "/srv/shop")
                    #expect(container.composeFiles == ["/srv/shop/a.yml", "/srv/shop/b.yml"])
                    #expect(container.environment["POSTGRES_PASSWORD"]?.exposed == "hun=ter2")
                    #expect(container.environment["EMPTY"]?.exposed == "")
                    #expect(!"\(container)".contains("hun=ter2"))
                    #expect(container.restartPolicy.kind == .unlessStopped)
                    #expect(container.stopTimeout == .seconds(7))
                    #expect(container.restartCount == 0)
                    #expect(!container.isAutoRemoved && !container.wasOutOfMemory)
                    let age = try #require(container.startedAt.map { SystemClock().now().since($0) })
                    #expect(age > -5 && age < 60)
                    let mounts = container.mounts.sorted { $0.destination < $1.destination }
                    #expect(
                        mounts == [
                            .init(.volume, name: volume.name, source: volume.mountpoint, destination: "/data"),
                            .init(.bind, source: "/etc", destination: "/host", isReadOnly: true),
                        ])
                    let listed = try await engine.containers().first { $0.id == container.id }
                    #expect(listed?.name == container.name)
                    #expect(try await engine.container(container.name).id == container.id)
                }
            }
        }
    }

    @Test func usersOfVolume() async throws {
        try await withEngine { engine in
            try await withVolume(engine) { volume in
                let root = try await engine.info().volumesRoot
                try await withContainer(engine, name: "\(volume.name)-1", { $0.volumes = [volume.name: "/data"] }) {
                    _ in
                    try await withContainer(
                        engine, name: "\(volume.name)-2",
                        {
                            $0.binds = ["\(volume.mountpoint):/x:ro"]
                            $0.isStarted = false
                        }
                    ) { _ in
                        // Neither one that sees all volumes, nor one with a path that is called as the volume is.
                        try await withContainer(engine, { $0.binds = ["\(root):/all:ro", "/etc:/\(volume.name)"] }) {
                            other in
                            let users = try await engine.users(ofVolume: volume.name)
                            #expect(users.map(\.name) == ["\(volume.name)-1", "\(volume.name)-2"])
                            #expect(users.allSatisfy { $0.uses(volume) })
                            #expect(!other.uses(volume))
                        }
                    }
                }
            }
        }
    }

    @Test func stopsAndStarts() async throws {
        try await withEngine { engine in
            try await withContainer(engine) { container in
                #expect(try await engine.start(container.id) == false)
                #expect(try await engine.stop(container.id, timeout: .seconds(20)))
                let stopped = try await engine.container(container.id)
                #expect(stopped.state == .exited)
                #expect(stopped.exitCode == 0)
                #expect(try await engine.stop(container.id) == false)
                #expect(try await engine.start(container.id))
                let started = try await engine.container(container.id)
                #expect(started.state == .running)
                #expect(started.startedAt.map { $0 > container.startedAt ?? $0 } == true)
            }
        }
    }

    @Test func killsWhatDoesNotStop() async throws {
        try await withEngine { engine in
            try await withContainer(
                engine,
                {
                    $0.command = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
                    $0.stopTimeout = 1
                }
            ) { container in
                let start = monotonicSeconds()
                let ran = try await engine.stop(container.id)
                #expect(ran)
                #expect(monotonicSeconds() - start < 9, "its own stop timeout counts")
                let killed = try await engine.container(container.id)
                #expect(killed.exitCode == 137)
            }
        }
    }

    @Test func pausesAndUnpauses() async throws {
        try await withEngine { engine in
            try await withContainer(engine) { container in
                #expect(try await engine.unpause(container.id) == false)
                #expect(try await engine.pause(container.id))
                let paused = try await engine.container(container.id)
                #expect(paused.state == .paused)
                #expect(!paused.state.isActive)
                #expect(try await engine.pause(container.id) == false)
                let error = await #expect(throws: DockerError.self) { try await engine.exec(container.id, ["true"]) }
                #expect(error?.code == "docker.not-running")
                #expect(error?.what.contains("it is paused") == true)
                #expect(try await engine.unpause(container.id))
                #expect(try await engine.container(container.id).state == .running)
                try await engine.stop(container.id)
                for work in [{ try await engine.pause(container.id) }, { try await engine.unpause(container.id) }] {
                    await #expect(throws: DockerError.self) { try await work() }
                }
            }
        }
    }

    @Test func stopsWhatIsPaused() async throws {
        try await withEngine { engine in
            try await withContainer(engine) { container in
                try await engine.pause(container.id)
                let start = monotonicSeconds()
                let ran = try await engine.stop(container.id, timeout: .seconds(2))
                #expect(ran)
                #expect(monotonicSeconds() - start < 20)
                let stopped = try await engine.container(container.id)
                #expect(stopped.state == .exited)
            }
        }
    }

    /// A container with `--rm` would be gone after a stop, with its anonymous volumes.
    @Test func autoRemovedContainerIsSeen() async throws {
        try await withEngine { engine in
            try await withContainer(engine, { $0.isAutoRemoved = true }) { container in
                #expect(container.isAutoRemoved)
                try await engine.stop(container.id, timeout: .seconds(20))
                var error: DockerError?
                for _ in 0..<50 where error == nil {
                    do { _ = try await engine.container(container.id) } catch let gone as DockerError { error = gone }
                    try await Task.sleep(for: .milliseconds(100))
                }
                #expect(error?.code == "docker.no-such-container")
            }
        }
    }

    @Test func containerThatIsNotThere() async throws {
        try await withEngine { engine in
            let name = uniqueName("nobody")
            for work in [
                { _ = try await engine.container(name) }, { try await engine.stop(name) },
                { try await engine.start(name) },
                { try await engine.pause(name) }, { try await engine.unpause(name) },
                { _ = try await engine.exec(name, ["true"]) },
                { try await engine.wait(untilHealthy: name, atMost: .seconds(1)) },
            ] as [() async throws -> Void] {
                let error = await #expect(throws: DockerError.self) { try await work() }
                #expect(error?.code == "docker.no-such-container")
                #expect(error?.place == "container \(name)")
            }
        }
    }

    @Test func images() async throws {
        try await withEngine { engine in
            let image = RealEngine.image
            let found = try await engine.images([
                image, "sha256:" + String(repeating: "0", count: 64), "nobody/has:this", "",
            ])
            #expect(Array(found.keys) == [image])
            #expect(found[image]?.id.hasPrefix("sha256:") == true)
            #expect(found[image]?.tags.contains(image) == true)
        }
    }
}
