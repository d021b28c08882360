import Glibc
import TestKit
import Testing

/// Whole, torn, failed: an item is never shown better than it is, and never spoils its neighbours.
@Suite struct OutcomeTests {
    private func item(_ name: String, in json: JSONValue) -> JSONValue {
        json["items"].all.first { $0["item"].string == name } ?? .null
    }

    @Test func aLogThatGrowsWhileItIsReadIsWholeAndNoted() async throws {
        try await withDemoHost { host in
            try await host.shell("head -c 60M /dev/urandom > \(host.data())/app.log")
            let writer = try host.tools.start(["bash", "-c", "while :; do echo line >> \(host.data())/app.log; done"])
            while try host.status("\(host.data())/app.log").st_size == 60 << 20 {
                try await Task.sleep(for: .milliseconds(5))
            }
            let outcome = try await host.holdfast("backup", "--json")
            writer.signal(SIGKILL)
            _ = try await writer.wait()
            #expect(outcome.status == 0, "\(outcome)")
            let volume = item("volume.n8n_data", in: try outcome.json())
            #expect(volume["outcome"].string == "whole")
            #expect(volume["grew"].int == 1)
            #expect(volume["torn"].int == 0)
            let size = try host.status("\(host.data())/app.log").st_size
            #expect(try await host.restore("volume", "n8n_data", "--to", host.path("out")).status == 0)
            let saved = try host.status("out/app.log").st_size
            #expect(saved >= 60 << 20 && saved < size)
        }
    }

    /// Files of sysfs say that they have 4096 bytes and then have fewer: they shrink whenever they are read.
    @Test func whatShrinksTwiceIsTornAndSaidSo() async throws {
        try await withDemoHost(.ready) {
            $0.files.append(("shrinking", "/sys/devices/virtual/net/lo/statistics"))
        } _: { host in
            let outcome = try await host.holdfast("backup", "--json")
            #expect(outcome.status == 3, "\(outcome)")
            let result = try outcome.json()
            #expect(result["outcome"].string == "incomplete")
            let torn = item("files.shrinking", in: result)
            #expect(torn["outcome"].string == "torn")
            #expect((torn["torn"].int ?? 0) > 0)
            #expect(torn["archive"].string == "files.shrinking.tar.zst.gpg")
            #expect(item("volume.n8n_data", in: result)["outcome"].string == "whole")
            #expect(outcome.errors.contains("reading it once more"))
            #expect(result["problems"]["files.shrinking"].string?.contains("shrank or vanished") == true)
            #expect(try await host.holdfast("verify", "--deep", "--key", host.privateKey).status == 0)

            let newest = try await host.restore("files", "shrinking", "--to", host.path("out"), "--json")
            try expectFailure(newest, 4, "recovery.in-no-point", says: "--from POINT")
            let point = try #require(try host.points().last)
            let named = try await host.restore("files", "shrinking", "--to", host.path("out"), "--from", point)
            #expect(named.status == 0, "\(named)")
            #expect(named.errors.contains("torn"))
            #expect(named.output.contains("torn"))
        }
    }

    @Test func oneFailedItemDoesNotSpoilTheOthers() async throws {
        try await withDemoHost(.ready) {
            $0.files.append(("gone", "/nowhere/at/all"))
        } _: { host in
            let outcome = try await host.holdfast("backup", "--json")
            #expect(outcome.status == 3, "\(outcome)")
            let failed = item("files.gone", in: try outcome.json())
            #expect(failed["outcome"].string == "failed")
            #expect(failed["error"].string == "recovery.source-missing")
            #expect(failed["archive"] == .null)
            let point = try #require(try outcome.json()["point"].string)
            #expect(
                try host.names("backups/\(point)") == [
                    "files.compose.tar.zst.gpg", "manifest.json", "manifest.json.sig", "private.json.zst.gpg",
                    "volume.n8n_data.tar.zst.gpg", "volume.web_data.tar.zst.gpg",
                ])
            #expect(!(try host.read("backups/\(point)/manifest.json").contains("/nowhere")))

            let listed = try await host.holdfast("list")
            #expect(listed.output.contains("incomplete") && listed.output.contains("3 of 4 items whole"))
            let shown = try await host.holdfast("show", "latest")
            #expect(shown.output.contains("failed") && shown.output.contains("recovery.source-missing"))
            #expect(try await host.holdfast("verify").status == 0)
            #expect(try await host.restore("volume", "n8n_data").status == 0)
            let absent = try await host.restore("files", "gone", "--from", point, "--to", host.path("out"), "--json")
            try expectFailure(absent, 4, "recovery.not-in-point", says: "files.gone", "volume.web_data")
        }
    }

    @Test func whenEverythingFailsThereIsNoPoint() async throws {
        try await withDemoHost(.backedUp) {
            $0.files = [("gone", "/nowhere/at/all")]
            $0.include = ["none"]
        } _: { host in
            let before = try Possessions(of: host)
            let outcome = try await host.holdfast("backup", "--json")
            #expect(outcome.status == 1, "\(outcome)")
            #expect(try outcome.json()["outcome"].string == "failed")
            #expect(try outcome.json()["problems"]["files.gone"].string?.contains("/nowhere/at/all") == true)
            try await before.expectUntouched(host)
            let record = try #require(try host.names("state/runs").last { $0.hasSuffix("-backup.json") })
            #expect(try host.read("state/runs/\(record)").contains("\"failed\""))
        }
    }

    @Test func anEmptySourceIsAnErrorUnlessAllowed() async throws {
        try await withDemoHost { host in
            try await host.shell("mkdir -p volumes/cache/_data")
            let refused = try await host.holdfast("backup", "--json")
            #expect(refused.status == 3, "\(refused)")
            #expect(item("volume.cache", in: try refused.json())["error"].string == "recovery.empty-source")
            #expect(try refused.json()["problems"]["volume.cache"].string?.contains("allow_empty") == true)
            try host.configure { $0.allowEmpty = ["cache"] }
            let allowed = try await host.holdfast("backup", "--json")
            #expect(allowed.status == 0, "\(allowed)")
            try host.remove("volumes/cache/_data")
            #expect(try await host.restore("volume", "cache").status == 0)
            #expect(try host.names("volumes/cache/_data") == [])
        }
    }

    @Test func socketsAreListedAsSkipped() async throws {
        try await withDemoHost { host in
            try TreeMaker(host.data()).socket("app.sock")
            let point = try await host.backup()
            try await host.withOwner {
                let lines = try await host.shell(
                    "gpg -q --batch -d \(host.archive(of: point)) | zstd -d | tar -xO --wildcards '.holdfast/manifest-*.jsonl'"
                )
                #expect(lines.contains(#"{"note":"socket","path":"app.sock"}"#))
            }
        }
    }

    @Test func aWrongNameIsRefusedAndNothingIsCreated() async throws {
        try await withDemoHost { host in
            let before = try Possessions(of: host)
            let outcome = try await host.holdfast("backup", "volumes", "n8n_dta", "--json")
            try expectFailure(outcome, 4, "recovery.unknown-name", says: "n8n_dta", "n8n_data, web_data")
            try await before.expectUntouched(host)
        }
    }

    @Test func onlyWhatIsNamedIsBackedUp() async throws {
        try await withDemoHost { host in
            let point = try await host.backup("volumes", "web_data")
            #expect(
                try host.names("backups/\(point)").filter { $0.hasSuffix(".tar.zst.gpg") } == [
                    "volume.web_data.tar.zst.gpg"
                ])
        }
    }

    @Test func aDryRunDoesNothing() async throws {
        try await withDemoHost(.backedUp) { host in
            let places = ["backups", "state", "volumes", "compose"]
            let before = try places.map { try host.snapshot($0) }
            let planned = try await host.holdfast("backup", "--dry-run")
            #expect(planned.status == 0, "\(planned)")
            #expect(planned.output.contains("volume.n8n_data") && planned.output.contains("Nothing was done."))
            let restored = try await host.restore("volume", "n8n_data", "--dry-run")
            #expect(restored.status == 0 && restored.output.contains("Nothing was done."), "\(restored)")
            for (place, former) in zip(places, before) {
                try expectSame(former, host.snapshot(place), "\(place)")
            }
        }
    }

    @Test func withoutAnEngineItSaysThatNothingIsStopped() async throws {
        try await withDemoHost { host in
            let outcome = try await host.holdfast("backup")
            #expect(outcome.errors.contains("There is no engine"))
        }
    }
}
