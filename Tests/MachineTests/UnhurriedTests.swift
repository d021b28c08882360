import Glibc
import Machine
import TestKit
import Testing

/// Our ends of pipes to programs that move small pieces.
@Suite struct UnhurriedTests {
    @Test func everyByteArrivesInOrder() async throws {
        let pipe = try Pipe("there and back")
        let content = (0..<5 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
        let writing = pipe.writer
        async let written: Void = onThread("write") { _ in
            let writer = UnhurriedWriter(writing)
            for part in stride(from: 0, to: content.count, by: 700_001) {
                try writer.write(Array(content[part..<min(content.count, part + 700_001)]))
            }
            try writer.close()
        }
        let reading = pipe.reader
        let read = try await onThread("read") { _ in try UnhurriedReader(reading).readAll(limit: content.count) }
        try await written
        #expect(read == content)
    }

    @Test func aProgramThatReadsSmallPiecesGetsAll() async throws {
        let input = try Pipe("cat's input")
        let output = try Pipe("cat's output")
        let content = (0..<3 << 20).map { UInt8(truncatingIfNeeded: $0 >> 3) }
        let writing = input.writer
        async let ended = ChildProcess("dd", ["bs=8k", "status=none"]).run(
            input: .descriptor(input.reader), output: .descriptor(output.writer))
        async let written: Void = onThread("write") { _ in
            let writer = UnhurriedWriter(writing)
            try writer.write(content)
            try writer.close()
        }
        let reading = output.reader
        let read = try await onThread("read") { _ in try UnhurriedReader(reading).readAll(limit: content.count) }
        try await written
        #expect(try await ended.succeeded)
        #expect(read == content)
    }

    @Test func aReaderThatWentIsAnError() throws {
        let pipe = try Pipe("nobody's")
        let writer = UnhurriedWriter(pipe.writer)
        try writer.write([1, 2, 3])
        try pipe.reader.close()
        #expect { try writer.write([UInt8](repeating: 0, count: 4 << 20)) } throws: {
            ($0 as? MachineError)?.errno == EPIPE
        }
    }

    @Test func aReaderThatGoesWhileThePipeIsFullIsAnError() async throws {
        let pipe = try Pipe("soon nobody's")
        let writing = pipe.writer
        let written = Task {
            try await onThread("write") { _ in
                try UnhurriedWriter(writing).write([UInt8](repeating: 0, count: 4 << 20))
            }
        }
        try await Task.sleep(for: .milliseconds(50))
        try pipe.reader.close()
        await #expect {
            try await written.value
        } throws: {
            ($0 as? MachineError)?.errno == EPIPE
        }
    }

    @Test func whatIsNoPipeIsWrittenAsItIs() async throws {
        try await withTemporaryFolder { folder in
            let file = try Descriptor.open("\(folder)/file", O_RDWR | O_CREAT)
            try UnhurriedWriter(file).write([1, 2, 3])
            lseek(file.raw, 0, SEEK_SET)
            #expect(try UnhurriedReader(file).readAll(limit: 10) == [1, 2, 3])
        }
    }
}
