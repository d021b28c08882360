package import Machine
import Synchronization

/// What `pg_dump` writes, on its way and counted as it passes.
///
/// - Note: `@unchecked Sendable`: read by one thread at a time; what others ask for is behind the mutex.
package final class CountedSource<Counter: DumpCounter>: ByteSource, @unchecked Sendable {
    private let source: any ByteSource
    private var counter = Counter.make()
    private let counted = Mutex<Counter.Summary?>(nil)

    package init(_ source: any ByteSource) { self.source = source }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = try source.read(into: buffer)
        if count > 0 {
            try counter.take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        } else if counted.withLock({ $0 == nil }), !buffer.isEmpty {
            let summary = try counter.finish()
            counted.withLock { $0 = summary }
        }
        return count
    }

    /// What was in it; a dump that was not read to its end has none.
    package func summary() throws -> Counter.Summary {
        guard let summary = counted.withLock({ $0 }) else {
            throw DatabaseError(.dumpIncomplete, "The dump was not read to its end.")
        }
        return summary
    }

    /// - Throws: also when it ended early.
    func found() throws -> CountedContents { try Counter.contents(of: summary()) }
}

/// In the custom format.
package typealias CountedDump = CountedSource<DumpReader>
/// As an SQL script, which passes as it is.
package typealias CountedScript = CountedSource<ScriptReader>

/// Reads a dump piece by piece, and sums up what was in it.
package protocol DumpCounter: SendableMetatype {
    associatedtype Summary: Sendable

    static func make() -> Self
    mutating func take(_ bytes: UnsafeRawBufferPointer) throws
    func finish() throws -> Summary
    /// - Throws: when the dump ended early.
    static func contents(of summary: Summary) throws -> CountedContents
}

/// What is held against the snapshot that the dump was made in.
package struct CountedContents: Sendable {
    let tables: [DumpSummary.Table]
    /// Nil where they are not counted.
    let largeObjects: Int64?
}

extension DumpReader: DumpCounter {
    package static func make() -> DumpReader { DumpReader() }

    package static func contents(of summary: DumpSummary) -> CountedContents {
        CountedContents(tables: summary.tables, largeObjects: Int64(summary.largeObjects))
    }
}

extension ScriptReader: DumpCounter {
    package static func make() -> ScriptReader { ScriptReader(database: nil, to: Nowhere()) }

    package static func contents(of summary: ScriptSummary) throws -> CountedContents {
        guard summary.endsWell else {
            throw DatabaseError(.dumpIncomplete, "The script ended well, but without pg_dump’s closing line.")
        }
        return CountedContents(tables: summary.tables, largeObjects: nil)
    }
}

/// Takes what nobody wants.
private struct Nowhere: ByteSink {
    func write(_ bytes: UnsafeRawBufferPointer) {}
}
