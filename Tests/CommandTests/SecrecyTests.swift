import Glibc
import TestKit
import Testing

/// What must not be seen: secrets in arguments and texts, plaintext and private keys on disk, files that others can read.
@Suite struct SecrecyTests {
    @Test func noPassphraseAndNoKeyInAnyArgument() async throws {
        try await withDemoHost { plain in
            let host = try await plain.recordingGPG()
            try host.configure { $0.recipients = [host.keys.locked.digits] }
            try host.write("stick/locked.asc", host.keys.locked.secret)
            try host.write("stick/passphrase", DemoKeys.passphrase + "\n")
            let key = ["--key", "stick/locked.asc", "--passphrase-file", "stick/passphrase"]
            var said = ""
            for command in [["backup"], ["verify", "--deep"] + key, ["restore", "volume", "n8n_data", "--yes"] + key] {
                let outcome = try await host.holdfast.run([CommandRunner.binary] + command)
                #expect(outcome.status == 0, "\(outcome)")
                said += outcome.output + outcome.errors
            }
            let arguments = try host.read("shims/arguments")
            #expect(arguments.contains("--encrypt") && arguments.contains("--decrypt"))
            for text in [arguments, said, try await host.shell("cat state/runs/*")] {
                #expect(!text.contains(DemoKeys.passphrase) && !text.contains("PRIVATE KEY"))
            }
        }
    }

    @Test func gpgIsNeverLetNearTheNetworkOrTheUsersOptions() async throws {
        try await withDemoHost { plain in
            let host = try await plain.recordingGPG()
            try await host.backup()
            let arguments = try host.read("shims/arguments")
            for option in ["--no-options", "--no-auto-key-locate", "--batch"] { #expect(arguments.contains(option)) }
        }
    }

    @Test func nobodyElseCanReadWhatItWrites() async throws {
        try await withDemoHost { host in
            // As for a person whose umask lets everybody read.
            var open = host
            open.holdfast.wrapper = ["sh", "-c", "umask 000; exec \"$@\"", "sh"]
            try host.remove("backups")
            try host.remove("state")
            #expect(try await open.holdfast("init", "--signing-key-only", "--config", host.config).status == 0)
            try await open.backup()
            #expect(try await open.restore("volume", "n8n_data").status == 0)
            #expect(try await open.holdfast("key", "new", host.path("new-stick")).status == 0)
            for path in try host.find("backups") + host.find("state") + host.find("new-stick") + [
                "backups", "state", "new-stick",
            ] {
                let mode = try host.status(path).st_mode
                #expect(mode & 0o077 == 0, "\(path) has the mode \(String(mode, radix: 8))")
            }
        }
    }

    @Test func theConfigurationThatInitWritesIsForRootAlone() async throws {
        try await withDemoHost { host in
            var open = host
            open.holdfast.wrapper = ["sh", "-c", "umask 000; exec \"$@\"", "sh"]
            open.holdfast.environment["HOLDFAST_CONFIG"] = nil
            let made = try await open.holdfast(
                "init", "--output", "new/holdfast.yml", "--directory", host.path("new/backups"), "--state",
                host.path("new/state"),
                "--docker-socket", "/nowhere/docker.sock", "--volumes-root", host.volumes, "--keyring", host.ring)
            #expect(made.status == 0, "\(made)")
            #expect(try host.status("new/holdfast.yml").st_mode & 0o077 == 0)
        }
    }

    @Test func neitherPlaintextNorAPrivateKeyReachesTheDisk() async throws {
        try await withDemoHost { host in
            try host.write("\(host.data())/secret-name-4711", "the text nobody may find 4711\n")
            try await host.backup()
            #expect(
                try await host.holdfast("verify", "--deep", "--key", "-", input: host.keys.owner.secret).status == 0)
            try host.remove("stick")
            try host.remove("volumes")
            try await host.shell("mkdir volumes")
            let restored = try await host.holdfast(
                "restore", "volume", "n8n_data", "--to", host.path("out"), "--key", "-", input: host.keys.owner.secret)
            #expect(restored.status == 0, "\(restored)")
            #expect(try host.read("out/secret-name-4711").contains("4711"))
            try host.remove("out")
            #expect(try await host.shell("grep -rlE 'secret-name|nobody may find' . || true") == "")
            // The host's own signing key is there; the one that opens backups is not.
            let found = try await host.shell("grep -rl 'PRIVATE KEY BLOCK' . || true")
            #expect(found == "./state/signing/host-key.secret.asc\n")
            #expect(try host.find().filter { $0.hasSuffix(".key") } == [])
        }
    }

    @Test func theSigningKeyCanOpenNothing() async throws {
        try await withDemoHost(.backedUp) { host in
            let outcome = try await host.holdfast(
                "verify", "--deep", "--key", "state/signing/host-key.secret.asc", "--json")
            try expectFailure(outcome, 4, "openpgp.sign-only")
        }
    }

    @Test func noTextInThePublicManifestComesFromInside() async throws {
        try await withDemoHost {
            $0.files.append(("gone", "/nowhere/private-matter"))
        } _: { host in
            _ = try await host.holdfast("backup")
            let point = try #require(try host.points().last)
            let manifest = try host.read("backups/\(point)/manifest.json")
            for word in ["private-matter", "config.json", host.folder] { #expect(!manifest.contains(word)) }
        }
    }
}
