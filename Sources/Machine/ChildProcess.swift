import Glibc
internal import Subprocess
internal import SystemPackage

/// A program to run: what it is called with, never through a shell.
///
/// Children get a process group of their own, so that Ctrl-C reaches holdfast alone, which then ends them in order; no
/// descriptor but the three standard ones; and `LC_ALL=C`. Cancelling the task sends SIGTERM, then SIGKILL.
package struct ChildProcess: Sendable {
    /// A name looked up in `PATH`, or a path.
    package var executable: String
    package var arguments: [String]
    /// Added to the environment that we have ourselves.
    package var environment: [String: String]

    package init(_ executable: String, _ arguments: [String], environment: [String: String] = [:]) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
    }

    /// What the child reads. A descriptor is closed here as soon as the child has it.
    package enum Input: Sendable {
        case nothing
        case bytes([UInt8])
        case descriptor(Descriptor)
    }

    /// Where the child's standard output goes. A descriptor is closed here as soon as the child has it.
    package enum Output: Sendable {
        /// Kept in ``Outcome/output``; more than `limit` bytes are an error.
        case collected(limit: Int)
        case descriptor(Descriptor)
    }

    /// How it ended.
    package struct Outcome: Sendable {
        package enum Status: Sendable, Equatable, CustomStringConvertible {
            case exited(Int32)
            case signalled(Int32)

            package var description: String {
                switch self {
                case .exited(let code): "exit status \(code)"
                case .signalled(let signal): "killed by signal \(signal)"
                }
            }
        }

        package let status: Status
        package let output: [UInt8]
        /// The last 64 KiB of standard error.
        package let errors: String

        package var succeeded: Bool { status == .exited(0) }
        /// The output as text.
        package var text: String { String(decoding: output, as: UTF8.self) }
    }

    /// Runs it to its end. What it started itself and left running is not waited for.
    ///
    /// - Returns: also for a child that failed: the caller judges ``Outcome/status``.
    /// - Throws: ``MachineError`` when it could not be started or its output was too long; ``Interrupted``.
    package func run(input: Input = .nothing, output: Output = .collected(limit: 16 << 20)) async throws -> Outcome {
        // All descriptors first: after the first thread has started, nothing but the child may keep it waiting.
        let end = try Pipe("\(executable)'s end")
        let errors = try Pipe("\(executable)'s standard error")
        let feeding: Descriptor
        var feed: ChildInput?
        switch input {
        case .nothing: feeding = try .open("/dev/null", O_RDONLY)
        case .descriptor(let descriptor): feeding = descriptor
        case .bytes(let bytes):
            let pipe = try Pipe("\(executable)'s standard input")
            feeding = pipe.reader
            feed = ChildInput(bytes: bytes, writer: pipe.writer, watch: ChildWatch(end.reader))
        }
        let drained: Descriptor
        var drain: (output: ChildOutput, limit: Int)?
        switch output {
        case .descriptor(let descriptor): drained = descriptor
        case .collected(let limit):
            let pipe = try Pipe("\(executable)'s standard output")
            drained = pipe.writer
            drain = (ChildOutput(reader: pipe.reader, watch: ChildWatch(end.reader)), limit)
        }
        let talk = ChildOutput(reader: errors.reader, watch: ChildWatch(end.reader))
        async let collectedErrors = onThread("stderr") { _ in try talk.tail(64 << 10) }
        async let fed: Void = Self.feed(feed)
        async let collected = Self.drain(drain)
        let status = try await spawn(feeding, drained, errors.writer, end: end.writer)
        if Task.isCancelled, status != .exited(0) { throw Interrupted() }
        _ = try await fed
        return Outcome(status: status, output: try await collected, errors: try await collectedErrors)
    }

    private func spawn(
        _ input: Descriptor, _ output: Descriptor, _ errors: Descriptor, end: Descriptor
    ) async throws -> Outcome.Status {
        // Ours are closed on every way out: a writer left open here would keep the readers waiting for ever.
        defer { for descriptor in [input, output, errors, end] { try? descriptor.close() } }
        // Looked up here: Subprocess would fork once for each folder of PATH, to see what happens.
        guard let program = Program.find(executable, in: environment["PATH"]) else { throw cannotRun }
        var options = PlatformOptions()
        options.processGroupID = 0
        // The whole group: what a child started would otherwise live on.
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(2))
        ]
        var changes: [Environment.Key: String?] = ["LC_ALL": "C"]
        for (name, value) in environment { changes[Environment.Key(stringLiteral: name)] = value }
        do {
            let result = try await Subprocess.run(
                .path(FilePath(program)),
                arguments: Arguments(arguments),
                environment: .inherit.updating(changes),
                platformOptions: options,
                input: .fileDescriptor(FileDescriptor(rawValue: input.raw), closeAfterSpawningProcess: false),
                output: .fileDescriptor(FileDescriptor(rawValue: output.raw), closeAfterSpawningProcess: false),
                error: .fileDescriptor(FileDescriptor(rawValue: errors.raw), closeAfterSpawningProcess: false)
            ) { execution in
                // The child has its copies: without closing ours, nobody would ever see an end of file.
                for descriptor in [input, output, errors] { try? descriptor.close() }
                return execution.processIdentifier.value
            }
            // The child ended at SIGTERM, but perhaps not all that it started did.
            if Task.isCancelled { kill(-result.closureResult, SIGKILL) }
            switch result.terminationStatus {
            case .exited(let code): return .exited(code)
            case .signaled(let signal): return .signalled(signal)
            }
        } catch let error as SubprocessError {
            if Task.isCancelled { throw Interrupted() }
            guard error.code != .executableNotFound else { throw cannotRun }
            throw MachineError(code: "machine.cannot-run", what: "Could not run \(executable): \(error)")
        } catch is CancellationError {
            throw Interrupted()
        }
    }

    private var cannotRun: MachineError {
        MachineError(
            code: "machine.cannot-run", what: "Could not run \(executable): it is not there, or no program.",
            remedy: "Install it (apt-get install …), or see whether PATH names its folder.")
    }

    private static func feed(_ input: ChildInput?) async throws {
        guard let input else { return }
        try await onThread("stdin") { _ in try input.write() }
    }

    private static func drain(_ drain: (output: ChildOutput, limit: Int)?) async throws -> [UInt8] {
        guard let drain else { return [] }
        return try await onThread("stdout") { _ in
            // A child that writes more than is taken must not wait for ever for somebody to read it.
            defer { try? drain.output.reader.close() }
            return try drain.output.readAll(limit: drain.limit, place: drain.output.reader.path)
        }
    }
}
