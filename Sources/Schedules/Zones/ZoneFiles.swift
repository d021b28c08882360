import Glibc

/// Where the time zones of a host are written down.
package struct ZoneFiles: Sendable {
    /// The folder of the zone database.
    package var folder: String
    /// The file, or link, that says which zone is the host's own.
    package var localtime: String
    /// What `$TZ` says; nil where it is not set.
    package var variable: String?

    package init(
        folder: String = "/usr/share/zoneinfo", localtime: String = "/etc/localtime", variable: String? = nil
    ) {
        self.folder = folder
        self.localtime = localtime
        self.variable = variable
    }

    /// This host's, as a program sees it that was started from here.
    package static var system: ZoneFiles {
        ZoneFiles(variable: getenv("TZ").map { String(cString: $0) })
    }

    /// The same host's, as systemd and cron see it: they know nothing of a `$TZ` of ours.
    package var ofTheHost: ZoneFiles { ZoneFiles(folder: folder, localtime: localtime) }

    /// The name of the zone whose file, or a link to it, `path` is; nil if it lies elsewhere.
    func name(of path: String) -> String? {
        guard let resolved = realpath(path, nil), let root = realpath(folder, nil) else { return nil }
        defer {
            free(resolved)
            free(root)
        }
        let (file, folder) = (String(cString: resolved), String(cString: root) + "/")
        return file.hasPrefix(folder) ? String(file.dropFirst(folder.count)) : nil
    }

    /// The name that the link at ``localtime`` points to, which may be an older name of the file in the end.
    var localName: String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        guard readlink(localtime, &buffer, buffer.count - 1) > 0 else { return nil }
        let target = buffer.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } } ?? ""
        guard let range = target.firstRange(of: "zoneinfo/") else { return name(of: localtime) }
        return String(target[range.upperBound...])
    }
}
