import Glibc
import Machine
import OpenPGP
import RestorePoints
import Synchronization
import TestKit
import Testing

private final class Counter: ByteSink, Sendable {
    let bytes = Mutex<[UInt8]>([])
    func write(_ more: UnsafeRawBufferPointer) throws { bytes.withLock { $0 += more } }
}

private struct Full: ByteSink {
    func write(_ bytes: UnsafeRawBufferPointer) throws { throw MachineError.call("write to", "/x", errno: ENOSPC) }
}

@Suite(.timeLimit(.minutes(1))) struct SealedFileTests {
    /// A whole OpenPGP message for the key 0123456789ABCDEF, as far as packets go.
    private func message(_ size: Int) -> [UInt8] {
        let key: [UInt8] = [0xC1, 14, 3, 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 1, 0, 8, 1, 1]
        let length = size + 1
        let head: [UInt8] = [0xD2, 0xFF] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + [1]
        return key + head + [UInt8](repeating: 0x5A, count: size)
    }

    private func archive(_ bytes: [UInt8], keys: [String] = ["0123456789ABCDEF"]) -> Manifest.Archive {
        .init(file: "a.gpg", size: Int64(bytes.count), sha256: Digest.of(bytes).description, keys: keys)
    }

    private func refusal(_ archive: Manifest.Archive, in path: String, sink: (any ByteSink)? = nil) -> (any Explained)?
    {
        do {
            try SealedFile(archive, in: path).read(into: sink, meter: Meter(), stop: StopSignal())
            return nil
        } catch { return explain(error) }
    }

    @Test func bytesPassOnTheirWayAndAreCounted() async throws {
        try await withTemporaryFolder { path in
            let bytes = message(3_000_000)
            try Descriptor.folder(path).publish("a.gpg", bytes)
            let sink = Counter()
            let meter = Meter()
            try SealedFile(archive(bytes), in: path).read(into: sink, meter: meter, stop: StopSignal())
            #expect(sink.bytes.withLock { $0 } == bytes)
            #expect(meter.bytes == ByteCount(bytes.count))
        }
    }

    @Test func everyErrorNamesTheFileAndWhatToDo() async throws {
        try await withTemporaryFolder { path in
            let bytes = message(5000)
            let good = archive(bytes)
            let missing = refusal(good, in: path)
            #expect(missing?.code == "point.file-missing")
            #expect(missing?.remedy?.contains("holdfast list") == true)
            let folder = try Descriptor.folder(path)
            for bad in [
                Array(bytes.dropLast()), bytes + [0], bytes.map { $0 ^ 0x80 }, Array(bytes.reversed()),
                bytes.dropLast() + [0],
            ] {
                try folder.publish("a.gpg", bad, replacing: true)
                let error = refusal(good, in: path)
                #expect(error?.code == "point.damaged")
                #expect(error?.what.hasPrefix("a.gpg ") == true)
                #expect(error?.place == path + "/a.gpg")
                #expect(error?.remedy?.contains("another point") == true)
            }
            try folder.publish("a.gpg", bytes, replacing: true)
            #expect(refusal(good, in: path) == nil)
            #expect(refusal(archive(bytes, keys: []), in: path)?.code == "point.damaged")
            #expect(
                refusal(archive(bytes, keys: ["0123456789ABCDEF", "0123456789ABCDEF"]), in: path)?.code
                    == "point.damaged")
            #expect(refusal(good, in: path, sink: Full())?.code == "machine.disk-full")
        }
    }

    @Test func messageThatIsCutIsDamagedThoughItsDigestFits() async throws {
        try await withTemporaryFolder { path in
            for bytes in [
                [], Array(message(100).dropLast()), Array("-----BEGIN PGP MESSAGE-----\n".utf8), message(100) + [0],
            ] {
                try Descriptor.folder(path).publish("a.gpg", bytes, replacing: true)
                #expect(refusal(archive(bytes), in: path)?.code == "point.damaged")
            }
        }
    }

    @Test func stopIsHeard() async throws {
        try await withTemporaryFolder { path in
            let bytes = message(100)
            try Descriptor.folder(path).publish("a.gpg", bytes)
            let stop = StopSignal()
            stop.stop()
            let file = try SealedFile(archive(bytes), in: path)
            #expect(throws: Interrupted.self) { try file.read(meter: Meter(), stop: stop) }
        }
    }

    /// For information; the figure is printed.
    @Test func speedOfAFileOf256MiB() async throws {
        try await withTemporaryFolder { path in
            let bytes = message(256 << 20)
            try Descriptor.folder(path).publish("a.gpg", bytes)
            let file = try SealedFile(archive(bytes), in: path)
            let began = monotonicSeconds()
            try file.read(meter: Meter(), stop: StopSignal())
            let seconds = monotonicSeconds() - began
            print("verify of one file: \((Double(bytes.count) / seconds / 1e9).fixed(2)) GB/s")
        }
    }
}
