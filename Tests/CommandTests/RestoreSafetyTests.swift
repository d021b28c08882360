import Glibc
import TestKit
import Testing

/// A restore overwrites nothing: it swaps, keeps what was there, and goes back.
@Suite struct RestoreSafetyTests {
    @Test func undoPutsTheFormerDataBack() async throws {
        try await withDemoHost(.backedUp) { host in
            let former = try host.snapshot(host.data())
            #expect(try await host.restore("volume", "n8n_data").status == 0)
            #expect(!host.has("\(host.data())/unsaved"))
            let undone = try await host.holdfast("restore", "undo", "--yes", "--json")
            #expect(undone.status == 0, "\(undone)")
            #expect(try undone.json()["items"][0].string == "volume.n8n_data")
            try expectSame(former, host.snapshot(host.data()))
            #expect(try host.leftovers() == [])
        }
    }

    @Test func undoSaysFirstWhatIsLost() async throws {
        try await withDemoHost(.backedUp) { host in
            #expect(try await host.restore("volume", "n8n_data").status == 0)
            try host.write("\(host.data())/written-since", "x")
            let asked = try await host.holdfast("restore", "undo", "--json")
            try expectFailure(asked, 4, "recovery.no-consent", says: "--yes")
            #expect(asked.errors.contains("lost") && asked.errors.contains(" s since the restore"))
            #expect(host.has("\(host.data())/written-since"))
        }
    }

    @Test func commitDropsTheFormerData() async throws {
        try await withDemoHost(.backedUp) { host in
            #expect(try await host.restore("volume", "n8n_data").status == 0)
            #expect(try host.leftovers().count > 0)
            #expect(try await host.holdfast("restore", "commit", "--yes").status == 0)
            #expect(try host.leftovers() == [])
            try expectFailure(
                try await host.holdfast("restore", "undo", "--yes", "--json"), 4, "recovery.nothing-to-undo")
            #expect(try host.read("\(host.data())/config.json").contains("second"))
        }
    }

    @Test func thereIsNothingToUndoOrToCommit() async throws {
        try await withDemoHost(.backedUp) { host in
            let before = try Possessions(of: host)
            #expect(try await host.holdfast("restore", "undo", "--yes").status == 4)
            #expect(try await host.holdfast("restore", "commit", "--yes").status == 4)
            try await before.expectUntouched(host)
        }
    }

    @Test func theFormerDataIsKeptUntilThen() async throws {
        try await withDemoHost(.backedUp) { host in
            #expect(try await host.restore("volume", "n8n_data").status == 0)
            let again = try await host.restore("volume", "n8n_data", "--json")
            try expectFailure(again, 4, "recovery.pending", says: "restore commit", "restore undo")
            #expect(try await host.restore("volume", "web_data").status == 0)
            #expect(try await host.holdfast("restore", "commit", "--yes").status == 0)
            #expect(try await host.restore("volume", "n8n_data").status == 0)
        }
    }

    @Test func aVolumeThatIsGoneComesBackAndUndoTakesItAway() async throws {
        try await withDemoHost(.backedUp) { host in
            try host.remove("volumes/web_data")
            #expect(try await host.restore("volume", "web_data").status == 0)
            #expect(try host.read("volumes/web_data/_data/index.html").contains("first"))
            #expect(try await host.holdfast("restore", "undo", "--yes").status == 0)
            #expect(!host.has("volumes/web_data/_data"))
        }
    }

    @Test func withoutATerminalItWantsYes() async throws {
        try await withDemoHost(.backedUp) { host in
            let before = try Possessions(of: host)
            let outcome = try await host.holdfast("restore", "volume", "n8n_data", "--key", host.privateKey, "--json")
            try expectFailure(outcome, 4, "recovery.no-consent", says: "--yes")
            try await before.expectUntouched(host)
        }
    }

    @Test func aFolderThatIsNotEmptyIsRefused() async throws {
        try await withDemoHost(.backedUp) { host in
            try host.write("out/mine", "precious")
            let outcome = try await host.restore("volume", "n8n_data", "--to", host.path("out"), "--json")
            try expectFailure(outcome, 4, "recovery.not-empty", says: host.path("out"))
            #expect(try host.find("out") == ["out/mine"])
        }
    }

    @Test(arguments: ["file", "link"])
    func aTargetThatIsNoFolderIsRefused(kind: String) async throws {
        try await withDemoHost(.backedUp) { host in
            try await host.shell("mkdir elsewhere; \(kind == "file" ? "echo precious > out" : "ln -s elsewhere out")")
            let outcome = try await host.restore("volume", "n8n_data", "--to", host.path("out"), "--json")
            try expectFailure(outcome, 4, "recovery.not-empty")
            #expect(try host.names("elsewhere") == [])
        }
    }

    @Test func aLinkToTheFolderStaysAndWhatItLeadsToIsExchanged() async throws {
        try await withDemoHost(.backedUp) { host in
            try await host.shell("mv compose real; ln -s real compose")
            try await host.backup("files")
            let before = try host.snapshot("real")
            try await host.shell("rm -rf real/*")
            let outcome = try await host.restore("files", "compose", "--yes", "--json")
            #expect(outcome.status == 0)
            try await host.shell("test -L compose")
            try expectSame(before, host.snapshot("real"))
        }
    }

    @Test func anEmptyFolderWillDo() async throws {
        try await withDemoHost(.backedUp) { host in
            try await host.shell("mkdir out")
            #expect(try await host.restore("volume", "web_data", "--to", "out/").status == 0)
            #expect(try host.read("out/index.html").contains("first"))
        }
    }

    @Test func pathNeedsAPlaceToGo() async throws {
        try await withDemoHost(.backedUp) { host in
            let before = try Possessions(of: host)
            let outcome = try await host.restore("volume", "n8n_data", "--path", "config.json", "--json")
            try expectFailure(outcome, 4, "recovery.path-needs-to", says: "--to DIR")
            try await before.expectUntouched(host)
        }
    }

    @Test func aPathThatIsNotInTheArchive() async throws {
        try await withDemoHost(.backedUp) { host in
            let outcome = try await host.restore(
                "volume", "n8n_data", "--path", "config.json", "--path", "confg.json", "--to", host.path("out"),
                "--json")
            try expectFailure(outcome, 1, "recovery.path-missing", says: "confg.json")
            #expect(!host.has("out"))
            #expect(try host.leftovers() == [])
        }
    }

    @Test func absoluteLinksInsideDataStayText() async throws {
        try await withDemoHost { host in
            try TreeMaker(host.data()).symlink("absolute", to: "/etc/shadow")
            try TreeMaker(host.data()).symlink("up", to: "../../../../etc")
            try await host.backup()
            let source = try host.snapshot(host.data())
            try host.remove("volumes/n8n_data/_data")
            #expect(try await host.restore("volume", "n8n_data").status == 0)
            try expectSame(source, host.snapshot(host.data()))
        }
    }

    // MARK: - What is not there

    @Test func aPointThatIsNotThere() async throws {
        try await withDemoHost(.backedUp) { host in
            let known = try #require(try host.points().last)
            let before = try Possessions(of: host)
            for command in [["show"], ["verify"], ["restore", "volume", "n8n_data", "--yes", "--from"]] {
                let outcome = try await host.holdfast.run(
                    [CommandRunner.binary] + command + ["2020-01-01T000000Z", "--json"])
                try expectFailure(outcome, 4, "point.missing", says: "2020-01-01T000000Z", known)
            }
            try await before.expectUntouched(host)
        }
    }

    @Test(arguments: ["../../etc", "/etc", ".", "latest/../x"])
    func aPointsNameLeadsNowhereElse(name: String) async throws {
        try await withDemoHost(.backedUp) { host in
            let outcome = try await host.holdfast("show", name, "--json")
            try expectFailure(outcome, 4, "point.missing")
        }
    }

    @Test func anItemThatIsInNoPoint() async throws {
        try await withDemoHost(.backedUp) { host in
            let outcome = try await host.restore("volume", "n8n_dta", "--json")
            try expectFailure(outcome, 4, "recovery.in-no-point", says: "volume.n8n_data")
            #expect(!host.has("volumes/n8n_dta"))
        }
    }

    @Test func anItemsNameLeadsNowhereElse() async throws {
        try await withDemoHost(.backedUp) { host in
            let outcome = try await host.restore("volume", "../web_data", "--json")
            try expectFailure(outcome, 4, "recovery.bad-name")
        }
    }

    @Test func filesThatNoLongerHaveAPlace() async throws {
        try await withDemoHost(.backedUp) { host in
            try host.configure { $0.files = [] }
            try expectFailure(
                try await host.restore("files", "compose", "--json"), 4, "recovery.no-place", says: "--to DIR")
            #expect(try await host.restore("files", "compose", "--to", host.path("out")).status == 0)
        }
    }

    // MARK: - The host is gone

    @Test func aNewHostRestoresFromACopyByTheRecoveryCard() async throws {
        try await withDemoHost(.backedUp) { host in
            let card =
                try host.read("state/recovery-card.txt").split(separator: "\n").first { $0.hasPrefix("Signing key") }
                ?? ""
            let signer = String(card.filter { $0.isHexDigit && !$0.isLowercase }.suffix(40))
            try await host.shell("rm -rf state volumes compose")
            let unknown = try await host.restore("volume", "n8n_data", "--to", host.path("out"), "--json")
            try expectFailure(unknown, 4, "recovery.signer-unknown", says: "--signer FINGERPRINT")
            let unchecked = try await host.holdfast("verify")
            #expect(unchecked.status == 5, "\(unchecked)")

            let made = try await host.holdfast("init", "--signing-key-only", "--config", host.config)
            #expect(made.status == 0, "\(made)")
            let verified = try await host.holdfast("verify", "--all", "--signer", signer)
            #expect(verified.status == 0, "\(verified)")
            try await host.shell("mkdir volumes")
            let restored = try await host.restore("volume", "n8n_data", "--signer", signer)
            #expect(restored.status == 0, "\(restored)")
            #expect(try host.read("\(host.data())/config.json").contains("second"))
            // Its own points stand beside those of its forerunner, and both verify.
            try await host.backup("volumes")
            #expect(try await host.holdfast("verify").status == 0)
            #expect(try await host.holdfast("verify", "--all", "--signer", signer).status == 1)
        }
    }

    @Test func aWrongSignerIsRefused() async throws {
        try await withDemoHost(.backedUp) { host in
            let wrong = host.keys.other.digits
            let outcome = try await host.restore("volume", "n8n_data", "--signer", wrong, "--json")
            #expect([1, 4].contains(outcome.status), "\(outcome)")
            #expect(try outcome.json()["error"]["code"].string == "point.other-signer")
            let short = try await host.restore("volume", "n8n_data", "--signer", "DEADBEEF", "--json")
            try expectFailure(short, 4, "recovery.bad-fingerprint", says: "40 digits")
        }
    }
}
