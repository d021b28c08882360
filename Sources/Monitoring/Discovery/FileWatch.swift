internal import Glibc
internal import Machine
internal import Settings
internal import Synchronization

/// Targets that stand in files, which others write (`file_sd_configs`).
///
/// A file that cannot be read, or says something else, counts as it was before. One that is gone takes its targets with it.
final class FileWatch: Discovery {
    private struct Known {
        var stamp: Stamp
        var groups: [ScrapeSettings.TargetGroup]
    }

    /// What tells one version of a file from another.
    private struct Stamp: Equatable {
        let inode: UInt64
        let size: Int
        let seconds: Int
        let nanoseconds: Int
    }

    /// Changes are seen after this many milliseconds, whatever `refresh_interval` says: looking costs a `stat` a file.
    private static let longestPace: Int64 = 5_000
    private static let sizeLimit = 1 << 20

    let pace: Int64
    private let patterns: [String]
    private let known = Mutex<[String: Known]>([:])

    init(_ settings: ScrapeSettings.FileDiscovery) {
        patterns = settings.files
        pace = min(settings.refresh, Self.longestPace)
    }

    func look() async throws -> Discovered {
        let problem = try await onThread("files") { [self] _ in readAll() }
        let targets = known.withLock { known in
            known.sorted { $0.key < $1.key }.flatMap { file, known in
                known.groups.flatMap(\.targets).map { $0.merging(["__meta_filepath": file]) { $1 } }
            }
        }
        return Discovered(targets: targets, problem: problem)
    }

    /// - Returns: the first thing that went wrong.
    private func readAll() -> (any Error)? {
        let present = patterns.flatMap { files(matching: $0) }
        var failure: (any Error)?
        known.withLock { known in known = known.filter { present.contains($0.key) } }
        for file in present {
            do {
                try read(file)
            } catch {
                failure = failure ?? error
            }
        }
        return failure
    }

    private func read(_ file: String) throws {
        let open = try Descriptor.open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        let status = try open.status()
        let stamp = Stamp(
            inode: UInt64(status.st_ino), size: Int(status.st_size), seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec)
        if known.withLock({ $0[file]?.stamp }) == stamp { return }
        let bytes = try open.readAll(limit: Self.sizeLimit)
        let groups = try ScrapeSettings.TargetGroup.parse(bytes, file: file)
        known.withLock { $0[file] = Known(stamp: stamp, groups: groups) }
    }
}
