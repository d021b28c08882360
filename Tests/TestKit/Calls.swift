internal import Glibc
internal import Machine

/// A system call that a program made, as `Tests/Real/calls.c` writes it down.
package struct Call: Sendable, Hashable, CustomStringConvertible {
    /// `create`, `write`, `sync`, `rename`, …
    package let op: String
    /// Absolute, where it can be known; `unix:PATH` of a socket.
    package let path: String
    /// The second path, of a rename.
    package let other: String
    /// The beginning of what was written or sent, unprintable bytes as dots.
    package let text: String

    package var description: String {
        ([op, path] + (other.isEmpty ? [] : [other]) + (text.isEmpty ? [] : [String(text.prefix(60))]))
            .joined(separator: " ")
    }

    /// The calls of a log, in their order.
    package static func read(_ path: String) -> [Call] {
        String(decoding: contents(of: path) ?? [], as: UTF8.self).split(separator: "\n").compactMap { line in
            let fields = line.split(separator: "\t", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
            return fields.count == 4 ? Call(op: fields[0], path: fields[1], other: fields[2], text: fields[3]) : nil
        }
    }
}

/// Which calls are meant: all that fit one of its patterns.
package struct CallRule: Sendable, Hashable {
    fileprivate var lines: [String]

    /// Calls of these kinds, separated by commas, `*` for all; patterns are those of fnmatch(3), and `*` matches slashes.
    package init(_ ops: String, _ path: String = "*", text: String = "*") { lines = ["\(ops)\t\(path)\t\(text)"] }

    /// Those of both.
    package static func + (one: CallRule, other: CallRule) -> CallRule {
        var both = one
        both.lines += other.lines
        return both
    }

    /// Whether a call is meant.
    package func fits(_ call: Call) -> Bool {
        lines.contains { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            return (fields[0] == "*" || fields[0].split(separator: ",").contains { $0 == call.op })
                && (fnmatch(fields[1], call.path, 0) == 0
                    || !call.other.isEmpty && fnmatch(fields[1], call.other, 0) == 0)
                && fnmatch(fields[2], call.text, 0) == 0
        }
    }
}

/// What becomes of a call.
package struct CallDeed: Sendable {
    fileprivate let word: String
    fileprivate var isAfter = false
    fileprivate var isLasting = false

    /// The process is gone before the call is made.
    package static let kill = CallDeed(word: "kill")
    /// So is all of its process group: its children, too.
    package static let killGroup = CallDeed(word: "kill-group")
    /// The process stands still before the call, until it gets SIGCONT.
    package static let stop = CallDeed(word: "stop")
    /// Half of what is to be read or written is.
    package static let short = CallDeed(word: "short")
    /// The call is not made, and fails.
    package static func error(_ number: Int32) -> CallDeed { CallDeed(word: "error=\(number)") }

    /// The same once the call is made: killed after it, or told that it failed although it did not.
    package var afterwards: CallDeed {
        var deed = self
        deed.isAfter = true
        return deed
    }

    /// The same for all later calls that are meant.
    package var lasting: CallDeed {
        var deed = self
        deed.isLasting = true
        return deed
    }
}

extension CommandRunner {
    /// The same, writing down the calls of `program`.
    ///
    /// - Parameter log: a file; what it holds stays in front.
    package func loggingCalls(to log: String, reads: Bool = false, of program: String = "holdfast") async throws
        -> CommandRunner
    {
        var runner = try await seeingCalls(of: program)
        runner.environment["CALLS_LOG"] = log
        if reads { runner.environment["CALLS_READS"] = "1" }
        return runner
    }

    /// The same, on which `deed` is done to the `number`th of the calls that `rule` means, counted from 1 in each process
    /// of `program`, over all of its threads.
    ///
    /// - Parameter hits: a file that gets a line for each call that met the deed; ``Call/read(_:)`` reads it.
    package func doing(
        _ deed: CallDeed, at number: Int, of rule: CallRule, hits: String, of program: String = "holdfast"
    ) async throws -> CommandRunner {
        var runner = try await seeingCalls(of: program)
        runner.environment["CALLS_RULE"] = rule.lines.joined(separator: "\n")
        runner.environment["CALLS_AT"] = "\(number)" + (deed.isLasting ? "+" : "")
        runner.environment["CALLS_DEED"] = deed.word
        runner.environment["CALLS_HIT"] = hits
        if deed.isAfter { runner.environment["CALLS_AFTER"] = "1" }
        return runner
    }

    private func seeingCalls(of program: String) async throws -> CommandRunner {
        let library = try await CallsLibrary.shared.path()
        var runner = self
        let others = (environment["LD_PRELOAD"] ?? "").split(separator: ":").map(String.init)
        if !others.contains(library) { runner.environment["LD_PRELOAD"] = ([library] + others).joined(separator: ":") }
        runner.environment["CALLS_PROGRAM"] = program
        return runner
    }
}

/// `Tests/Real/calls.c`, compiled once for a test process, and gone with it.
private actor CallsLibrary {
    static let shared = CallsLibrary()

    private var making: Task<String, any Error>?

    func path() async throws -> String {
        if let making { return try await making.value }
        let task = Task {
            var template = Array("/tmp/hf-calls-XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { throw MachineError.call("make a folder", "/tmp") }
            let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
            libraryToRemove = folder
            atexit { try? Descriptor.folder("/tmp").removeTree(String(libraryToRemove.dropFirst("/tmp/".count))) }
            let library = folder + "/calls.so"
            let made = try await CommandRunner().run([
                "clang", "-O1", "-shared", "-fPIC", "-o", library, realScript("calls.c"), "-ldl",
            ])
            guard made.status == 0 else { throw TestKitError(description: "calls.c: \(made)") }
            return library
        }
        making = task
        return try await task.value
    }
}

// Written once, before the handler that reads it is set.
nonisolated(unsafe) private var libraryToRemove = ""
