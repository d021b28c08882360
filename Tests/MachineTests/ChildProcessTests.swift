import Glibc
import Machine
import TestKit
import Testing

func shell(_ script: String, environment: [String: String] = [:]) -> ChildProcess {
    ChildProcess("sh", ["-c", script], environment: environment)
}

/// HAZARDS: a dead producer leaves a well-formed, truncated backup; every child's status and standard error are owned.
@Suite(.timeLimit(.minutes(1))) struct ChildProcessTests {
    @Test(arguments: [0, 1, 7, 255] as [Int32])
    func exitStatusIsReported(code: Int32) async throws {
        let outcome = try await shell("echo out; echo err >&2; exit \(code)").run()
        #expect(outcome.status == .exited(code))
        #expect(outcome.succeeded == (code == 0))
        #expect(outcome.text == "out\n")
        #expect(outcome.errors == "err\n")
        #expect("\(outcome.status)" == "exit status \(code)")
    }

    @Test(arguments: [SIGKILL, SIGTERM, SIGSEGV])
    func deathBySignalIsNoExitStatus(signal: Int32) async throws {
        let outcome = try await shell("kill -\(signal) $$; sleep 9").run()
        #expect(outcome.status == .signalled(signal))
        #expect(!outcome.succeeded)
        #expect("\(outcome.status)" == "killed by signal \(signal)")
    }

    @Test func longTalkOnStandardErrorNeitherStopsTheChildNorFillsUs() async throws {
        let outcome = try await shell(
            "echo first >&2; head -c 30000000 /dev/zero | tr '\\0' x >&2; echo last >&2; echo done"
        ).run()
        #expect(outcome.succeeded)
        #expect(outcome.text == "done\n")
        #expect(outcome.errors.utf8.count == 64 << 10)
        #expect(outcome.errors.hasSuffix("xxxlast\n"))
    }

    @Test(arguments: [0, 1, 4095, 4096, 4097, 1 << 20, (8 << 20) + 3])
    func inputComesBackWhole(size: Int) async throws {
        var random = SeededRandom(seed: 4)
        let bytes = (0..<size).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let outcome = try await ChildProcess("cat", []).run(input: .bytes(bytes), output: .collected(limit: size))
        #expect(outcome.succeeded)
        #expect(outcome.output == bytes)
    }

    @Test func childThatDoesNotReadItsInputEndsByItself() async throws {
        let bytes = [UInt8](repeating: 7, count: 8 << 20)
        for script in ["exit 3", "sleep 0.3; exit 3", "exec <&-; sleep 0.1; exit 3", "head -c 10 > /dev/null; exit 3"] {
            let outcome = try await shell(script).run(input: .bytes(bytes))
            #expect(outcome.status == .exited(3), "\(script)")
        }
    }

    @Test func withoutInputTheChildSeesAnEnd() async throws {
        #expect(try await ChildProcess("cat", []).run().output == [])
    }

    @Test func moreOutputThanIsTakenIsAnErrorAndEndsTheChild() async throws {
        let error = await #expect(throws: MachineError.self) {
            try await ChildProcess("yes", []).run(output: .collected(limit: 100_000))
        }
        #expect(error?.code == "machine.too-large")
        #expect(error?.place == "yes's standard output")
        let exact = try await shell("printf 12345").run(output: .collected(limit: 5))
        #expect(exact.text == "12345")
        await #expect(throws: MachineError.self) { try await shell("printf 123456").run(output: .collected(limit: 5)) }
    }

    @Test(arguments: ["holdfast-no-such-program", "/nowhere/gpg", "/etc/passwd", "/etc"])
    func missingProgramIsSaidWithARemedy(name: String) async throws {
        for input in [ChildProcess.Input.nothing, .bytes([UInt8](repeating: 0, count: 4 << 20))] {
            let error = await #expect(throws: MachineError.self) { try await ChildProcess(name, []).run(input: input) }
            #expect(error?.code == "machine.cannot-run")
            #expect(error?.what.contains(name) == true)
            #expect(error?.remedy?.contains("apt-get install") == true)
            #expect(error?.description.contains("..") == false)
        }
    }

    @Test func argumentsNeverPassThroughAShell() async throws {
        let arguments = ["$HOME", "a b", "*", "; exit 9", "", "\"'\\", "ü\n"]
        let outcome = try await ChildProcess("printf", ["[%s]"] + arguments).run()
        #expect(outcome.text == arguments.map { "[\($0)]" }.joined())
    }

    @Test func descriptorsOfTheCallerAreReadWrittenAndClosed() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            try folder.publish("in", Array("from a file".utf8))
            let input = try folder.open("in", O_RDONLY)
            let output = try folder.open("out", O_WRONLY | O_CREAT)
            let outcome = try await ChildProcess("cat", []).run(input: .descriptor(input), output: .descriptor(output))
            #expect(outcome.succeeded && outcome.output == [])
            #expect(input.raw == -1 && output.raw == -1)
            #expect(contents(of: path + "/out") == Array("from a file".utf8))
        }
    }

    @Test func descriptorsAreClosedAlsoWhenNothingCouldBeStarted() async throws {
        let pipe = try Pipe("test")
        await #expect(throws: MachineError.self) {
            try await ChildProcess("/nowhere/x", []).run(output: .descriptor(pipe.writer))
        }
        #expect(pipe.writer.raw == -1)
        #expect(try pipe.reader.readAll(limit: 10) == [])
    }

    @Test func fiftyChildrenSideBySideKeepTheirOutputsApart() async throws {
        let outputs = try await sideBySide(Array(0..<50), limit: 50) { number in
            try await shell("cat; sleep 0.1; echo \(number); echo e\(number) >&2").run(
                input: .bytes(Array("in\(number) ".utf8)))
        }
        for (number, outcome) in outputs.enumerated() {
            #expect(outcome.text == "in\(number) \(number)\n")
            #expect(outcome.errors == "e\(number)\n")
        }
    }
}
