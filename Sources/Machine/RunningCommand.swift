import Glibc
import Synchronization

/// A program that runs, here or in a container, with its standard streams in our hands.
///
/// ``output`` ends only if the program did, and well: whoever reads to its end has all of it, or an error that says why
/// not. Reading and writing block; they belong on threads (see ``onThread(_:_:)``).
package struct RunningCommand: Sendable {
    package let input: CommandInput
    package let output: CommandOutput

    package init(input: CommandInput, output: CommandOutput) {
        self.input = input
        self.output = output
    }

    /// How a program ended, for whoever judges whether that was well.
    package struct End: Sendable {
        package let status: ChildProcess.Outcome.Status
        /// The last of what it wrote to standard error.
        package let errors: String

        package init(status: ChildProcess.Outcome.Status, errors: String) {
            self.status = status
            self.errors = errors
        }

        package var succeeded: Bool { status == .exited(0) }
    }
}

/// Whether a program has ended, and whether that was well; known to those who work at its streams.
package final class CommandVerdict: Sendable {
    private let known = Mutex<Result<Void, any Error>?>(nil)
    private let settled: Pipe

    package init() throws { settled = try Pipe("a program's end") }

    /// Says how it ended; only the first word counts.
    package func settle(_ result: Result<Void, any Error>) {
        known.withLock { known in
            guard known == nil else { return }
            known = result
            try? settled.writer.close()
        }
    }

    /// Waits for the end.
    ///
    /// - Throws: what it failed of.
    package func wait() throws {
        var waiting = pollfd(fd: settled.reader.raw, events: Int16(POLLIN), revents: 0)
        _ = retrying { poll(&waiting, 1, -1) }
        try known.withLock { $0 }?.get()
    }
}

extension ChildProcess {
    /// Runs it with its streams in the hands of `body`, and waits for its end.
    ///
    /// When `body` throws, the program is ended first; what `body` leaves unread is read and dropped.
    ///
    /// - Parameters:
    ///   - dropsOutput: whether the output is read away beside `body`, which leaves it alone then.
    ///   - judge: throws if the end was not a good one.
    /// - Throws: the error from which all else followed.
    package func withStreams<Result: Sendable>(
        dropsOutput: Bool = false, judge: @escaping @Sendable (RunningCommand.End) throws -> Void,
        _ body: @escaping @Sendable (RunningCommand) async throws -> Result
    ) async throws -> Result {
        let verdict = try CommandVerdict()
        let input = try Pipe("\(executable)'s standard input")
        let output = try Pipe("\(executable)'s standard output")
        let running = RunningCommand(
            input: CommandInput(input.writer, verdict) { try input.writer.close() },
            output: CommandOutput(output.reader, verdict))
        return try await whileRunning(running, verdict, dropsOutput: dropsOutput, body) {
            let outcome = try await run(input: .descriptor(input.reader), output: .descriptor(output.writer))
            try judge(RunningCommand.End(status: outcome.status, errors: outcome.errors))
        }
    }
}

/// Runs `body` beside `program`, which returns when the program has ended well. Both have ended when this returns.
package func whileRunning<Result: Sendable>(
    _ running: RunningCommand, _ verdict: CommandVerdict, dropsOutput: Bool,
    _ body: @escaping @Sendable (RunningCommand) async throws -> Result,
    program: @escaping @Sendable () async throws -> Void
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask {
            do {
                try await program()
                verdict.settle(.success(()))
                return nil
            } catch {
                verdict.settle(.failure(error))
                throw error
            }
        }
        group.addTask {
            let result = try await body(running)
            try running.input.end()
            if !dropsOutput { try await onThread("drain") { stop in try running.output.drop(stop) } }
            return result
        }
        if dropsOutput {
            group.addTask {
                try await onThread("drain") { stop in try running.output.drop(stop) }
                return nil
            }
        }
        var result: Result?
        var reason: (any Error)?
        // All are waited for: nobody may still be at the streams when their owner goes.
        while let next = await group.nextResult() {
            switch next {
            case .success(let value): result = result ?? value
            case .failure(let error):
                reason = reason ?? error
                group.cancelAll()
            }
        }
        if let reason { throw Task.isCancelled ? Interrupted() : reason }
        guard let result else { preconditionFailure("BUG: a program's user ended without a result") }
        return result
    }
}

extension ByteSource {
    /// Reads to the end and keeps nothing.
    fileprivate func drop(_ stop: StopSignal) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        while try read(into: buffer) > 0 { try stop.check() }
    }
}
