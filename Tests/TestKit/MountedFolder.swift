import Glibc
import Machine

/// Small file systems of a test's own; mounting takes root.
package enum MountedFolder {
    package static var isPossible: Bool { getuid() == 0 }
    package static let whyNot = "mounting a file system of its own takes root"
}

/// Mounts a tmpfs on `path` for as long as `body` runs; the folder is made if need be.
///
/// - Parameter options: as `mount -o` takes them: `size=1m`.
package func withTmpfs<Result>(
    _ path: String, _ options: String, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
) async throws -> Result {
    try makeFolders(path)
    try await mount(["-t", "tmpfs", "-o", options, "tmpfs", path])
    let result: Swift.Result<Result, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    _ = await Task.detached { try? await ChildProcess("umount", ["-l", path]).run() }.value
    return try result.get()
}

/// Lets nobody write to the file system on `path` any more.
package func makeReadOnly(_ path: String) async throws { try await mount(["-o", "remount,ro", path]) }

private func mount(_ arguments: [String]) async throws {
    let outcome = try await ChildProcess("mount", arguments).run()
    guard outcome.succeeded else { throw MachineError(code: "test.mount", what: outcome.errors) }
}
