import Testing
import TestKit

@Suite struct RoundTripTests {
    @Test func aVolumeComesBackAsItWas() async throws {
        try await withDemoHost { host in
            try host.remove("volumes/n8n_data/_data")
            try await host.shell("mkdir volumes/n8n_data/_data")
            try Trees.everyKind(in: host.data())
            let before = try host.snapshot(host.data())
            try await host.backup()
            let verified = try await host.holdfast("verify", "--deep", "--key", host.privateKey)
            #expect(verified.status == 0, "\(verified)")
            try host.remove("volumes/n8n_data/_data")
            let restored = try await host.restore("volume", "n8n_data")
            #expect(restored.status == 0, "\(restored)")
            #expect(before.differences(from: try host.snapshot(host.data())) == [])
        }
    }
}
