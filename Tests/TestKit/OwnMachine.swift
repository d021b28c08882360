package import Docker
import Glibc
import Machine

/// A machine of a test's own: a container with this machine's programs, whose first process is systemd or cron. It has the
/// built `holdfast`, keys, and an engine, which is the one that it runs in.
package struct OwnMachine: Sendable {
    package let engine: Engine
    package let container: Container
    /// A folder here, which is ``share`` there.
    package let folder: String

    /// Where ``folder`` is in the machine.
    package static let share = "/srv/share"
    /// Where the built program is.
    package static let binary = "/opt/holdfast/holdfast"

    /// Runs a shell command there.
    ///
    /// - Throws: when it fails.
    @discardableResult
    package func run(_ command: String) async throws -> String {
        let result = try await attempt(command)
        guard result.succeeded else { throw TestKitError(description: "\(command): \(result.text)\n\(result.errors)") }
        return result.text
    }

    /// Runs a shell command there, and expects nothing of how that goes.
    package func attempt(_ command: String) async throws -> ExecResult {
        let path = "PATH=/opt/holdfast:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root"
        return try await engine.exec(container.id, ["/bin/sh", "-c", "export \(path); \(command)"])
    }

    /// Runs a shell command there until it succeeds.
    ///
    /// - Throws: when it does not within so many seconds.
    package func wait(_ seconds: Double = 90, for command: String) async throws {
        let end = monotonicSeconds() + seconds
        while true {
            if let result = try? await attempt(command), result.succeeded { return }
            guard monotonicSeconds() < end else {
                let state = try? await attempt("systemctl --no-pager --failed; journalctl -n 60 --no-pager")
                throw TestKitError(description: "waited in vain: \(command)\n\(state?.text ?? "")")
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}

/// Starts such a machine for one test, with the host's keys and folders below ``OwnMachine/share``.
///
/// - Parameter first: its first process.
package func withOwnMachine<Result: Sendable>(
    _ host: DemoHost, first: [String], volume: Volume? = nil, isolation: isolated (any Actor)? = #isolation,
    _ body: (OwnMachine) async throws -> Result
) async throws -> Result {
    try await withEngine { engine in
        // The engine may see other folders than we do: what the machine needs comes from one that both see.
        try await host.shell("mkdir -p program && cp \(CommandRunner.binary) program/holdfast")
        let libraries = try await host.shell(
            "ldd program/holdfast | grep -o '=> /[^ ]*' | cut -c 4- | grep -v '^/lib\\|^/usr' | xargs -rn1 dirname | sort -u"
        )
        return try await withContainer(engine, name: uniqueName("machine")) { plan in
            plan.image = "host:test"
            plan.command = first
            plan.environment = ["container=docker"]
            plan.capabilities = grantedCapabilities()
            plan.securityOptions = ["seccomp=unconfined", "apparmor=unconfined"]
            plan.seesTheKernel = true
            plan.memoryFolders = ["/run": "mode=755", "/tmp": "mode=1777,exec"]
            plan.binds = [
                "/usr:/usr:ro", "/sys/fs/cgroup:/sys/fs/cgroup", "\(host.folder)/program:/opt/holdfast:ro",
                "\(host.folder):\(OwnMachine.share)", "\(engine.socket):/srv/docker.sock",
            ]
            plan.binds += libraries.split(separator: "\n").map { "\($0):\($0):ro" }
            if let volume {
                let folder = volume.mountpoint.split(separator: "/").dropLast().joined(separator: "/")
                plan.binds.append("/\(folder):/srv/volumes/\(volume.name)")
            }
        } _: { container in
            try await body(OwnMachine(engine: engine, container: container, folder: host.folder))
        }
    }
}

/// What this machine lets processes do, by the names that an engine knows: not all machines let containers do everything.
private func grantedCapabilities() -> [String] {
    let status = contents(of: "/proc/self/status").map { String(decoding: $0, as: UTF8.self) } ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("CapBnd:") }
    let mask = line.flatMap { UInt64($0.dropFirst("CapBnd:".count).drop(while: \.isWhitespace), radix: 16) } ?? 0
    let names = [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",
    ]
    return names.enumerated().filter { mask >> UInt64($0.offset) & 1 == 1 }.map(\.element)
}
