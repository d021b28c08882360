internal import Glibc
internal import Machine

/// The days' files of one folder, in order.
struct DayFiles: Sendable {
    private let folder: String
    private(set) var files: [DayFile]

    /// Looks at names only.
    init(_ folder: String) throws {
        self.folder = folder
        files = try Descriptor.folder(folder).names().compactMap { name in
            let parts = name.split(separator: ".")
            guard parts.count >= 2, parts.last == "sqlite", let day = Day(parts[0]) else { return nil }
            return DayFile(day, folder + "/" + name, isWritable: parts.count == 2)
        }
        sort()
    }

    private mutating func sort() { files.sort { ($0.day, $0.path) < ($1.day, $1.path) } }

    /// Those that may have samples in `range`.
    func files(in range: ClosedRange<Int64>) -> [DayFile] {
        files.filter { $0.day.start <= range.upperBound && $0.day.end > range.lowerBound }
    }

    /// The day's own file, which may still have to be made.
    mutating func file(of day: Day) -> DayFile {
        if let file = files.first(where: { $0.day == day && $0.isWritable }) { return file }
        let file = DayFile(day, "\(folder)/\(day).sqlite", isWritable: true)
        files.append(file)
        sort()
        return file
    }

    /// Gives a file that can no longer be written another name, under which it is still read.
    mutating func setAside(_ file: DayFile) throws {
        file.close()
        let path = try freeName("\(file.day)", in: folder)
        try move(file.path, to: path)
        files.removeAll { $0 === file }
        files.append(DayFile(file.day, path, isWritable: false))
        sort()
    }

    mutating func remove(_ file: DayFile) throws {
        guard unlink(file.path) == 0 || errno == ENOENT else { throw MachineError.call("remove", file.path) }
        unlink(file.path + "-journal")
        file.markGone()
        files.removeAll { $0 === file }
    }

    /// Lets go of what older files keep in memory.
    func closeOlder() { for file in files.dropLast(2) { file.close() } }

    /// Whether its index is kept between two questions.
    func isRecent(_ file: DayFile) -> Bool { files.suffix(2).contains { $0 === file } }
}

/// A name for a damaged database that is not taken: `STEM.damaged-1.sqlite`.
func freeName(_ stem: String, in folder: String) throws -> String {
    var number = 1
    while access("\(folder)/\(stem).damaged-\(number).sqlite", F_OK) == 0 { number += 1 }
    return "\(folder)/\(stem).damaged-\(number).sqlite"
}

/// Renames a database with what lies beside it.
func move(_ path: String, to newPath: String) throws {
    for suffix in ["", "-wal", "-journal"] {
        guard rename(path + suffix, newPath + suffix) == 0 || errno == ENOENT else {
            throw MachineError.call("rename", path + suffix)
        }
    }
}
