import Glibc
import Machine

/// Whether `condition` comes true before the time is over.
package func eventually(
    within seconds: Double = 5, isolation: isolated (any Actor)? = #isolation, _ condition: () -> Bool
) async throws -> Bool {
    let end = monotonicSeconds() + seconds
    while !condition() {
        guard monotonicSeconds() < end else { return false }
        try await Task.sleep(for: .milliseconds(10))
    }
    return true
}

/// Whether a process still does something; one that has ended, but that nobody asked for its status yet, does not.
package func isRunning(_ process: Int32) -> Bool {
    guard let file = try? Descriptor.open("/proc/\(process)/stat", O_RDONLY),
        let bytes = try? file.readAll(limit: 4096)
    else { return false }
    // `pid (name) state …`, and the name may hold anything.
    let rest = String(decoding: bytes, as: UTF8.self).split(separator: ")").last
    return rest?.split(separator: " ").first != "Z"
}

/// All bytes of a file; nil if it cannot be read.
package func contents(of path: String) -> [UInt8]? {
    try? Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).readAll(limit: 1 << 30)
}
