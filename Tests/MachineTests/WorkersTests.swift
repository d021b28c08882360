import Machine
import Synchronization
import TestKit
import Testing

@Suite struct WorkersTests {
    private final class Count: Sendable {
        private let state = Mutex((now: 0, most: 0, all: 0))

        var most: Int { state.withLock { $0.most } }
        var all: Int { state.withLock { $0.all } }
        var now: Int { state.withLock { $0.now } }

        func begin() { state.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1), $0.all + 1) } }
        func end() { state.withLock { $0.now -= 1 } }
    }

    @Test func aGateLetsSoManyInAndInTheEndAll() async {
        let (gate, count) = (Gate(3), Count())
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<40 {
                group.addTask {
                    await gate.passing {
                        count.begin()
                        try? await Task.sleep(for: .milliseconds(2))
                        count.end()
                    }
                }
            }
        }
        #expect(count.all == 40 && count.most <= 3)
    }

    @Test func aGateIsLeftByErrors() async throws {
        let gate = Gate(1)
        for _ in 0..<3 {
            await #expect(throws: Interrupted.self) {
                try await gate.passing { () async throws -> Void in throw Interrupted() }
            }
        }
        #expect(await gate.passing { 7 } == 7)
    }

    @Test func workersAreAddedStoppedAndEndTogether() async throws {
        let (workers, count) = (Workers(), Count())
        @Sendable func work() async {
            count.begin()
            while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
            count.end()
        }
        let early = workers.add { await work() }
        let never = workers.add { await work() }
        await never.stop()
        let whole = Task { await workers.run() }
        let late = workers.add { await work() }
        #expect(try await eventually(within: 60) { count.now == 2 })
        await late.stop()
        #expect(count.now == 1)
        await late.stop()
        whole.cancel()
        await whole.value
        #expect(count.now == 0 && count.all == 2)
        await early.stop()
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ])
    func base64(text: String, encoded: String) {
        #expect(Array(text.utf8).base64 == encoded)
        #expect([UInt8](base64: encoded.utf8) == Array(text.utf8))
    }

    @Test func base64OfEveryByte() {
        let all = (0...255).map { UInt8($0) }
        for length in 0...256 {
            #expect([UInt8](base64: Array(all.prefix(length)).base64.utf8) == Array(all.prefix(length)))
        }
    }

    /// The vectors of RFC 1321.
    @Test(
        arguments: [
            ("", "d41d8cd98f00b204e9800998ecf8427e"), ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ])
    func digests(text: String, digest: String) { #expect(md5(Array(text.utf8)).hex == digest) }

    @Test func filesThatAPatternNames() async throws {
        try await withTemporaryFolder { folder in
            for name in ["b.yml", "a.yml", "c.txt"] { try await write(name, in: folder) }
            #expect(files(matching: folder + "/*.yml") == ["a.yml", "b.yml"].map { "\(folder)/\($0)" })
            #expect(files(matching: folder + "/c.txt") == [folder + "/c.txt"])
            #expect(files(matching: folder + "/none*") == [])
        }
    }

    private func write(_ name: String, in folder: String) async throws {
        try Descriptor.folder(folder).publish(name, [], replacing: false)
    }
}
