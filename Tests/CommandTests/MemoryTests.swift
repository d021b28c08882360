import Glibc
import Machine
import TestKit
import Testing

/// Memory does not grow with the number of entries: measured on a process of its own, which no other test disturbs.
@Suite struct MemoryTests {
    @Test func aHundredThousandEntriesTakeNoMoreThanAFew() async throws {
        try await withDemoHost { host in
            let few = try await peak(host, entries: 2_000)
            let many = try await peak(host, entries: 100_000)
            #expect(many - few < 24 << 20, "\(ByteCount(few)) with 2,000 entries, \(ByteCount(many)) with 100,000")
        }
    }

    /// The most memory that one backup of so many entries had resident, in bytes.
    private func peak(_ host: DemoHost, entries: Int) async throws -> Int {
        try await host.shell(
            """
            cd \(host.data()); mkdir -p many; cd many
            seq -f 'a file with a name %.0f' \(entries) | tr '\\n' '\\0' | xargs -0 touch
            """)
        let running = try host.holdfast.start([CommandRunner.binary, "backup", "volumes", "n8n_data"])
        var most = 0
        while isRunning(running.pid) {
            most = max(most, highWaterMark(of: running.pid))
            try await Task.sleep(for: .milliseconds(2))
        }
        let outcome = try await running.wait()
        #expect(outcome.status == 0, "\(outcome)")
        try #require(most > 0)
        return most
    }

    /// `VmHWM` of a process, which the kernel gives in kB; 0 once it has ended.
    private func highWaterMark(of process: pid_t) -> Int {
        let text = contents(of: "/proc/\(process)/status").map { String(decoding: $0, as: UTF8.self) } ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) << 10
    }
}
