import Glibc
import Synchronization

/// A source that can be waited for.
package protocol WaitableSource: ByteSource {
    /// Waits until something can be read, or the end is there.
    ///
    /// - Returns: false if that took longer than `seconds`.
    func wait(seconds: Double) throws -> Bool
}

extension Descriptor: WaitableSource {
    package func wait(seconds: Double) throws -> Bool {
        var waiting = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
        let count = retrying { poll(&waiting, 1, Int32(min(seconds * 1000, 2e9))) }
        guard count >= 0 else { throw MachineError.call("wait for", path) }
        return count > 0
    }
}

/// What a program writes to standard output.
///
/// - Note: `@unchecked Sendable`: read by one thread at a time; the parts are safe by themselves.
package final class CommandOutput: ByteSource, @unchecked Sendable {
    private let source: any WaitableSource
    private let verdict: CommandVerdict
    private let ended: @Sendable () -> Void
    private var isAtEnd = false
    private let patience = Mutex<Double?>(nil)

    /// - Parameter ended: called when the stream is over, before the verdict is waited for.
    package init(_ source: any WaitableSource, _ verdict: CommandVerdict, ended: @escaping @Sendable () -> Void = {}) {
        self.source = source
        self.verdict = verdict
        self.ended = ended
    }

    /// From now on reading throws when the program says nothing for so long.
    package func giveUp(afterSilenceOf seconds: Double) { patience.withLock { $0 = seconds } }

    /// - Throws: what the program failed of, in place of an end; or that its output broke off.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if buffer.isEmpty { return 0 }
        if !isAtEnd {
            do {
                if let limit = patience.withLock({ $0 }), try !source.wait(seconds: limit) {
                    throw MachineError(
                        code: "machine.silent", what: "The program has said nothing for \(durationText(limit)).",
                        remedy: "See what it waits for: a hung server, a network that is gone.")
                }
                let count = try source.read(into: buffer)
                if count > 0 { return count }
                isAtEnd = true
                ended()
            } catch let error as MachineError where error.code == "machine.silent" {
                throw error
            } catch {
                isAtEnd = true
                ended()
                try verdict.wait()
                throw error
            }
        }
        try verdict.wait()
        return 0
    }
}

/// What a program reads from standard input.
package final class CommandInput: ByteSink, Sendable {
    private let sink: any ByteSink & Sendable
    private let verdict: CommandVerdict
    private let finish: @Sendable () throws -> Void

    /// - Parameter finish: tells the program that nothing follows; may be called twice.
    package init(
        _ sink: any ByteSink & Sendable, _ verdict: CommandVerdict, finish: @escaping @Sendable () throws -> Void
    ) {
        self.sink = sink
        self.verdict = verdict
        self.finish = finish
    }

    /// Writes; what a program that has already ended well did not read, it had no need of.
    ///
    /// - Throws: what the program failed of, if it reads no more.
    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        do {
            try sink.write(bytes)
        } catch let error as MachineError where [EPIPE, ECONNRESET].contains(error.errno) {
            try verdict.wait()
        }
    }

    /// Tells the program that nothing follows.
    package func end() throws { try finish() }
}
