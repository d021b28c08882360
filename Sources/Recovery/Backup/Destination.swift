import Glibc
import Machine
import RestorePoints

/// Where the files of a run go.
enum Destination: Sendable {
    /// Into the folder of a restore point, each by its own name.
    case point(PointWriter, host: String)
    /// To the one name that a person gave.
    case file(StandAloneFile)

    /// Begins a file.
    func file(_ name: String) throws -> DurableFile {
        switch self {
        case .point(let writer, _): try writer.file(name)
        case .file(let file):
            try DurableFile(in: try Descriptor.open(file.folder, O_RDONLY | O_DIRECTORY), name: file.name)
        }
    }

    /// What a file is called here that would have `name` in a point.
    func name(_ name: String) -> String {
        switch self {
        case .point: name
        case .file(let file): file.name
        }
    }

    /// Removes what a job that failed may have finished already. A name of a person's own is given as the very last deed.
    func remove(_ name: String) {
        guard case .point(let writer, _) = self else { return }
        try? writer.remove(name)
    }
}
