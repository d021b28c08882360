/// One thing that a simulated process does to the world: a system call, a call of the engine, the work of a producer.
struct Step {
    enum Deed: String {
        case open, create, close, read, write, truncate, synchronize, chmod, makeFolder = "mkdir", rename, exchange,
            unlink
        case removeFolder = "rmdir", list, lock
        case engine
        case begin = "begin archive", readTree = "read tree", seal, sign
    }

    let deed: Deed
    /// What it is done to; nil for what is no file.
    let inode: Inode?
    /// The name in the folder `inode`, or what else there is to say.
    let name: String
    /// The second name of a rename.
    var other = ""

    /// Whether the world is another one afterwards.
    var isChange: Bool {
        switch deed {
        case .create, .write, .truncate, .synchronize, .makeFolder, .rename, .exchange, .unlink, .removeFolder, .engine:
            true
        case .open, .close, .read, .chmod, .list, .lock, .begin, .readTree, .seal, .sign: false
        }
    }

    /// Whether the deed can fail in a way that a program has to live with. What reads is left alone: that is another suite's.
    var canFail: Bool {
        switch deed {
        case .create, .write, .synchronize, .makeFolder, .rename, .exchange, .unlink, .removeFolder, .engine: true
        case .begin, .readTree, .seal, .sign: true
        case .open, .close, .read, .truncate, .chmod, .list, .lock: false
        }
    }

    /// For traces: `rename /backups: 2026….partial → 2026…`.
    var text: String {
        var path: [String] = []
        var above = inode
        while let inode = above, above?.parent != nil {
            path.append(inode.name)
            above = inode.parent
        }
        let place = inode == nil ? "" : " /" + path.reversed().joined(separator: "/")
        return deed.rawValue + place + (name.isEmpty ? "" : " \(name)") + (other.isEmpty ? "" : " → \(other)")
    }
}
