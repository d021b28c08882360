internal import HTTPClient
package import Machine
import Synchronization

/// How a command in a container ended.
package struct ExecResult: Sendable {
    /// 126 and 127: it could not be run at all; what the engine says of that stands in ``output``.
    package let exitCode: Int
    /// The last 1 MiB of its standard output.
    package let output: [UInt8]
    /// The last 1 MiB of its standard error.
    package let errors: String
    /// Whether it printed more than is kept.
    package let isCut: Bool

    package var succeeded: Bool { exitCode == 0 }
    /// The output as text.
    package var text: String { String(decoding: output, as: UTF8.self) }
}

extension Engine {
    /// Runs a command in a running container and waits for its end. It reads nothing.
    ///
    /// - Parameters:
    ///   - command: program and arguments; no shell, unless it is `["sh", "-c", …]`.
    ///   - user: nil: the container's own.
    ///   - environment: added to the container's.
    /// - Returns: also for a command that failed: the caller judges ``ExecResult/exitCode``.
    /// - Throws: `notRunning`, `noSuchContainer`, `execFailed`, and `timeout`: the engine has no way to stop a command, so
    ///   after that (and after ``Interrupted``) it may go on in the container.
    package func exec(
        _ id: String, _ command: [String], user: String? = nil, environment: [String: Redacted] = [:],
        timeout: Duration = .seconds(600)
    ) async throws -> ExecResult {
        let collected = Collected()
        let code = try await exec(id, command, user: user, environment: environment, timeout: timeout) {
            stream, bytes in
            collected.take(stream, bytes)
        }
        return collected.result(exitCode: code)
    }

    /// The same, with what it prints handed over as it comes, on a thread of its own; returns the exit code.
    func exec(
        _ id: String, _ command: [String], user: String?, environment: [String: Redacted], timeout: Duration,
        each: @escaping @Sendable (FrameParser.Stream, UnsafeRawBufferPointer) throws -> Void
    ) async throws -> Int {
        let deadline = monotonicSeconds() + timeout.inSeconds
        let exec = try await prepare(id, command, user: user, environment: environment)
        let parser = Mutex(FrameParser())
        do {
            let start = try request(
                "POST", ["exec", exec, "start"], json: StartExec(), subject: .container(id), timeout: timeout)
            _ = try await Self.ask(client, start, socket: socket, subject: .container(id)) { bytes in
                try parser.withLock { try $0.feed(bytes, each) }
            }
        } catch is FrameParser.Malformed {
            throw DockerError.badAnswer("the output of a command is not made of frames.", socket: socket)
        } catch let error as DockerError {
            throw Self.failure(error, id, timeout)
        }
        let code = try await exitCode(exec, id, until: deadline, timeout)
        guard parser.withLock({ $0.isBetweenFrames }) else {
            throw DockerError(
                .unreachable, "The Docker engine went away in the middle of a command's output.", place: socket)
        }
        return code
    }

    /// Tells the engine what is to be run; returns the id of that.
    func prepare(
        _ id: String, _ command: [String], user: String?, environment: [String: Redacted], readsInput: Bool = false
    ) async throws -> String {
        let wanted = NewExec(
            command: command, user: user ?? "", attachInput: readsInput,
            environment: environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.exposed)" })
        do {
            let answer = try await call("POST", "containers", id, "exec", json: wanted, subject: .container(id))
            return try Self.decode(ExecID.self, answer, socket: socket).id
        } catch let error as DockerError where error.kind == .conflict {
            let state = try await container(id).state
            guard state != .running else { throw error }
            throw DockerError(
                .notRunning, "No command can be run in the container: it is \(state).", place: error.place,
                remedy: state == .paused ? "docker unpause \(id)" : "docker start \(id)")
        }
    }

    /// The output can end a moment before the command does, or long before, if it closes its output.
    func exitCode(
        _ exec: String, _ id: String, until deadline: Double, _ timeout: Duration
    ) async throws -> Int {
        var pause = Duration.milliseconds(10)
        while true {
            let facts = try await get(ExecFacts.self, "exec", exec, "json", subject: .container(id))
            if facts.isRunning != true {
                if let code = facts.exitCode { return code }
                throw DockerError(
                    .execFailed, "The command was not run to its end.", place: Subject.container(id).place,
                    remedy: "See whether the container was stopped meanwhile: docker ps -a")
            }
            guard monotonicSeconds() < deadline else { throw Self.stillRunning(id, timeout) }
            try await nap(pause)
            pause = min(pause * 2, .seconds(1))
        }
    }

    private static func failure(_ error: DockerError, _ id: String, _ timeout: Duration) -> DockerError {
        switch error.kind {
        case .timeout: stillRunning(id, timeout)
        case .refused, .conflict, .engineFailed:
            DockerError(
                .execFailed, "The command could not be run. \(error.what)", place: Subject.container(id).place)
        default: error
        }
    }

    private static func stillRunning(_ id: String, _ timeout: Duration) -> DockerError {
        DockerError(
            .timeout, "The command did not end within \(durationText(timeout.inSeconds)).",
            place: Subject.container(id).place, remedy: "It may still run: docker top \(id)")
    }
}

/// Keeps the end of what a command prints.
private final class Collected: Sendable {
    private static let limit = 1 << 20

    private struct Kept {
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var isCut = false
    }

    private let kept = Mutex(Kept())

    func take(_ stream: FrameParser.Stream, _ bytes: UnsafeRawBufferPointer) {
        kept.withLock { kept in
            switch stream {
            case .output: Self.append(bytes, to: &kept.output, &kept.isCut)
            case .errors: Self.append(bytes, to: &kept.errors, &kept.isCut)
            }
        }
    }

    func result(exitCode: Int) -> ExecResult {
        kept.withLock { kept in
            ExecResult(
                exitCode: exitCode, output: Array(kept.output.suffix(Self.limit)),
                errors: String(decoding: kept.errors.suffix(Self.limit), as: UTF8.self),
                isCut: kept.isCut || max(kept.output.count, kept.errors.count) > Self.limit)
        }
    }

    private static func append(_ bytes: UnsafeRawBufferPointer, to kept: inout [UInt8], _ isCut: inout Bool) {
        kept += bytes
        guard kept.count > 2 * limit else { return }
        kept.removeFirst(kept.count - limit)
        isCut = true
    }
}

private struct NewExec: Encodable {
    let command: [String]
    let user: String
    let attachInput: Bool
    let environment: [String]
    let attachOutput = true
    let attachErrors = true

    enum CodingKeys: String, CodingKey {
        case command = "Cmd", user = "User", environment = "Env"
        case attachInput = "AttachStdin", attachOutput = "AttachStdout", attachErrors = "AttachStderr"
    }
}

struct StartExec: Encodable {
    let isDetached = false
    let hasTerminal = false

    enum CodingKeys: String, CodingKey { case isDetached = "Detach", hasTerminal = "Tty" }
}

private struct ExecID: Decodable {
    let id: String

    enum CodingKeys: String, CodingKey { case id = "Id" }
}

private struct ExecFacts: Decodable {
    let isRunning: Bool?
    let exitCode: Int?

    enum CodingKeys: String, CodingKey { case isRunning = "Running", exitCode = "ExitCode" }
}
