import Glibc
import Machine
import OpenPGP
import TestKit
import Testing

@Suite(.serialized) struct ThroughputTests {
    private static let size = 512 << 20

    /// Encrypts and decrypts 512 MiB as a stream, and prints how that compares with plain gpg fed by a pipe.
    @Test func aLargeStreamGoesThroughInBoundedMemory() async throws {
        try await withKeyring { keys in
            let made = try await keys.make()
            let key = try await keys.host.key(for: made.fingerprint.description)
            let block = random(1 << 20, seed: 14)
            let folder = try Descriptor.folder(keys.folder)
            let before = residentPeak()

            var start = monotonicSeconds()
            let plain = try Pipe("plain")
            async let fed: Void = onThread("plain") { _ in
                for _ in 0..<(Self.size >> 20) { try plain.writer.write(block) }
                try plain.writer.close()
            }
            let file = try folder.open("plain.gpg", O_WRONLY | O_CREAT)
            let outcome = try await ChildProcess(
                "gpg",
                [
                    "--homedir", keys.folder + "/host", "--batch", "--trust-model", "always", "--compress-algo", "none",
                    "-r",
                    made.fingerprint.description, "--encrypt",
                ]
            ).run(input: .descriptor(plain.reader), output: .descriptor(file))
            try await fed
            #expect(outcome.succeeded)
            let plainSeconds = monotonicSeconds() - start

            start = monotonicSeconds()
            let sealedFile = try folder.open("ours.gpg", O_WRONLY | O_CREAT)
            let (_, sealed) = try await Encryption(keyring: keys.host, recipients: [key]).run(
                { sink, _ in
                    for _ in 0..<(Self.size >> 20) { try sink.write(block) }
                }, into: sealedFile)
            let ourSeconds = monotonicSeconds() - start
            #expect(sealed.length > Self.size)

            start = monotonicSeconds()
            let opener = try await DecryptionKey.load(made.secret)
            let message = try folder.open("ours.gpg", O_RDONLY)
            let count = try await opener.decrypt(feeding: { sink, stop in
                let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
                defer { buffer.deallocate() }
                while case let count = try message.read(into: buffer), count > 0 {
                    try sink.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                }
            }) { source, _ in
                let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
                defer { buffer.deallocate() }
                var count = 0
                while case let more = try source.read(into: buffer), more > 0 { count += more }
                return count
            }
            opener.end()
            let openSeconds = monotonicSeconds() - start
            #expect(count == Self.size)
            let grown = residentPeak() - before
            // Other tests run beside this one; what counts is that it does not grow with the stream.
            #expect(grown < Self.size)

            func rate(_ seconds: Double) -> String { "\((Double(Self.size >> 20) / seconds).fixed(0)) MiB/s" }
            print(
                "512 MiB: plain gpg \(rate(plainSeconds)), ours \(rate(ourSeconds)) (ratio"
                    + " \((plainSeconds / ourSeconds).fixed(2))), decrypt \(rate(openSeconds)), memory +\(ByteCount(grown))"
            )
        }
    }

    /// Peak resident size of this process, in bytes.
    private func residentPeak() -> Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss << 10
    }
}
