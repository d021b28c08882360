import TestKit
import Testing

/// How the private key comes in, and what is said when it is not the right one.
@Suite struct PrivateKeyTests {
    /// Restores with these options; expects that failure, nothing touched, and no trace of a key in memory.
    private func expectRefused(
        _ host: DemoHost, _ options: [String], _ status: Int32, _ code: String, input: [UInt8] = [],
        at location: SourceLocation = #_sourceLocation
    ) async throws {
        let before = try Possessions(of: host)
        let running = try host.holdfast.start(
            [CommandRunner.binary, "restore", "volume", "n8n_data", "--yes", "--json"] + options, input: input)
        let outcome = try await running.wait()
        try expectFailure(outcome, status, code, at: location)
        try await before.expectUntouched(host, verifying: false, at: location)
        expectNoTrace(of: running, host, at: location)
    }

    private func expectNoTrace(of running: Running, _ host: DemoHost, at location: SourceLocation = #_sourceLocation) {
        let memory = (try? host.names("/dev/shm")) ?? []
        #expect(!memory.contains { $0.hasPrefix("holdfast-\(running.pid)-") }, sourceLocation: location)
    }

    @Test func aWrongPrivateKey() async throws {
        try await withDemoHost(.backedUp) { host in
            try host.write("stick/wrong.asc", host.keys.other.secret)
            try await expectRefused(host, ["--key", "stick/wrong.asc"], 1, "openpgp.wrong-key")
        }
    }

    @Test func onlyThePublicHalf() async throws {
        try await withDemoHost(.backedUp) { host in
            try host.write("stick/public", host.keys.owner.public)
            try await expectRefused(host, ["--key", "stick/public"], 4, "openpgp.no-private-key")
        }
    }

    @Test func twoPrivateKeys() async throws {
        try await withDemoHost(.backedUp) { host in
            try host.write("stick/two", host.keys.owner.secret + host.keys.other.secret)
            try await expectRefused(host, ["--key", "stick/two"], 4, "openpgp.two-keys")
        }
    }

    @Test func noKeyAtAll() async throws {
        try await withDemoHost(.backedUp) { host in
            try host.write("stick/none", "hello")
            try await expectRefused(host, ["--key", "stick/none"], 4, "openpgp.not-a-key")
        }
    }

    @Test func noKeyFile() async throws {
        try await withDemoHost(.backedUp) { host in
            let outcome = try await host.holdfast(
                "restore", "volume", "n8n_data", "--yes", "--key", "stick/nothing", "--json")
            #expect(outcome.status != 0 && outcome.output.contains("stick/nothing"), "\(outcome)")
        }
    }

    @Test func noKeyNamedAndNoneInTheAgent() async throws {
        try await withDemoHost(.backedUp) { host in
            try await expectRefused(host, [], 1, "openpgp.wrong-key")
            try await host.shell("gpgconf --homedir user --kill all")
        }
    }

    @Test func fromTheAgentOfThisUser() async throws {
        try await withDemoHost(.backedUp) { host in
            var owner = host
            owner.holdfast.environment["GNUPGHOME"] = host.path("owner")
            try await host.withOwner {
                let outcome = try await owner.holdfast("restore", "volume", "n8n_data", "--yes")
                #expect(outcome.status == 0, "\(outcome)")
            }
            #expect(try host.read("volumes/n8n_data/_data/config.json").contains("second"))
        }
    }

    @Test func fromStandardInput() async throws {
        try await withDemoHost(.backedUp) { host in
            try host.remove("stick")
            let running = try host.holdfast.start(
                [CommandRunner.binary, "restore", "volume", "n8n_data", "--yes", "--key", "-"],
                input: host.keys.owner.secret)
            let outcome = try await running.wait()
            #expect(outcome.status == 0, "\(outcome)")
            expectNoTrace(of: running, host)
            #expect(try host.read("volumes/n8n_data/_data/config.json").contains("second"))
        }
    }

    // MARK: - Passphrases

    private func withLockedHost(_ body: (DemoHost) async throws -> Void) async throws {
        try await withDemoHost { host in
            try host.configure { $0.recipients = [host.keys.locked.digits] }
            try host.write("stick/locked.asc", host.keys.locked.secret)
            try host.write("stick/passphrase", DemoKeys.passphrase + "\n")
            try await host.backup()
            try host.write("volumes/n8n_data/_data/config.json", "lost")
            try await body(host)
        }
    }

    @Test func aPassphraseFromAFile() async throws {
        try await withLockedHost { host in
            let outcome = try await host.holdfast(
                "restore", "volume", "n8n_data", "--yes", "--key", "stick/locked.asc", "--passphrase-file",
                "stick/passphrase")
            #expect(outcome.status == 0, "\(outcome)")
            #expect(try host.read("volumes/n8n_data/_data/config.json").contains("first"))
        }
    }

    @Test func aPassphraseFromTheEnvironment() async throws {
        try await withLockedHost { host in
            var holdfast = host.holdfast
            holdfast.environment["HOLDFAST_PASSPHRASE"] = DemoKeys.passphrase
            let outcome = try await holdfast("verify", "--deep", "--key", "stick/locked.asc")
            #expect(outcome.status == 0, "\(outcome)")
        }
    }

    @Test func aPassphraseIsNeededAndNobodyGivesIt() async throws {
        try await withLockedHost { host in
            try await expectRefused(host, ["--key", "stick/locked.asc"], 4, "openpgp.passphrase-needed")
        }
    }

    @Test func aWrongPassphrase() async throws {
        try await withLockedHost { host in
            try host.write("stick/passphrase", "wrong")
            try await expectRefused(
                host, ["--key", "stick/locked.asc", "--passphrase-file", "stick/passphrase"], 4,
                "openpgp.wrong-passphrase")
        }
    }
}
