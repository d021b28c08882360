import Glibc
import Machine

/// Signs of a database that lives in a folder: copying its files while it runs gives no usable backup.
package struct LiveDatabase: Sendable, Equatable {
    /// `PostgreSQL`, `SQLite`, …
    package let engine: String
    /// The file that gave it away, below the folder.
    package let sign: String

    /// Looks for signs in the upper levels of a folder; gives up after so many names, for it is a hint and no proof.
    package static func find(in path: String) -> [LiveDatabase] {
        var found: [LiveDatabase] = []
        var budget = 5_000
        look(path, below: "", depth: 0, &budget, &found)
        return found
    }

    /// The entry of `backup.databases` that would save it, for those that holdfast can dump.
    package func entry(volume: String, container: String?) -> String? {
        let name = volume.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }.prefix(32)
        switch engine {
        case "PostgreSQL": return container.map { "- { name: \(name), engine: postgres, container: \($0) }" }
        case "SQLite": return "- { name: \(name), engine: sqlite, volume: \(volume), file: \(file) }"
        default: return nil
        }
    }

    /// The database's own file, for SQLite.
    package var file: String { sign.hasSuffix("-wal") ? String(sign.dropLast("-wal".count)) : sign }

    private static func look(
        _ root: String, below: String, depth: Int, _ budget: inout Int, _ found: inout [LiveDatabase]
    ) {
        guard depth <= 4, found.count < 8, let folder = try? Descriptor.folder(root + below),
            let names = try? folder.names()
        else { return }
        for name in names {
            budget -= 1
            guard budget > 0 else { return }
            let place = below + "/" + name
            if let engine = engine(for: name) {
                found.append(LiveDatabase(engine: engine, sign: String(place.dropFirst())))
                // A cluster's own folders hold the same signs again.
                if engine == "PostgreSQL" { return }
            }
            var status = stat()
            if fstatat(folder.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFDIR {
                look(root, below: place, depth: depth + 1, &budget, &found)
            }
        }
    }

    private static func engine(for name: String) -> String? {
        switch name {
        case "PG_VERSION": "PostgreSQL"
        case "ibdata1": "MySQL or MariaDB"
        case "WiredTiger": "MongoDB"
        case "appendonlydir", "appendonly.aof": "Redis"
        default: name.hasSuffix("-wal") ? "SQLite" : nil
        }
    }
}
