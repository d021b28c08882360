import Glibc

/// Where a program lies.
package enum Program {
    /// Looks a name up as a shell does; a path stands for itself. Nil if no folder has such a program.
    ///
    /// - Parameter folders: as `PATH` has them; nil for our own `PATH`.
    package static func find(_ name: String, in folders: String? = nil) -> String? {
        guard !name.contains("/") else { return name }
        let folders = folders ?? getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        return folders.split(separator: ":", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "./\(name)" : "\($0)/\(name)" }.first(where: isProgram)
    }

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}
