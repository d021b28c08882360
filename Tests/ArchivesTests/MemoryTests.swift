import Archives
import Glibc
import Machine
import TestKit
import Testing

/// Memory does not grow with the number of entries.
@Suite struct MemoryTests {
    @Test func aHundredThousandEntriesTakeNoMoreThanAFew() async throws {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { root in
                for index in 0..<100 {
                    try TreeMaker(root).folder("folder \(index)")
                    for file in 0..<1000 {
                        let raw = open("\(root)/folder \(index)/a file with a name \(file)", O_WRONLY | O_CREAT, 0o600)
                        close(raw)
                    }
                }
            }
            var listed = 0
            var early = 0
            var most = 0
            let sink = DiscardingSink()
            let writer = try ArchiveWriter(
                to: sink, compression: .zstd(level: 3), identity: Kit.identity, time: Timestamp(seconds: 0))
            writer.observer = { moment, _ in
                guard moment == .listed else { return }
                listed += 1
                if listed == 10_000 { early = residentBytes() }
                if listed > 10_000, listed.isMultiple(of: 10_000) { most = max(most, residentBytes()) }
            }
            _ = try writer.add(tree: .folder(source), meter: Meter(), stop: StopSignal())
            #expect(try writer.finish().entries == 100_101)
            // 90,000 more entries; other tests run beside this one.
            #expect(most - early < 16 << 20, "grew by \(ByteCount(most - early))")
        }
    }
}

private struct DiscardingSink: ByteSink {
    func write(_ bytes: UnsafeRawBufferPointer) {}
}

private func residentBytes() -> Int {
    guard let text = try? Descriptor.open("/proc/self/statm", O_RDONLY).readAll(limit: 4096) else { return 0 }
    let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
    return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * 4096
}
