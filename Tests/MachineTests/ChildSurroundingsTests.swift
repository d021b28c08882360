import Glibc
import Machine
import TestKit
import Testing

/// What a child gets from us, and what is left of it afterwards.
@Suite(.timeLimit(.minutes(1))) struct ChildSurroundingsTests {
    @Test func childGetsNoDescriptorButTheStandardOnes() async throws {
        // As a library might open one: without close-on-exec.
        let leaky = Descriptor(owning: Glibc.open("/etc/passwd", O_RDONLY), path: "/etc/passwd")
        defer { try? leaky.close() }
        #expect(leaky.raw > 2)
        let outcome = try await ChildProcess("ls", ["-l", "/proc/self/fd"]).run()
        // The fourth is the folder that ls reads.
        let numbers = outcome.text.split(separator: "\n").filter { $0.contains(" -> ") && !$0.contains("/proc/") }
            .compactMap { $0.split(separator: " -> ").first?.split(separator: " ").last }.compactMap { Int($0) }
        #expect(numbers == [0, 1, 2], "\(outcome.text)")
    }

    @Test func childSpeaksEnglishAndInheritsTheRestOfTheEnvironment() async throws {
        let outcome = try await shell("echo $LC_ALL; echo $HF_TEST; echo $PATH", environment: ["HF_TEST": "a b"]).run()
        let lines = outcome.text.split(separator: "\n").map(String.init)
        #expect(lines.prefix(2) == ["C", "a b"])
        #expect(lines.last == getenv("PATH").map { String(cString: $0) })
        #expect(getenv("HF_TEST") == nil)
    }

    @Test func childHasAProcessGroupOfItsOwnSoThatControlCReachesUsAlone() async throws {
        let words = try await ChildProcess("cat", ["/proc/self/stat"]).run().text.split(separator: " ")
        #expect(words.count > 4 && words[0] == words[4])
    }

    /// We ignore SIGPIPE; a child that did too would write for ever to a reader that is gone.
    @Test func childHasTheSignalsAsTheyAreByDefault() async throws {
        _ = try Pipe("makes us ignore SIGPIPE")
        let text = try await ChildProcess("grep", ["-E", "^Sig(Blk|Ign)", "/proc/self/status"]).run().text
        for line in text.split(separator: "\n") {
            let set = try #require(line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) })
            // Signals 32 and 33 are glibc's own.
            #expect(set & 0x7fff_ffff == 0, "\(text)")
        }
    }

    @Test func noZombieIsLeft() async throws {
        var children: [Int32] = []
        for number in 0..<10 {
            let outcome = try await shell("echo $$; \(number.isMultiple(of: 2) ? "exit 1" : "kill -9 $$")").run()
            children.append(try #require(Int32(outcome.text.dropLast())))
        }
        for child in children { #expect(waitpid(child, nil, WNOHANG) == -1 && errno == ECHILD) }
    }

    @Test func descriptorsDoNotPileUp() async throws {
        // In a process of its own would be exact; here other tests open some meanwhile.
        func open() throws -> Int { try Descriptor.folder("/proc/self/fd").names().count }
        let before = try open()
        for _ in 0..<100 { _ = try await shell("cat >&2").run(input: .bytes([1, 2, 3])) }
        for _ in 0..<100 { _ = try? await ChildProcess("/nowhere/x", []).run(input: .bytes([1, 2, 3])) }
        #expect(try await eventually { ((try? open()) ?? .max) < before + 300 })
    }

    // MARK: Cancelling

    private func cancelled(
        once isReady: () -> Bool, _ process: ChildProcess, input: ChildProcess.Input = .nothing
    ) async throws -> (seconds: Double, error: any Error) {
        let task = Task { try await process.run(input: input) }
        #expect(try await eventually(within: 20, isReady))
        let began = monotonicSeconds()
        task.cancel()
        let result = await task.result
        let error = try #require({ if case .failure(let error) = result { error } else { nil } }())
        return (monotonicSeconds() - began, error)
    }

    /// Runs a script that writes its process id, or another's, to the file `$READY` when it is ready to be cancelled.
    private func cancelled(
        _ script: String, input: ChildProcess.Input = .nothing
    ) async throws -> (seconds: Double, error: any Error, process: Int32) {
        try await withTemporaryFolder { path in
            func written() -> Int32? {
                contents(of: path + "/ready").flatMap { Int32(String(decoding: $0.dropLast(), as: UTF8.self)) }
            }
            let (seconds, error) = try await cancelled(
                once: { written() != nil }, shell(script, environment: ["READY": path + "/ready"]), input: input)
            return (seconds, error, try #require(written()))
        }
    }

    @Test func cancellingEndsTheChildSoon() async throws {
        let (seconds, error, child) = try await cancelled("echo $$ > $READY; exec sleep 60")
        #expect(seconds < 30)
        #expect(error is Interrupted)
        #expect(!isRunning(child))
    }

    @Test func cancellingEndsAlsoAChildThatDoesNotWantTo() async throws {
        let (seconds, error, child) = try await cancelled(
            "trap '' TERM; echo $$ > $READY; sleep 60", input: .bytes([UInt8](repeating: 0, count: 4 << 20)))
        #expect(seconds < 40)
        #expect(error is Interrupted)
        #expect(!isRunning(child))
    }

    @Test func cancellingEndsGrandchildrenThatIgnoreIt() async throws {
        // The child waits, so that SIGTERM ends it at once; the grandchild holds the pipes and ignores SIGTERM.
        let (seconds, error, grandchild) = try await cancelled(
            "(trap '' TERM; exec sh -c 'echo $$ > $READY; exec sleep 60') & wait")
        #expect(seconds < 40)
        #expect(error is Interrupted)
        #expect(try await eventually { !isRunning(grandchild) })
    }

    @Test func whatIsCancelledBeforeItBeganIsInterrupted() async throws {
        let task = Task {
            try? await Task.sleep(for: .seconds(60))
            return try await ChildProcess("sleep", ["60"]).run()
        }
        task.cancel()
        await #expect(throws: Interrupted.self) { try await task.value }
    }

    @Test(arguments: ["sleep 60", "setsid sleep 60", "exec setsid sh -c 'yes >&2'"])
    func whatAChildLeavesRunningWithOurPipesDoesNotHoldUsForEver(command: String) async throws {
        let began = monotonicSeconds()
        let outcome = try await shell("\(command) & echo $!; echo said >&2").run(
            input: .bytes([UInt8](repeating: 0, count: 4 << 20)))
        #expect(monotonicSeconds() - began < 45)
        #expect(outcome.succeeded)
        let left = try #require(Int32(outcome.text.dropLast()))
        // `yes` ends by itself once nobody reads it any more.
        if !command.contains("yes") {
            #expect(isRunning(left))
            #expect(outcome.errors == "said\n")
        }
        kill(left, SIGKILL)
    }

    @Test func lastWordsOfAProgramBehindAPipeAreHeard() async throws {
        let outcome = try await shell("(sleep 0.3; echo late) & exit 0").run()
        #expect(outcome.text == "late\n")
    }
}
