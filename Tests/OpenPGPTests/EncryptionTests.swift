import Glibc
import Machine
import OpenPGP
import Synchronization
import TestKit
import Testing

/// Keeps what is written to it; fails at the byte that it is told.
final class Kept: ByteSink, Sendable {
    private let bytes = Mutex<[UInt8]>([])
    private let failsAt: Int?

    init(failsAt: Int? = nil) { self.failsAt = failsAt }

    var all: [UInt8] { bytes.withLock { $0 } }

    func write(_ more: UnsafeRawBufferPointer) throws {
        try bytes.withLock { bytes in
            bytes += more
            if let failsAt, bytes.count >= failsAt { throw MachineError.call("write to", "a full disk", errno: ENOSPC) }
        }
    }
}

struct OwnTrouble: Error, Equatable { let number: Int }

func random(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SeededRandom(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count { withUnsafeBytes(of: random.next()) { bytes += $0 } }
    return Array(bytes.prefix(count))
}

@Suite struct EncryptionTests {
    /// HAZARDS: fresh key without trust.
    @Test(arguments: [0, 1, 17, 65_536, 3_000_000])
    func whatIsSealedOpensWithStockGPG(size: Int) async throws {
        try await withKeyring { keys in
            let made = try await keys.make(onHost: false)
            let plain = random(size, seed: 1)
            let key = try await keys.host.importKey(made.public, now: now).key
            let sink = Kept()
            let (result, sealed) = try await Encryption(keyring: keys.host, recipients: [key])
                .run(
                    { sink, _ in
                        try sink.write(plain)
                        return plain.count
                    }, into: sink)
            #expect(result == size)
            #expect(sealed.length == sink.all.count)
            #expect(sealed.digest == Digest.of(sink.all))
            #expect(sealed.recipients == [made.keyID])
            let opened = try await keys.gpg(["--decrypt"], input: sink.all)
            #expect(opened.output == plain)
            // gpg must not have tried to make it smaller, nor written armor.
            #expect(sink.all.count > size)
            let agents = try Descriptor.folder(keys.folder + "/host").names().filter { $0.hasPrefix("S.") }
            #expect(agents == [])
        }
    }

    @Test func everyRecipientCanOpenItAndNobodyElse() async throws {
        try await withKeyring { keys in
            let made = [try await keys.make(), try await keys.make(.rsa3072), try await keys.make()]
            var recipients: [PublicKey] = []
            for key in made.prefix(2) { recipients.append(try await keys.host.key(for: key.fingerprint.description)) }
            let sink = Kept()
            let (_, sealed) = try await Encryption(keyring: keys.host, recipients: recipients + recipients)
                .run({ sink, _ in try sink.write("secret") }, into: sink)
            #expect(sealed.recipients == made.prefix(2).map(\.keyID))
            for (index, key) in made.enumerated() {
                let opener = try await DecryptionKey.load(key.secret)
                let text = try? await decrypt(sink.all, with: opener)
                #expect(text == (index < 2 ? Array("secret".utf8) : nil))
                opener.end()
            }
        }
    }

    /// HAZARDS: a user's own `encrypt-to` must not add readers.
    @Test func encryptToInAConfigurationFileAddsNobody() async throws {
        try await withKeyring { keys in
            let made = try await keys.make()
            let spy = try await keys.make(userID: "Spy <spy@example.org>")
            let file = try Descriptor.folder(keys.folder + "/host")
            try file.publish("gpg.conf", Array("encrypt-to \(spy.fingerprint)\nrecipient \(spy.fingerprint)\n".utf8))
            let key = try await keys.host.key(for: made.fingerprint.description)
            let sink = Kept()
            let (_, sealed) = try await Encryption(keyring: keys.host, recipients: [key])
                .run({ sink, _ in try sink.write("secret") }, into: sink)
            #expect(sealed.recipients == [made.keyID])
        }
    }

    /// HAZARDS: one expired recipient of two stops everything.
    @Test func anExpiredRecipientOfTwoIsNamed() async throws {
        try await withKeyring { keys in
            let good = try await keys.make()
            let old = try await keys.make(.expired, userID: "Old <old@example.org>")
            let recipients = [
                try await keys.host.key(for: good.fingerprint.description),
                try await keys.host.key(for: old.fingerprint.description),
            ]
            do {
                let sink = Kept()
                _ = try await Encryption(keyring: keys.host, recipients: recipients)
                    .run({ sink, _ in try sink.write("secret") }, into: sink)
                Issue.record("accepted")
            } catch let error as OpenPGPError {
                #expect(error.kind == .expired)
                #expect(error.what.contains(old.fingerprint.description))
                #expect(error.what.contains("2021-01-01"))
                #expect(!error.what.contains(good.fingerprint.description))
            }
        }
    }

    @Test func gpgsOwnRefusalOfARecipientIsNamedToo() async throws {
        try await withKeyring { keys in
            let longAgo = try #require(Timestamp("2020-06-01T00:00:00Z"))
            for (kind, expected) in [(ThrowAwayKeys.Kind.expired, OpenPGPError.Kind.expired), (.modern, .noKey)] {
                let made = try await keys.make(kind)
                let key = try await keys.host.key(for: made.fingerprint.description)
                // We believe the key to be good (an old clock; a key that somebody deletes), gpg knows better.
                if kind == .modern {
                    try await keys.gpg(["--yes", "--delete-keys", made.fingerprint.description], home: keys.host.home)
                }
                let encryption = Encryption(
                    keyring: keys.host, recipients: [key],
                    clock: StoppedClock(time: kind == .expired ? longAgo : now))
                let kindThrown = try await refusal {
                    _ = try await encryption.run({ sink, _ in try sink.write(random(4 << 20, seed: 2)) }, into: Kept())
                }
                #expect(kindThrown == expected)
            }
        }
    }

    @Test func badRecipientsAreRefusedBeforeAnythingStarts() async throws {
        try await withKeyring { keys in
            for (kind, expected) in [
                (ThrowAwayKeys.Kind.expired, OpenPGPError.Kind.expired), (.revoked, .revoked), (.signOnly, .signOnly),
            ] {
                let made = try await keys.make(kind)
                let key = try await keys.host.key(for: made.fingerprint.description)
                let encryption = Encryption(keyring: keys.host, recipients: [key])
                let thrown = try await refusal {
                    _ = try await encryption.run({ _, _ in Issue.record("the producer ran") }, into: Kept())
                }
                #expect(thrown == expected)
            }
            let nobody = try await refusal {
                _ = try await Encryption(keyring: keys.host, recipients: []).run({ _, _ in }, into: Kept())
            }
            #expect(nobody == .noRecipient)
        }
    }

    /// HAZARDS: a dead producer leaves a well-formed, decryptable, truncated backup.
    @Test func aProducersErrorIsTheErrorAndNothingWellFormedIsLeft() async throws {
        try await withKeyring { keys in
            let made = try await keys.make()
            let key = try await keys.host.key(for: made.fingerprint.description)
            for size in [0, 100, 5_000_000] {
                let sink = Kept()
                await #expect(throws: OwnTrouble(number: size)) {
                    _ = try await Encryption(keyring: keys.host, recipients: [key])
                        .run(
                            { sink, _ -> Void in
                                try sink.write(random(size, seed: 3))
                                throw OwnTrouble(number: size)
                            }, into: sink)
                }
                var inspector = PacketInspector()
                try inspector.take(sink.all)
                #expect(throws: OpenPGPError.self) { try inspector.finish() }
            }
        }
    }

    @Test func aFullDiskIsTheError() async throws {
        try await withKeyring { keys in
            let made = try await keys.make()
            let key = try await keys.host.key(for: made.fingerprint.description)
            for place in [1, 3_000_000] {
                let error = await #expect(throws: MachineError.self) {
                    _ = try await Encryption(keyring: keys.host, recipients: [key])
                        .run({ sink, _ in try sink.write(random(20 << 20, seed: 4)) }, into: Kept(failsAt: place))
                }
                #expect(error?.code == "machine.disk-full")
            }
        }
    }

    @Test func cancellingEndsItPromptly() async throws {
        try await withKeyring { keys in
            let made = try await keys.make()
            let key = try await keys.host.key(for: made.fingerprint.description)
            let start = monotonicSeconds()
            let work = Task {
                try await Encryption(keyring: keys.host, recipients: [key])
                    .run(
                        { sink, stop in
                            while true {
                                try stop.check()
                                try sink.write([1, 2, 3])
                                usleep(1000)
                            }
                        }, into: Kept())
            }
            try await Task.sleep(for: .milliseconds(300))
            work.cancel()
            await #expect(throws: Interrupted.self) { _ = try await work.value }
            #expect(monotonicSeconds() - start < 30)
        }
    }
}

struct StoppedClock: WallClock {
    let time: Timestamp
    func now() -> Timestamp { time }
}

/// Decrypts bytes into bytes.
func decrypt(_ message: [UInt8], with key: DecryptionKey) async throws -> [UInt8] {
    try await key.decrypt(feeding: { sink, _ in try sink.write(message) }) { source, _ in try readAll(source) }
}

func readAll(_ source: any ByteSource) throws -> [UInt8] {
    var all: [UInt8] = []
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { buffer.deallocate() }
    while case let count = try source.read(into: buffer), count > 0 { all += buffer[..<count] }
    return all
}
