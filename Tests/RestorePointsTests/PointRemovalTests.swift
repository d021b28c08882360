import Glibc
import Machine
import RestorePoints
import TestKit
import Testing

@Suite struct PointRemovalTests {
    @Test func aPointGoesWithAllThatIsInIt() async throws {
        try await withTemporaryFolder { path in
            for name in ["2026-01-01T020000Z", "2026-01-02T020000Z"] {
                try makeFolders("\(path)/\(name)/somebody-elses")
                try Descriptor.folder("\(path)/\(name)").publish("manifest.json", [1])
            }
            try PointRemoval.remove(try pointName("2026-01-01T020000Z"), in: path)
            #expect(try Descriptor.folder(path).names() == ["2026-01-02T020000Z"])
            #expect(throws: MachineError.self) {
                try PointRemoval.remove(try pointName("2026-01-01T020000Z"), in: path)
            }
        }
    }

    @Test func whatAnInterruptedRemovalLeftIsNoPointAndIsSwept() async throws {
        try await withTemporaryFolder { path in
            try makeFolders("\(path)/2026-01-01T020000Z.removing")
            try Descriptor.folder("\(path)/2026-01-01T020000Z.removing").publish("manifest.json", [1])
            try makeFolders("\(path)/precious.removing")
            #expect(try Catalog(path).points().isEmpty)
            #expect(try Catalog(path).unfinished() == [])
            #expect(try PointRemoval.sweep(path) == ["2026-01-01T020000Z"])
            #expect(try Descriptor.folder(path).names() == ["precious.removing"])
            #expect(try PointRemoval.sweep(path + "/missing") == [])
        }
    }
}
