package import Machine
import Synchronization

/// What `pg_dump` writes, on its way and counted as it passes.
protocol CountedSource: ByteSource, Sendable {
    /// What was in it.
    ///
    /// - Throws: when it was not read to its end, or ended early.
    func found() throws -> CountedContents
}

/// What is held against the snapshot that the dump was made in.
struct CountedContents: Sendable {
    let tables: [DumpSummary.Table]
    /// Nil where they are not counted.
    let largeObjects: Int64?
}

/// A dump in the custom format.
///
/// - Note: `@unchecked Sendable`: read by one thread at a time; what others ask for is behind the mutex.
package final class CountedDump: CountedSource, @unchecked Sendable {
    private let source: any ByteSource
    private var reader = DumpReader()
    private let counted = Mutex<DumpSummary?>(nil)

    package init(_ source: any ByteSource) { self.source = source }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = try source.read(into: buffer)
        if count > 0 {
            try reader.take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        } else if counted.withLock({ $0 == nil }), !buffer.isEmpty {
            let summary = try reader.finish()
            counted.withLock { $0 = summary }
        }
        return count
    }

    /// What was in it; a dump that was not read to its end has none.
    package func summary() throws -> DumpSummary {
        guard let summary = counted.withLock({ $0 }) else {
            throw DatabaseError(.dumpIncomplete, "The dump was not read to its end.")
        }
        return summary
    }

    func found() throws -> CountedContents {
        let summary = try summary()
        return CountedContents(tables: summary.tables, largeObjects: Int64(summary.largeObjects))
    }
}

/// A dump as an SQL script, which passes as it is.
///
/// - Note: `@unchecked Sendable`: read by one thread at a time; what others ask for is behind the mutex.
package final class CountedScript: CountedSource, @unchecked Sendable {
    private let source: any ByteSource
    private let reader = ScriptReader(database: nil, to: Nowhere())
    private let counted = Mutex<ScriptSummary?>(nil)

    package init(_ source: any ByteSource) { self.source = source }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = try source.read(into: buffer)
        if count > 0 {
            try reader.take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        } else if counted.withLock({ $0 == nil }), !buffer.isEmpty {
            let summary = try reader.finish()
            counted.withLock { $0 = summary }
        }
        return count
    }

    /// What was in it; a script that was not read to its end has none.
    package func summary() throws -> ScriptSummary {
        guard let summary = counted.withLock({ $0 }) else {
            throw DatabaseError(.dumpIncomplete, "The script was not read to its end.")
        }
        return summary
    }

    func found() throws -> CountedContents {
        let summary = try summary()
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
