import Databases
import Docker
import Machine

@testable import Archives

// Readers of streams: archives, compressed data, dumps, frames.

/// An archive of ours.
func readArchive(_ input: [UInt8]) throws { try read(summed(input), .ours(expecting: nil)) }

/// A stranger's archive, with all that a person can allow it.
func readForeignArchive(_ input: [UInt8]) throws {
    var policy = ForeignPolicy()
    let allowed = input.last ?? 0
    policy.allowDevices = allowed & 1 != 0
    policy.allowSetID = allowed & 2 != 0
    policy.allowEscapingLinks = allowed & 4 != 0
    try read(summed(input), .foreign(policy))
}

/// Every entry has a name that stays in the tree, and that a terminal can show.
private func read(_ input: [UInt8], _ origin: ArchiveReader.Origin) throws {
    let report = try ArchiveReader.list(from: InputSource(input), origin: origin, stop: StopSignal()) { entry in
        let parts = entry.path.components
        check(entry.path.bytes.first != UInt8(ascii: "/") && !parts.contains { $0.elementsEqual("..".utf8) })
        expectPrintable(entry.path.description)
    }
    expectPrintable((report.notes + [report.identity?.description ?? ""]).joined())
}

/// The input with the right sum in everything that looks like a tar header: luck alone would never get past it.
private func summed(_ input: [UInt8]) -> [UInt8] {
    var tar = input
    for start in stride(from: 0, to: tar.count - 511, by: 512)
    where tar[(start + 257)..<(start + 262)].elementsEqual("ustar".utf8) {
        tar.replaceSubrange((start + 148)..<(start + 156), with: Array(repeating: 0x20, count: 8))
        let digits = String(tar[start..<(start + 512)].reduce(0) { $0 + Int($1) }, radix: 8)
        let sum = String(repeating: "0", count: 6 - digits.count) + digits
        tar.replaceSubrange((start + 148)..<(start + 155), with: Array(sum.utf8) + [0])
    }
    return tar
}

/// Small texts that stand inside archives: a manifest's lines, ACLs, numbers, times.
func readLines(_ input: [UInt8]) {
    for (_, value) in FlatJSON.members(input[...]) {
        _ = FlatJSON.string(value)
        _ = FlatJSON.base64(value)
    }
    _ = firstDifference(input[..<(input.count / 2)], input[(input.count / 2)...])
    _ = outcome { try ControlRecord(parsing: input, isEnd: true) }
    if let kernel = AccessList.kernel(of: input) {
        let text = kernel.withUnsafeBytes { AccessList.text(of: $0) }
        check(text.flatMap(AccessList.kernel) == kernel, "an ACL that was read and written is another one")
    }
    input.withUnsafeBytes { kernel in
        guard let text = AccessList.text(of: kernel), !text.isEmpty else { return }
        check(AccessList.kernel(of: text) != nil, "an ACL that is written cannot be read")
    }
    _ = AccessList.mask(of: input)
    _ = TarDecoder.unescaped(input[...])
    if let moment = time(input[...]) {
        var text: [UInt8] = []
        text.append(moment, trimmed: true)
        check(time(text[...]) == moment, "a time that was read and written is another one")
    }
}

/// zstd, gzip, xz, bzip2, or nothing.
func readStream(_ input: [UInt8]) throws {
    try CompressedStream.withPlain(InputSource(input)) { plain in
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        var count = 0
        while case let more = try plain.read(into: buffer), more > 0 {
            count += more
            // A bomb is no finding: nothing is kept.
            if count > 8 << 20 { throw Expected() }
        }
    }
}

/// However a dump is cut into pieces, the reader says the same.
func readDump(_ input: [UInt8]) throws {
    let whole = outcome {
        var reader = DumpReader()
        try reader.take(input)
        return try reader.finish()
    }
    let pieces = outcome {
        var reader = DumpReader()
        try inPieces(input) { try reader.take($0) }
        return try reader.finish()
    }
    check(whole == pieces, "\(whole) or, in pieces, \(pieces)")
}

/// The same of a script, and of what is passed on of it; of two reasons to refuse it either may come first.
func readScript(_ input: [UInt8]) throws {
    func read(_ take: (ScriptReader) throws -> Void) -> (Result<ScriptSummary, Code>, [UInt8]) {
        let sink = KeptSink()
        let reader = ScriptReader(database: "n8n", to: sink)
        let summary = outcome {
            try take(reader)
            return try reader.finish()
        }
        return (summary, sink.bytes)
    }
    let (whole, passed) = read { try $0.take(input) }
    let (pieces, passedInPieces) = read { reader in try inPieces(input) { try reader.take($0) } }
    switch (whole, pieces) {
    case (.success(let one), .success(let other)):
        check(one == other && passed == passedInPieces, "what was passed on depends on the pieces")
    case (.failure, .failure): break
    default: fatalError("\(whole) or, in pieces, \(pieces)")
    }
}

private final class KeptSink: ByteSink {
    var bytes: [UInt8] = []
    func write(_ more: UnsafeRawBufferPointer) { bytes += more }
}

func readGlobals(_ input: [UInt8]) throws { _ = try PostgresGlobals(script: input).shown }

/// However the engine's frames are cut into pieces, the payload is the same.
func readFrames(_ input: [UInt8]) throws {
    func payload(_ feed: (inout FrameParser, (FrameParser.Stream, UnsafeRawBufferPointer) -> Void) throws -> Void)
        -> Result<[FrameParser.Stream: [UInt8]], Code>
    {
        var parser = FrameParser()
        var payload: [FrameParser.Stream: [UInt8]] = [:]
        return outcome {
            try feed(&parser) { payload[$0, default: []] += $1 }
            return payload
        }
    }
    let whole = payload { parser, each in try input.withUnsafeBytes { try parser.feed($0, each) } }
    let pieces = payload { parser, each in try inPieces(input) { try parser.feed($0, each) } }
    check(whole == pieces, "\(whole) or, in pieces, \(pieces)")
}
