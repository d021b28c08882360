import Glibc
import Machine
import OpenPGP
import TestKit
import Testing

/// gpgs that misbehave: each has to fail by its own words, soon, with nothing left running.
@Suite struct FakeGPGTests {
    private static let begun = "echo '[GNUPG:] BEGIN_ENCRYPTION 2 9' >&2"
    private static let ended = "echo '[GNUPG:] END_ENCRYPTION' >&2"

    @Test(arguments: [
        ("exits at once, content", "exit 0", OpenPGPError.Kind.encryptionFailed),
        ("exits at once, content, with all the words", "\(begun); \(ended); exit 0", .gpgFailed),
        ("exits at once, failing", "echo 'gpg: out of cheese' >&2; exit 2", .encryptionFailed),
        ("dies in the middle", "\(begun); head -c 100000 >/dev/null; kill -9 $$", .encryptionFailed),
        ("closes its input and lingers", "exec 0<&-; exec sleep 60", .gpgFailed),
        ("closes its output and lingers", "exec 1>&-; exec sleep 60", .gpgFailed),
        ("reads nothing and hangs", "exec sleep 60", .gpgFailed),
        ("hangs with a child of its own", "sleep 60 & wait", .gpgFailed),
        ("ignores SIGTERM and hangs", "trap '' TERM; while :; do sleep 1; done", .gpgFailed),
        ("reads everything and hangs", "cat >/dev/null; exec sleep 60", .gpgFailed),
        ("reads all, writes nothing, says all is well", "\(begun); cat >/dev/null; \(ended)", .truncated),
        ("passes the plaintext through", "\(begun); cat; \(ended)", .notOpenPGP),
        ("is well but for its exit status", "\(begun); cat >/dev/null; \(ended); exit 1", .encryptionFailed),
        (
            "is well but for a failure", "\(begun); cat >/dev/null; \(ended); echo '[GNUPG:] FAILURE encrypt 1' >&2",
            .encryptionFailed
        ),
        ("never says that it ended", "\(begun); cat >/dev/null", .encryptionFailed),
        (
            "writes a message for nobody",
            "\(begun); cat >/dev/null; printf '\\322\\061%049d' 1 | tr 0 '\\001'; \(ended)", .wrongRecipients
        ),
        (
            "talks without end", "\(begun); yes 'gpg: bla' | head -c 20000000 >&2; cat >/dev/null; \(ended)",
            .encryptionFailed
        ),
    ])
    func fails(_ how: String, _ script: String, _ expected: OpenPGPError.Kind) async throws {
        try await withKeyring { keys in
            let made = try await keys.make()
            let key = try await keys.host.key(for: made.fingerprint.description)
            let path = keys.folder + "/gpg"
            try Descriptor.open(path, O_WRONLY | O_CREAT, mode: 0o700).write("#!/bin/sh\n\(script)\n")
            let fake = Keyring(home: keys.host.home, gnupg: GnuPG(executable: path))
            let start = monotonicSeconds()
            let kind = try await refusal {
                _ = try await Encryption(keyring: fake, recipients: [key], patience: 0.5)
                    .run({ sink, _ in try sink.write(random(3 << 20, seed: 5)) }, into: Kept())
            }
            // Who notices first that nothing came of all the words is a matter of moments.
            let isEither = expected == .gpgFailed && kind == .truncated && how.hasPrefix("exits at once")
            #expect(kind == expected || isEither, "a gpg that \(how)")
            #expect(monotonicSeconds() - start < 45)
        }
    }

    /// All of it fits into the pipe, so that nobody is told by a broken one.
    @Test func oneThatMakesAGoodMessageOfAPart() async throws {
        try await withKeyring { keys in
            let made = try await keys.make()
            let key = try await keys.host.key(for: made.fingerprint.description)
            let gnupg = try fake("head -c 100000 | gpg \"$@\"", in: keys.folder)
            let kind = try await refusal {
                _ = try await Encryption(keyring: Keyring(home: keys.host.home, gnupg: gnupg), recipients: [key])
                    .run({ sink, _ in try sink.write(random(300_000, seed: 5)) }, into: Kept())
            }
            #expect(kind == .truncated)
        }
    }

    @Test(arguments: ["head -c 60", "head -c 0", "{ cat; echo; }", "tr a-m n-z"])
    func oneThatSpoilsASignature(_ how: String) async throws {
        try await withTemporaryFolder { folder in
            _ = try await HostKey.create(in: folder, host: "h")
            let gnupg = try fake(
                "case \" $* \" in *' --detach-sign '*) gpg \"$@\" | \(how); exit 0;; esac; exec gpg \"$@\"", in: folder)
            let key = try #require(try await HostKey.open(folder, gnupg: gnupg))
            let kind = try await refusal { _ = try await key.sign(Array("a manifest".utf8)) }
            let expected: [OpenPGPError.Kind] = [.signingFailed, .badSignature, .unknownSigner]
            #expect(kind.map { expected.contains($0) } == true, "\(how): \(String(describing: kind))")
        }
    }

    @Test func oneThatHangsAtASmallThingIsEnded() async throws {
        try await withTemporaryFolder { folder in
            var gnupg = try fake("exec sleep 600", in: folder)
            gnupg = GnuPG(executable: gnupg.executable, patience: 0.5)
            #expect(try await refusal { _ = try await gnupg.version() } == .gpgFailed)
        }
    }

    private func fake(_ script: String, in folder: String) throws -> GnuPG {
        let path = folder + "/gpg"
        try Descriptor.open(path, O_WRONLY | O_CREAT, mode: 0o700).write("#!/bin/sh\n\(script)\n")
        return GnuPG(executable: path)
    }

    @Test func itsOwnWordsAreInTheError() async throws {
        try await withKeyring { keys in
            let made = try await keys.make()
            let key = try await keys.host.key(for: made.fingerprint.description)
            let path = keys.folder + "/gpg"
            try Descriptor.open(path, O_WRONLY | O_CREAT, mode: 0o700)
                .write("#!/bin/sh\nprintf 'gpg: out of \\033[31mcheese\\n' >&2; exit 3\n")
            let fake = Keyring(home: keys.host.home, gnupg: GnuPG(executable: path))
            let error = await #expect(throws: OpenPGPError.self) {
                _ = try await Encryption(keyring: fake, recipients: [key])
                    .run({ sink, _ in try sink.write([1]) }, into: Kept())
            }
            #expect(error?.what.contains("out of  [31mcheese") == true, "\(String(describing: error))")
            #expect(error?.what.contains("exit status 3") == true)
        }
    }
}
