import Archives
import Glibc
import Machine
import TestKit
import Testing

/// What the tests of archives have in common.
enum Kit {
    static let identity = ArchiveIdentity(
        host: "00112233445566778899aabbccddeeff", point: "2026-11-22T020000Z", item: "volume.n8n_data")

    static func archive(
        _ folder: String, _ compression: Compression = .none, identity: ArchiveIdentity = identity,
        observer: ((ArchiveWriter.Moment, RawPath) throws -> Void)? = nil
    ) throws -> (bytes: [UInt8], report: TreeReport, totals: ArchiveTotals) {
        let sink = MemorySink()
        let writer = try ArchiveWriter(
            to: sink, compression: compression, identity: identity, time: Timestamp(seconds: 1_766_286_000))
        writer.observer = observer
        let report = try writer.add(tree: .folder(folder), meter: Meter(), stop: StopSignal())
        let totals = try writer.finish()
        return (sink.bytes, report, totals)
    }

    static func extract(
        _ bytes: [UInt8], origin: ArchiveReader.Origin = .ours(expecting: identity), into folder: String,
        prefix: RawPath? = nil, selection: PathSelection? = nil, space: ByteCount? = nil
    ) throws -> ExtractionReport {
        try ArchiveReader.extract(
            from: MemorySource(bytes), origin: origin, into: .folder(folder), prefix: prefix, selection: selection,
            space: space, meter: Meter(), stop: StopSignal())
    }

    static func check(
        _ bytes: [UInt8], origin: ArchiveReader.Origin = .ours(expecting: identity)
    ) throws -> ExtractionReport {
        try ArchiveReader.check(from: MemorySource(bytes), origin: origin, meter: Meter(), stop: StopSignal())
    }

    static func paths(_ bytes: [UInt8], origin: ArchiveReader.Origin = .ours(expecting: nil)) throws -> [String] {
        var paths: [String] = []
        _ = try ArchiveReader.list(from: MemorySource(bytes), origin: origin, stop: StopSignal()) {
            paths.append($0.path.description)
        }
        return paths.sorted()
    }
}

final class MemorySink: ByteSink {
    var bytes: [UInt8] = []
    func write(_ more: UnsafeRawBufferPointer) { bytes += more }
}

final class MemorySource: ByteSource {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, bytes.count - position)
        buffer.copyBytes(from: bytes[position..<position + count])
        position += count
        return count
    }
}

/// Makes a folder and fills it.
func made(_ parent: String, _ name: String, _ fill: (String) throws -> Void) throws -> String {
    let path = "\(parent)/\(name)"
    guard mkdir(path, 0o755) == 0 else { throw MachineError.call("mkdir", path) }
    try fill(path)
    return path
}

/// Expects an explained error with this code.
func expectCode(_ code: String, _ comment: Comment? = nil, _ body: () throws -> Void) {
    do {
        try body()
        Issue.record("no error, where \(code) was expected")
    } catch let error as any Explained {
        #expect(error.code == code, comment)
    } catch {
        Issue.record("\(error)")
    }
}
