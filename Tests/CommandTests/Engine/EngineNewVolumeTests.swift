import Docker
import Glibc
import Machine
import TestKit
import Testing

/// HAZARDS: compose labels and driver options lost; compose adopts nothing.
@Suite(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
struct EngineNewVolumeTests {
    @Test func volumeThatIsGoneIsMadeAgainAsItWas() async throws {
        try await withEngineHost { host in
            let labels = ["com.docker.compose.project": "shop", "owner": "ü \" \\"]
            try await withVolume(host.engine, labels: labels) { volume in
                try Trees.random(in: volume.mountpoint, seed: 7, entries: 60)
                let before = try TreeSnapshot(of: volume.mountpoint)
                try host.configure { $0.include = [volume.name] }
                try await host.backup()
                try await host.engine.removeVolume(volume.name)

                let dry = try await host.restore("volume", volume.name, "--dry-run")
                #expect(dry.status == 0 && dry.output.contains("the volume \(volume.name), made anew"))
                #expect(try await host.engine.volume(volume.name) == nil)

                let outcome = try await host.restore("volume", volume.name)
                #expect(outcome.status == 0, "\(outcome)")
                let made = try #require(try await host.engine.volume(volume.name))
                #expect(made.labels == labels && made.driver == "local" && made.options.isEmpty)
                #expect(before.differences(from: try TreeSnapshot(of: made.mountpoint)) == [])

                let undo = try await host.holdfast("restore", "undo", "--yes")
                #expect(undo.status == 0, "\(undo)")
                #expect(try await host.engine.volume(volume.name) == nil, "there was none before")
            }
        }
    }

    @Test func restoreThatFailsMakesNoVolume() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("data", to: "file", in: volume)
                try host.configure { $0.include = [volume.name] }
                let point = try await host.backup()
                try await host.engine.removeVolume(volume.name)
                try host.demo.write("wrong.asc", host.demo.keys.other.secret)
                let wrongKey = try await host.holdfast(
                    "restore", "volume", volume.name, "--yes", "--key", host.folder + "/wrong.asc")
                #expect(wrongKey.status != 0, "\(wrongKey)")
                #expect(try await host.engine.volume(volume.name) == nil)
                var bytes = try host.demo.bytes(host.demo.archive("volume.\(volume.name)", of: point))
                bytes[bytes.count / 2] ^= 1
                try host.demo.write(host.demo.archive("volume.\(volume.name)", of: point), bytes)
                let flipped = try await host.restore("volume", volume.name)
                #expect(flipped.status == 1, "\(flipped)")
                #expect(try await host.engine.volume(volume.name) == nil)
            }
        }
    }

    @Test func restoreThatIsStoppedMakesNoVolume() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("data", to: "file", in: volume)
                try host.configure { $0.include = [volume.name] }
                try await host.backup()
                try await host.engine.removeVolume(volume.name)
                // The private facts are read before the volume is made, and are not to wait.
                let host = try await host.shimmed(
                    """
                    echo x >>$barrier/calls
                    if [ $(wc -l <$barrier/calls) = 2 ]; then : >$barrier/reached; while kill -0 $PPID 2>/dev/null; do sleep 0.02; done; fi
                    """, when: "--decrypt")
                let restore = try host.holdfast.start([
                    CommandRunner.binary, "restore", "volume", volume.name, "--yes", "--key", host.demo.privateKey,
                ])
                try await host.reached()
                #expect(try await host.engine.volume(volume.name) != nil)
                restore.signal(SIGTERM)
                let outcome = try await restore.wait()
                #expect(outcome.status == 143, "\(outcome)")
                #expect(try await host.engine.volume(volume.name) == nil)
                #expect(host.demo.journal.isEmpty)
            }
        }
    }

    @Test func severalAtOnceAllOrNone() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { one in
                try await withVolume(host.engine) { two in
                    for volume in [one, two] { try host.write("data", to: "file", in: volume) }
                    try host.configure { $0.include = [one.name, two.name] }
                    let point = try await host.backup()
                    for volume in [one, two] { try await host.engine.removeVolume(volume.name) }
                    let archive = host.demo.archive("volume.\(two.name)", of: point)
                    let bytes = try host.demo.bytes(archive)
                    try host.demo.write(archive, Array(bytes.dropLast(20)))
                    let cut = try await host.restore("volume", one.name, two.name)
                    #expect(cut.status == 1, "\(cut)")
                    for volume in [one, two] { #expect(try await host.engine.volume(volume.name) == nil) }
                    #expect(host.demo.journal.isEmpty)
                    try host.demo.write(archive, bytes)
                    let whole = try await host.restore("volume", one.name, two.name)
                    #expect(whole.status == 0, "\(whole)")
                    for volume in [one, two] { #expect(host.read("file", in: volume) == "data") }
                }
            }
        }
    }

    @Test func composeAdoptsIt() async throws {
        try await withEngineHost { host in
            guard try await host.docker("compose", "version").status == 0 else {
                if getenv("CI").map({ String(cString: $0) }) == "true" {
                    Issue.record("there is no compose plugin (Tests/Real/engine.sh install)")
                }
                return
            }
            let project = uniqueName("project")
            let volume = "\(project)_data"
            try host.demo.write(
                "shop/compose.yml",
                """
                services:
                  web:
                    image: \(RealEngine.image)
                    network_mode: none
                    init: true
                    command: ["sleep", "1000"]
                    volumes: ["data:/data"]
                volumes:
                  data:
                    labels: { owner: "shop" }

                """)
            func compose(_ arguments: String...) async throws -> CommandRunner.Outcome {
                let all =
                    ["compose", "--file", host.folder + "/shop/compose.yml", "--project-name", project] + arguments
                return try await host.docker(all)
            }
            do {
                let up = try await compose("up", "--detach", "--pull", "never")
                #expect(up.status == 0, "\(up)")
                let made = try #require(try await host.engine.volume(volume))
                try host.write("data", to: "file", in: made)
                try host.configure { $0.include = [volume] }
                try await host.backup()
                let down = try await compose("down", "--volumes", "--timeout", "1")
                #expect(down.status == 0, "\(down)")
                #expect(try await host.engine.volume(volume) == nil)

                let restored = try await host.restore("volume", volume)
                #expect(restored.status == 0, "\(restored)")
                #expect(try await host.engine.volume(volume)?.labels == made.labels)
                let again = try await compose("up", "--detach", "--pull", "never")
                #expect(again.status == 0, "\(again)")
                #expect(
                    !again.errors.contains("already exists") && !again.errors.lowercased().contains("warn"), "\(again)")
                let read = try await compose("exec", "-T", "web", "cat", "/data/file")
                #expect(read.output == "data", "\(read)")
            } catch {
                _ = try await compose("down", "--volumes", "--timeout", "1")
                throw error
            }
            _ = try await compose("down", "--volumes", "--timeout", "1")
        }
    }

    /// What has mount options lies elsewhere: it is made as it was, and the data is for a person to put there.
    @Test func volumeWithOptions() async throws {
        try await withEngineHost { host in
            let options = ["type": "none", "device": host.folder + "/device", "o": "bind"]
            try makeFolders(host.folder + "/device")
            try await withVolume(host.engine, labels: ["a": "b"], options: options) { volume in
                try host.configure { $0.include = [volume.name] }
                try await withContainer(host.engine, { $0.volumes = [volume.name: "/data"] }) { container in
                    try await host.run(in: container, "echo data >/data/file")
                    try await host.backup()
                }
                try await host.engine.removeVolume(volume.name)
                let outcome = try await host.restore("volume", volume.name)
                #expect(outcome.status == 1, "\(outcome)")
                #expect(
                    outcome.errors.contains("made anew with its mount options") && outcome.errors.contains("--to DIR"))
                let made = try #require(try await host.engine.volume(volume.name))
                #expect(made.options.mapValues(\.exposed) == options && made.labels == ["a": "b"])
                #expect(try host.demo.read("device/file") == "data\n")
                #expect(host.demo.journal.isEmpty)
            }
        }
    }
}
