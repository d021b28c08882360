import Archives
import Glibc
import Machine
import Synchronization
import TestKit
import Testing

/// Streams as frames that are made side by side.
@Suite struct FrameTests {
    private static let blockSize = 1 << 16

    // MARK: The real thing

    @Test(arguments: [1, 3, 9, 12])
    func whatWasCompressedComesBack(level: Int) throws {
        var random = SeededRandom(seed: 7)
        let content = mixed(9 << 20, &random)
        let bytes = try compress(content, level: level)
        #expect(try plain(bytes) == content)
    }

    @Test func aFrameSaysItsSizeAndHasAChecksum() throws {
        let bytes = try compress([UInt8](repeating: 0x61, count: 3 << 20), level: 3)
        // Magic number; descriptor: size in four bytes, single segment, checksum; one MiB.
        #expect(bytes.starts(with: [0x28, 0xb5, 0x2f, 0xfd, 0xa4, 0x00, 0x00, 0x10, 0x00]))
    }

    @Test func anEmptyStreamIsAFrameToo() throws {
        let bytes = try compress([], level: 3)
        #expect(bytes.starts(with: [0x28, 0xb5, 0x2f, 0xfd]))
        #expect(try plain(bytes) == [])
    }

    @Test func framesCostNextToNothing() throws {
        let text = Array(
            (0..<80_000).map { "{\"node\": \($0), \"token\": \($0 &* 2_654_435_761 & 0xffff_ffff)}\n" }.joined().utf8)
        let ownPath = try #require(realpath("/proc/self/exe", nil))
        defer { free(ownPath) }
        let program = try #require(contents(of: String(cString: ownPath))).prefix(16 << 20)
        for content in [text, Array(program)] {
            let whole = try Zstandard.compress(content)
            let frames = try compress(content, level: 3)
            #expect(
                Double(frames.count) < Double(whole.count) * 1.05, "\(content.count) → \(whole.count), \(frames.count)")
        }
    }

    @Test func aCutOrChangedFrameIsFound() throws {
        var random = SeededRandom(seed: 8)
        let bytes = try compress(mixed(3 << 20, &random), level: 3)
        expectCode("archive.cut") { _ = try plain(bytes.dropLast()) }
        for _ in 0..<20 {
            var changed = bytes
            changed[Int.random(in: 9..<changed.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            #expect(throws: ArchiveError.self) { _ = try plain(changed) }
        }
    }

    // MARK: The machinery

    @Test func orderIsKeptWhoeverIsFaster() throws {
        let sink = MemorySink()
        let compressor = FrameCompressor(to: sink, frameSize: Self.blockSize, frameBound: Self.blockSize, workers: 4) {
            Copier(delay: true)
        }
        var expected: [UInt8] = []
        for number in 0..<200 {
            let block = try compressor.lend()
            let count = 1 + number * 321 % Self.blockSize
            for index in 0..<count { block[index] = UInt8(truncatingIfNeeded: number &+ index) }
            expected += block[..<count]
            try compressor.take(count)
        }
        try compressor.finish()
        #expect(sink.bytes == expected)
    }

    @Test(arguments: 1...8)
    func aThreadsFailureIsTheStreams(number: Int) {
        let counts = Counts()
        let sink = MemorySink()
        expectCode("test.frame") {
            let compressor = FrameCompressor(
                to: sink, frameSize: Self.blockSize, frameBound: Self.blockSize, workers: 2
            ) {
                Copier(counts, failingAt: number)
            }
            try fill(compressor, blocks: 20)
        }
        #expect(counts.living == 0)
        #expect(sink.bytes.count <= 20 * Self.blockSize)
    }

    @Test func aThreadThatCannotBeginIsTheStreamsFailure() {
        expectCode("test.frame") {
            let compressor = FrameCompressor(
                to: MemorySink(), frameSize: Self.blockSize, frameBound: Self.blockSize, workers: 2
            ) { throw TestFailure() }
            try fill(compressor, blocks: 20)
        }
    }

    @Test(arguments: [0, 1, 5, 19])
    func aSinkThatFailsEndsIt(writes: Int) {
        let counts = Counts()
        expectCode("test.frame") {
            let compressor = FrameCompressor(
                to: FullSink(writes), frameSize: Self.blockSize, frameBound: Self.blockSize, workers: 2
            ) { Copier(counts) }
            try fill(compressor, blocks: 20)
        }
        #expect(counts.living == 0)
    }

    @Test(arguments: [0, 1, 3, 10])
    func noThreadOutlivesAnAbandonedStream(blocks: Int) throws {
        let counts = Counts()
        do {
            let compressor = FrameCompressor(
                to: MemorySink(), frameSize: Self.blockSize, frameBound: Self.blockSize, workers: 4
            ) { Copier(counts, delay: true) }
            for _ in 0..<blocks {
                _ = try compressor.lend()
                try compressor.take(Self.blockSize)
            }
        }
        #expect(counts.living == 0)
        #expect(counts.made <= 4)
    }

    // MARK: Means

    private func fill(_ compressor: FrameCompressor, blocks: Int) throws {
        for _ in 0..<blocks {
            try compressor.lend().initializeMemory(as: UInt8.self, repeating: 1)
            try compressor.take(Self.blockSize)
        }
        try compressor.finish()
    }

    private func compress(_ content: [UInt8], level: Int) throws -> [UInt8] {
        let sink = MemorySink()
        let meter = Meter()
        try CompressedStream.compress(
            MemorySource(content), .zstd(level: level), to: sink, meter: meter, stop: StopSignal())
        #expect(meter.bytes.bytes == Int64(content.count))
        return sink.bytes
    }

    private func plain(_ bytes: [UInt8]) throws -> [UInt8] {
        try CompressedStream.withPlain(MemorySource(bytes)) { try $0.readAll(limit: 64 << 20) }
    }

    /// Text, noise and nothing, in pieces.
    private func mixed(_ count: Int, _ random: inout SeededRandom) -> [UInt8] {
        let text = Array("GET /api/v1/items?id=4711 HTTP/1.1\n".utf8)
        var bytes: [UInt8] = []
        while bytes.count < count {
            let piece = Int.random(in: 1...400_000, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: for _ in 0..<piece / text.count { bytes += text }
            case 1: for _ in 0..<piece / 8 { withUnsafeBytes(of: random.next() as UInt64) { bytes += $0 } }
            default: bytes += [UInt8](repeating: 0, count: piece)
            }
        }
        return bytes
    }
}

private struct TestFailure: Explained {
    let code = "test.frame"
    let what = "This fails on purpose."
    let place: String? = nil
    let remedy: String? = nil
}

/// How many makers there are, and were.
private final class Counts: Sendable {
    private let counts = Mutex((living: 0, made: 0, frames: 0))

    var living: Int { counts.withLock { $0.living } }
    var made: Int { counts.withLock { $0.made } }

    func begin() {
        counts.withLock {
            $0.living += 1
            $0.made += 1
        }
    }
    func end() { counts.withLock { $0.living -= 1 } }

    /// The number of the frame that is about to be made, from 1.
    func frame() -> Int {
        counts.withLock {
            $0.frames += 1
            return $0.frames
        }
    }
}

/// Frames that are their content.
private final class Copier: FrameMaker {
    private let counts: Counts
    private let failingAt: Int?
    private let delay: Bool

    init(_ counts: Counts = Counts(), failingAt: Int? = nil, delay: Bool = false) {
        self.counts = counts
        self.failingAt = failingAt
        self.delay = delay
        counts.begin()
    }

    deinit { counts.end() }

    func makeFrame(of content: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) throws -> Int {
        if counts.frame() == failingAt { throw TestFailure() }
        if delay { usleep(UInt32.random(in: 0..<2000)) }
        room.copyMemory(from: content)
        return content.count
    }
}

/// Takes so many writes, and then none.
private final class FullSink: ByteSink {
    private var left: Int

    init(_ writes: Int) { left = writes }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard left > 0 else { throw TestFailure() }
        left -= 1
    }
}
