internal import FoundationEssentials
package import Glibc
package import Machine

/// Runs the built `holdfast`, or another program, as a person or cron would: as a process of its own, in an environment that
/// says nothing but what the test says.
package struct CommandRunner: Sendable {
    /// Beside `PATH` and `LANG`, all that the process gets.
    package var environment: [String: String]
    /// The working directory; nil: the test's own.
    package var folder: String?
    /// Programs to run it under, each with its arguments: `["strace", "-f"]`.
    package var wrapper: [String]

    package init(environment: [String: String] = [:], folder: String? = nil, wrapper: [String] = []) {
        self.environment = environment
        self.folder = folder
        self.wrapper = wrapper
    }

    /// The built program: `$HOLDFAST_BINARY`, or what lies beside the test bundle.
    package static let binary: String = {
        if let named = getenv("HOLDFAST_BINARY"), named.pointee != 0 { return String(cString: named) }
        return built("holdfast")
    }()

    /// A program of this package that lies beside the test bundle.
    package static func built(_ name: String) -> String {
        guard let resolved = realpath("/proc/self/exe", nil) else { return name }
        defer { free(resolved) }
        let bundle = String(cString: resolved)
        return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/" + name
    }

    /// How a process ended and what it said.
    package struct Outcome: Sendable, CustomStringConvertible {
        /// The exit status; 128 and the signal's number if one killed it.
        package let status: Int32
        package let output: String
        package let errors: String

        /// What it printed with `--json`.
        package func json() throws -> JSONValue {
            do {
                return try JSONDecoder().decode(JSONValue.self, from: Data(output.utf8))
            } catch {
                throw TestKitError(description: "no JSON: \(self)")
            }
        }

        package var description: String { "exit status \(status)\n--- output\n\(output)\n--- errors\n\(errors)" }
    }

    /// Runs `holdfast` with these arguments to its end.
    package func callAsFunction(_ arguments: String..., input: [UInt8] = []) async throws -> Outcome {
        try await run([Self.binary] + arguments, input: input)
    }

    /// Runs `holdfast` with these arguments to its end.
    package func run(_ arguments: [String], input: [UInt8] = []) async throws -> Outcome {
        try await start(arguments, input: input).wait()
    }

    /// Starts a program; the first of `arguments` is its name or path.
    package func start(_ arguments: [String], input: [UInt8] = []) throws -> Running {
        let stdin = try Pipe("standard input")
        precondition(input.count < 60_000, "BUG: more than a pipe holds")
        try stdin.writer.write(input)
        try stdin.writer.close()
        return try start(arguments, reading: stdin.reader)
    }

    /// Starts a program that reads from `stdin`.
    package func start(_ arguments: [String], reading stdin: Descriptor) throws -> Running {
        let (output, errors) = (try unnamedFile(), try unnamedFile())
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (descriptor, number) in [(stdin, 0), (output, 1), (errors, 2)] {
            posix_spawn_file_actions_adddup2(&actions, descriptor.raw, Int32(number))
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var usual = sigset_t()
        sigemptyset(&usual)
        for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP] { sigaddset(&usual, signal) }
        posix_spawnattr_setsigdefault(&attributes, &usual)
        // A process group of its own, so that nothing that a test sends reaches the test.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))
        // env(1) becomes what it starts, so that the process id is the right one.
        let words = (folder.map { ["env", "-C", $0] } ?? []) + wrapper + arguments
        let variables = surroundings.merging(environment) { _, own in own }
        var pid = pid_t()
        let result = withStrings(words) { argv in
            withStrings(variables.map { "\($0.key)=\($0.value)" }) { envp in
                posix_spawnp(&pid, words[0], &actions, &attributes, argv, envp)
            }
        }
        guard result == 0 else { throw MachineError.call("run", words[0], errno: result) }
        return Running(pid: pid, output: output, errors: errors, words: words)
    }

    private var surroundings: [String: String] {
        ["PATH": getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin", "LANG": "C.UTF-8"]
    }
}

/// A process that a test started.
package final class Running: Sendable {
    package let pid: pid_t
    private let output: Descriptor
    private let errors: Descriptor
    private let words: [String]

    fileprivate init(pid: pid_t, output: Descriptor, errors: Descriptor, words: [String]) {
        self.pid = pid
        self.output = output
        self.errors = errors
        self.words = words
    }

    /// Sends it a signal.
    package func signal(_ number: Int32) { kill(pid, number) }

    /// What it has said so far on standard error.
    package func errorsSoFar() throws -> String { try text(errors) }

    /// Waits for its end, once.
    ///
    /// - Throws: when it takes longer than anything here should; it is killed then.
    package func wait() async throws -> CommandRunner.Outcome {
        let (pid, words) = (pid, words)
        let status = try await withDeadline(Self.patience) {
            try await withTaskCancellationHandler {
                try await onThread("wait") { _ in
                    var status: Int32 = 0
                    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
                    return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
                }
            } onCancel: {
                kill(pid, SIGKILL)
            }
        } late: {
            TestKitError(description: "it hangs: \(words.joined(separator: " "))")
        }
        return CommandRunner.Outcome(status: status, output: try text(output), errors: try text(errors))
    }

    private func text(_ file: Descriptor) throws -> String {
        let again = try Descriptor.open("/proc/self/fd/\(file.raw)", O_RDONLY)
        return String(decoding: try again.readAll(limit: 64 << 20), as: UTF8.self)
    }

    private static let patience = 120.0
}

/// A file for what a process says; it has no name, so that nothing stays.
private func unnamedFile() throws -> Descriptor {
    let path = "/tmp/hf-said-\(randomBytes(8).hex)"
    let file = try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL)
    unlink(path)
    return file
}

private func withStrings<Result>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
    for (index, string) in strings.enumerated() { (pointers + index).initialize(to: strdup(string)) }
    (pointers + strings.count).initialize(to: nil)
    defer {
        for index in strings.indices { free(pointers[index]) }
        pointers.deallocate()
    }
    return body(pointers)
}

/// JSON of any shape; what is not there is `null`.
package enum JSONValue: Decodable, Equatable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    package init(from decoder: any Decoder) throws {
        let one = try decoder.singleValueContainer()
        if one.decodeNil() {
            self = .null
        } else if let value = try? one.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? one.decode(Double.self) {
            self = .number(value)
        } else if let value = try? one.decode(String.self) {
            self = .string(value)
        } else if let value = try? one.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try one.decode([String: JSONValue].self))
        }
    }

    package subscript(_ key: String) -> JSONValue {
        guard case .object(let fields) = self else { return .null }
        return fields[key] ?? .null
    }

    package subscript(_ index: Int) -> JSONValue {
        guard case .array(let values) = self, values.indices.contains(index) else { return .null }
        return values[index]
    }

    /// The elements of an array; none for anything else.
    package var all: [JSONValue] { if case .array(let values) = self { values } else { [] } }
    package var keys: [String] { if case .object(let fields) = self { fields.keys.sorted() } else { [] } }
    package var string: String? { if case .string(let text) = self { text } else { nil } }
    package var int: Int? { if case .number(let value) = self { Int(value) } else { nil } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
}
