import Glibc
import Machine

/// libFuzzer calls this with one input after the other; what crashes, hangs or takes too much memory is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    FuzzTarget.chosen.run([UInt8](UnsafeBufferPointer(start: data, count: count)))
    return 0
}

/// A reader of bytes that a stranger, a disk or a broken program may have written.
enum FuzzTarget: String, CaseIterable {
    case manifest, records, journal, packets, settings, calendar, keys
    case archive, foreign, lines, streams
    case dump, script, globals, frames

    /// The one that `HOLDFAST_FUZZ_TARGET` names.
    static let chosen: FuzzTarget = {
        let name = getenv("HOLDFAST_FUZZ_TARGET").map { String(cString: $0) } ?? ""
        guard let target = FuzzTarget(rawValue: name) else {
            fatalError("HOLDFAST_FUZZ_TARGET is one of: \(allCases.map(\.rawValue).joined(separator: " "))")
        }
        return target
    }()

    func run(_ input: [UInt8]) {
        expectExplained {
            switch self {
            case .manifest: try readManifest(input)
            case .records: try readRecords(input)
            case .journal: try readJournal(input)
            case .packets: try readPackets(input)
            case .settings: try readSettings(input)
            case .calendar: try readCalendar(input)
            case .keys: readKeys(input)
            case .archive: try readArchive(input)
            case .foreign: try readForeignArchive(input)
            case .lines: readLines(input)
            case .streams: try readStream(input)
            case .dump: try readDump(input)
            case .script: try readScript(input)
            case .globals: try readGlobals(input)
            case .frames: try readFrames(input)
            }
        }
    }
}

/// Lets errors pass that a person can be shown: of ours, and with nothing in them that a terminal would act on.
func expectExplained(_ body: () throws -> Void) {
    do {
        try body()
    } catch let error as any Explained {
        expectPrintable(error.description)
    } catch is Expected {
    } catch {
        fatalError("not explained: \(error)")
    }
}

/// Ends the process, with words that an optimised `precondition` would keep to itself.
func check(_ isRight: Bool, _ what: @autoclosure () -> String = "") {
    if !isRight { fatalError(what()) }
}

/// A text with nothing in it that a terminal would act on rather than show.
func expectPrintable(_ text: String) {
    let acting = text.unicodeScalars.first { $0 != "\n" && $0.properties.generalCategory == .control }
    check(acting == nil, "\(acting.debugDescription) would go to a terminal: \(text)")
}

/// An end that is as good as any other.
struct Expected: Error {}

/// What `body` gives, or the code of the error that it throws.
func outcome<Value>(_ body: () throws -> Value) -> Result<Value, Code> {
    Result { try body() }.mapError { Code(text: ($0 as? any Explained)?.code ?? "\($0)") }
}

struct Code: Error, Equatable {
    let text: String
}

/// Gives `body` the input in pieces whose lengths come from the input itself, so that every cut is tried.
func inPieces(_ input: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try input.withUnsafeBytes { bytes in
        var offset = 0
        var turn = input.count
        while offset < bytes.count {
            turn = turn &* 31 &+ Int(bytes[offset])
            let end = min(bytes.count, offset + 1 + (turn & 15))
            try body(UnsafeRawBufferPointer(rebasing: bytes[offset..<end]))
            offset = end
        }
    }
}

/// An input as a stream.
final class InputSource: ByteSource, @unchecked Sendable {
    private var rest: ArraySlice<UInt8>

    init(_ input: [UInt8]) { rest = input[...] }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let part = rest.prefix(buffer.count)
        buffer.copyBytes(from: part)
        rest = rest.dropFirst(part.count)
        return part.count
    }
}
