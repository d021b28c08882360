import Docker
import Machine
import TestKit
import Testing

/// Volumes as a real engine has them: plain, with options, with labels, not there.
@Suite(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
struct EngineVolumeTests {
    /// HAZARDS: a wrong volume name makes Docker create an empty one, which is then backed up.
    @Test func wrongNameCreatesNothing() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("data", to: "file", in: volume)
                let wrong = uniqueName("wrong")
                try host.configure { $0.include = [volume.name] }
                for arguments in [
                    ["backup", "volumes", wrong], ["backup", wrong, "--dry-run"],
                    ["backup", "volumes", volume.name, wrong],
                ] {
                    let outcome = try await host.holdfast.run([CommandRunner.binary] + arguments)
                    #expect(outcome.status == 4, "\(outcome)")
                    #expect(outcome.errors.contains(wrong) && outcome.errors.contains(volume.name))
                }
                let restored = try await host.restore("volume", wrong)
                #expect(restored.status == 4, "\(restored)")
                #expect(try await host.engine.volume(wrong) == nil)
                #expect(try host.demo.points().isEmpty)
            }
        }
    }

    /// One that the configuration names is missed, whatever else is saved; a pattern may match nothing.
    @Test func nameThatNoVolumeHasIsAFailure() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("data", to: "file", in: volume)
                let wrong = uniqueName("wrong")
                try host.configure { $0.include = [volume.name, wrong, wrong + "-*"] }
                let outcome = try await host.holdfast("backup", "--json")
                #expect(outcome.status == 3, "\(outcome)")
                let problems = try outcome.json()["problems"]
                #expect(problems.keys == ["volume.\(wrong)"])
                #expect(problems["volume.\(wrong)"].string?.contains("Nothing was created") == true)
                #expect(try await host.engine.volume(wrong) == nil)
            }
        }
    }

    @Test func emptyVolumeIsAnErrorUnlessItMayBe() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.configure { $0.include = [volume.name] }
                let refused = try await host.holdfast("backup")
                #expect(refused.status == 1, "\(refused)")
                #expect(refused.errors.contains("backup.volumes.allow_empty: [\(volume.name)]"))
                try host.configure { configuration in
                    configuration.include = [volume.name]
                    configuration.volumes = ["allow_empty: [\(volume.name)]"]
                }
                try await host.backup()
            }
        }
    }

    @Test(arguments: ["tmpfs", "bind"]) func volumeWithOptionsIsReadWhileItIsMounted(_ kind: String) async throws {
        try await withEngineHost { host in
            try makeFolders(host.folder + "/device")
            let options =
                kind == "tmpfs"
                ? ["type": "tmpfs", "device": "tmpfs", "o": "size=1m"]
                : ["type": "none", "device": host.folder + "/device", "o": "bind"]
            try await withVolume(host.engine, options: options) { volume in
                try await withVolume(host.engine) { plain in
                    try host.write("data", to: "file", in: plain)
                    try host.configure { $0.include = [volume.name, plain.name] }
                    let unmounted = try await host.holdfast("backup", "--json")
                    #expect(unmounted.status == 3, "\(unmounted)")
                    let problem = try unmounted.json()["problems"]["volume.\(volume.name)"].string ?? ""
                    #expect(problem.contains("has mount options (local) and is not mounted now"))
                    #expect(problem.contains("Start a container that uses it"))
                    let check = try await host.holdfast("check", "--json")
                    let finding = try check.json()["findings"].all.first {
                        $0["subject"].string == "volume \(volume.name)"
                    }
                    #expect(finding?["level"].string == "warn")

                    try await withContainer(host.engine, { $0.volumes = [volume.name: "/data"] }) { container in
                        try await host.run(in: container, "echo mounted >/data/file")
                        try await host.backup()
                        let outcome = try await host.restore("volume", volume.name, "--to", host.folder + "/out")
                        #expect(outcome.status == 0, "\(outcome)")
                        #expect(try host.demo.read("out/file") == "mounted\n")
                        let inPlace = try await host.restore("volume", volume.name)
                        #expect(inPlace.status == 4, "\(inPlace)")
                        #expect(inPlace.errors.contains("has mount options") && inPlace.errors.contains("--to DIR"))
                        #expect(try await host.run(in: container, "cat /data/file") == "mounted\n")
                    }
                }
            }
        }
    }

    @Test func privateFactsKnowHowTheEngineKnewIt() async throws {
        try await withEngineHost { host in
            let labels = ["com.docker.compose.project": "shop", "com.docker.compose.volume": "data", "ü": "ö \" \\"]
            let options = ["type": "tmpfs", "device": "tmpfs", "o": "size=1m,uid=1000"]
            try await withVolume(host.engine, labels: labels) { plain in
                try await withVolume(host.engine, options: options) { special in
                    try host.write("data", to: "file", in: plain)
                    try host.configure { $0.include = [plain.name, special.name] }
                    let plan: (inout ContainerPlan) -> Void = { plan in
                        plan.volumes = [plain.name: "/data", special.name: "/special"]
                        plan.labels = ["com.docker.compose.project": "shop", "com.docker.compose.service": "db"]
                        plan.environment = ["POSTGRES_PASSWORD=hunter2"]
                    }
                    try await withContainer(host.engine, plan) { container in
                        try await host.run(in: container, "echo x >/special/file")
                        let point = try await host.backup()
                        let decrypted = try await host.demo.withOwner {
                            let command = "gpg -q --batch -d backups/\(point)/private.json.zst.gpg | zstd -qdc"
                            return try await host.demo.tools.run(["bash", "-c", command])
                        }
                        let facts = try decrypted.json()
                        #expect(facts["format"].string == "holdfast-private/1")
                        #expect(facts["point"].string == point)
                        let one = facts["volumes"][plain.name]
                        #expect(one["driver"].string == "local")
                        #expect(one["labels"].keys == labels.keys.sorted())
                        #expect(one["labels"]["ü"].string == "ö \" \\")
                        #expect(facts["volumes"][special.name]["options"]["o"].string == "size=1m,uid=1000")
                        #expect(facts["images"].keys == [RealEngine.image])
                        let user = facts["containers"][0]
                        #expect(user["name"].string == container.name && user["service"].string == "db")
                        #expect(Set(user["volumes"].all.compactMap(\.string)) == [plain.name, special.name])
                        #expect(!decrypted.output.contains("hunter2"), "environments are nobody's business")
                        // Nothing of it is to be seen from outside.
                        #expect(try !host.demo.read("backups/\(point)/manifest.json").contains("shop"))
                    }
                }
            }
        }
    }

    @Test func listAndShow() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { good in
                try await withVolume(host.engine) { empty in
                    try host.write("data", to: "file", in: good)
                    try host.configure { $0.include = [good.name, empty.name] }
                    let backup = try await host.holdfast("backup")
                    #expect(backup.status == 3, "\(backup)")
                    let point = try #require(try host.demo.points().last)
                    let list = try await host.holdfast("list", "--json")
                    #expect(list.status == 0)
                    let line = try list.json()[0]
                    #expect(line["point"].string == point && line["outcome"].string == "incomplete")
                    #expect(line["items"]["volume.\(good.name)"].string == "whole")
                    #expect(line["items"]["volume.\(empty.name)"].string == "failed")
                    #expect(try await host.holdfast("list").output.contains("1 of 2 items whole"))
                    let show = try await host.holdfast("show", "latest", "--json")
                    let items = try show.json()["items"].all
                    let records = Dictionary(items.map { ($0["item"].string ?? "", $0) }) { one, _ in one }
                    #expect(records["volume.\(good.name)"]?["entries"].int == 2)
                    #expect(records["volume.\(empty.name)"]?["error"].string == "recovery.empty-source")
                    let text = try await host.holdfast("show", point).output
                    #expect(text.contains("incomplete") && text.contains("recovery.empty-source"))
                }
            }
        }
    }

    @Test func everyKindOfEntryComesBack() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try Trees.everyKind(in: volume.mountpoint)
                let before = try TreeSnapshot(of: volume.mountpoint)
                try host.configure { $0.include = [volume.name] }
                try await host.backup()
                try await host.demo.shell(
                    "find \(volume.mountpoint) -mindepth 1 -delete; echo other >\(volume.mountpoint)/other")
                let outcome = try await host.restore("volume", volume.name)
                #expect(outcome.status == 0, "\(outcome)")
                let after = try TreeSnapshot(of: volume.mountpoint)
                #expect(before.differences(from: after) == [])
                let commit = try await host.holdfast("restore", "commit", "--yes")
                #expect(commit.status == 0, "\(commit)")
                #expect(try host.staging(of: volume).isEmpty)
            }
        }
    }
}
