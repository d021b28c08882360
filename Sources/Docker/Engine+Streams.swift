import Glibc
internal import HTTPClient
package import Machine
import Synchronization

extension Engine {
    /// Runs a command in a running container with its streams in the hands of `body`, and waits for its end.
    ///
    /// When `body` throws, or the task is cancelled, the connection is closed; the engine has no way to stop a command, so
    /// it may go on in the container until it notices.
    ///
    /// - Parameters:
    ///   - command: program and arguments; no shell.
    ///   - dropsOutput: whether the output is read away beside `body`: standard error comes the same way, and what nobody
    ///     reads keeps all of us waiting.
    ///   - judge: throws if the end was not a good one.
    /// - Throws: as ``exec(_:_:user:environment:timeout:)`` does, and the error from which all else followed.
    package func execWithStreams<Result: Sendable>(
        _ id: String, _ command: [String], user: String? = nil, environment: [String: Redacted] = [:],
        dropsOutput: Bool = false, judge: @escaping @Sendable (RunningCommand.End) throws -> Void,
        _ body: @escaping @Sendable (RunningCommand) async throws -> Result
    ) async throws -> Result {
        let exec = try await prepare(id, command, user: user, environment: environment, readsInput: true)
        let (socket, first) = try await open(exec, of: id)
        let frames = ExecFrames(socket, first: first)
        let verdict = try CommandVerdict()
        let over = Event()
        let running = RunningCommand(
            input: CommandInput(socket, verdict) { shutdown(socket.raw, Int32(SHUT_WR)) },
            output: CommandOutput(frames, verdict) { over.happen() })
        return try await whileRunning(running, verdict, dropsOutput: dropsOutput, body) {
            await withTaskCancellationHandler {
                await over.wait()
            } onCancel: {
                shutdown(socket.raw, Int32(SHUT_RDWR))
                over.happen()
            }
            if Task.isCancelled { throw Interrupted() }
            let code = try await exitCode(
                exec, id, until: monotonicSeconds() + Self.lastMoments.inSeconds, Self.lastMoments)
            try judge(RunningCommand.End(status: .exited(Int32(clamping: code)), errors: frames.errors))
            guard frames.isBetweenFrames else {
                throw DockerError(
                    .unreachable, "The Docker engine went away in the middle of a command's output.",
                    place: self.socket)
            }
        }
    }

    private func open(_ exec: String, of id: String) async throws -> (Descriptor, [UInt8]) {
        let start = try request(
            "POST", ["exec", exec, "start"], json: StartExec(), subject: .container(id), timeout: nil)
        do {
            switch try await client.upgrade(start) {
            case .open(let socket, let first): return (socket, first)
            case .refused(let answer):
                throw DockerError(
                    .execFailed,
                    "The command could not be run: the engine answers \(answer.status) \(printable(String(decoding: answer.body, as: UTF8.self))).",
                    place: Subject.container(id).place)
            }
        } catch let error as HTTPError {
            throw DockerError(error, socket: socket, subject: .container(id))
        }
    }

    /// How long a command may take to end once its output has.
    private static let lastMoments = Duration.seconds(30)
}

/// Takes a command's output out of the frames on its connection; what is for standard error is put aside.
///
/// - Note: `@unchecked Sendable`: read by one thread; what others ask for is behind the mutex.
private final class ExecFrames: WaitableSource, @unchecked Sendable {
    private let socket: Descriptor
    private var first: ArraySlice<UInt8>
    private var header = [UInt8](repeating: 0, count: 8)
    private var left = 0
    private var isErrors = false
    private let shared = Mutex((errors: [UInt8](), isBetweenFrames: true))

    init(_ socket: Descriptor, first: [UInt8]) {
        self.socket = socket
        self.first = first[...]
    }

    /// The last of standard error so far.
    var errors: String { shared.withLock { String(decoding: $0.errors.suffix(Self.errorLimit), as: UTF8.self) } }
    var isBetweenFrames: Bool { shared.withLock { $0.isBetweenFrames } }

    func wait(seconds: Double) throws -> Bool { try !first.isEmpty || socket.wait(seconds: seconds) }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            if left == 0 {
                guard try readHeader() else { return 0 }
                continue
            }
            if isErrors {
                try readErrors()
                continue
            }
            let count = try receive(UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, left)]))
            if count == 0 { return 0 }
            took(count)
            return count
        }
    }

    /// - Returns: false at the stream's end.
    private func readHeader() throws -> Bool {
        let whole = try header.withUnsafeMutableBytes { header in
            var filled = 0
            while filled < header.count {
                let count = try receive(UnsafeMutableRawBufferPointer(rebasing: header[filled...]))
                if count == 0 {
                    shared.withLock { $0.isBetweenFrames = filled == 0 }
                    return false
                }
                filled += count
            }
            return true
        }
        guard whole else { return false }
        do {
            let (stream, length) = try FrameParser.read(header: header)
            isErrors = stream == .errors
            left = length
        } catch {
            throw DockerError.badAnswer("the output of a command is not made of frames.", socket: socket.path)
        }
        shared.withLock { $0.isBetweenFrames = left == 0 }
        return true
    }

    private func readErrors() throws {
        var bytes = [UInt8](repeating: 0, count: min(left, 1 << 16))
        let count = try bytes.withUnsafeMutableBytes { try receive($0) }
        guard count > 0 else {
            left = 0
            return
        }
        took(count)
        shared.withLock { shared in
            shared.errors += bytes[..<count]
            if shared.errors.count > 2 * Self.errorLimit {
                shared.errors.removeFirst(shared.errors.count - Self.errorLimit)
            }
        }
    }

    private func took(_ count: Int) {
        left -= count
        if left == 0 { shared.withLock { $0.isBetweenFrames = true } }
    }

    private func receive(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard !first.isEmpty else { return try socket.read(into: buffer) }
        let bytes = first.prefix(buffer.count)
        buffer.copyBytes(from: bytes)
        first = first.dropFirst(bytes.count)
        return bytes.count
    }

    private static let errorLimit = 64 << 10
}

/// Something that happens once, and that one task waits for.
private final class Event: Sendable {
    private enum State {
        case coming
        case awaited(CheckedContinuation<Void, Never>)
        case happened
    }

    private let state = Mutex(State.coming)

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if case .happened = state { return true }
                state = .awaited(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    func happen() {
        let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { state = .happened }
            if case .awaited(let continuation) = state { return continuation }
            return nil
        }
        waiting?.resume()
    }
}
