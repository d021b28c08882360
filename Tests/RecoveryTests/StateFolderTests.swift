import Glibc
import Machine
import Recovery
import TestKit
import Testing

/// Whoever can write the state folder decides what is removed as root.
struct StateFolderTests {
    @Test func isMadeForItsOwnerOnly() async throws {
        try await withTestSite { host in
            let state = StateFolder(host.folder + "/new/state")
            let status = try state.open().status()
            #expect(status.st_mode & 0o777 == 0o700)
            #expect(try state.open("runs").status().st_mode & 0o777 == 0o700)
        }
    }

    @Test(arguments: [0o777, 0o770, 0o702, 0o722] as [mode_t])
    func othersMayNotWriteIt(_ mode: mode_t) async throws {
        try await withTestSite { host in
            chmod(host.state.path, mode)
            let error = await #expect(throws: RecoveryError.self) { _ = try await host.lock() }
            #expect(error?.code == "recovery.unsafe-state")
            #expect(error?.isRefusal == true)
            #expect(error?.remedy?.contains("chmod 0700 \(host.state.path)") == true)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "gives a folder away")) func anotherMayNotOwnIt() async throws {
        try await withTestSite { host in
            chown(host.state.path, 12_345, 12_345)
            let error = await #expect(throws: RecoveryError.self) { _ = try await host.lock() }
            #expect(error?.code == "recovery.unsafe-state")
            #expect(error?.remedy?.contains("chown 0 \(host.state.path)") == true)
        }
    }

    @Test func hostIdentityStays() async throws {
        try await withTestSite { host in
            #expect(try host.state.knownHostID() == nil)
            let id = try host.state.hostID(clock: StandingClock())
            #expect(id.count == 32)
            #expect(try host.state.hostID(clock: SystemClock()) == id)
            #expect(try host.state.knownHostID() == id)
            #expect(try host.read("state/host.json").contains("\"made\" : \"2025-12-21T03:00:00Z\""))
        }
    }

    @Test(arguments: [
        "{\"id\": \"short\", \"made\": \"\"}", "{}", "",
        "{\"id\": \"../../../../../../../../etc/passw\", \"made\": \"\"}",
    ])
    func identityOfOtherHandsIsAnError(_ text: String) async throws {
        try await withTestSite { host in
            try host.write("state/host.json", text)
            #expect(throws: (any Error).self) { try host.state.knownHostID() }
            #expect(throws: (any Error).self) { try host.state.hostID(clock: StandingClock()) }
            #expect(try host.read("state/host.json") == text)
        }
    }
}
