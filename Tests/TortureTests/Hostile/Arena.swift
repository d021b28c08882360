import Archives
import Machine
import TestKit
import Testing

/// A folder to extract into, with things around it that nobody may touch.
struct Arena {
    let folder: String
    /// Where archives are extracted to; made anew for each.
    var target: String { folder + "/deep/target" }
    /// What a hostile name aims at: as an absolute path, and as seen from ``target``.
    var victims: [String] {
        ["\(folder)/outside/precious", "../../outside/precious", "../beside", "../../outside/folder/file"]
    }
    private let before: TreeSnapshot

    private init(_ folder: String) throws {
        self.folder = folder
        let tree = TreeMaker(folder)
        try tree.folder("outside")
        try tree.file("outside/precious", "precious")
        try tree.folder("outside/folder")
        try tree.file("outside/folder/file", "as well", mode: 0o640)
        try tree.symlink("outside/link", to: "folder")
        try tree.folder("deep")
        try tree.file("deep/beside", "beside")
        try makeFolders(folder + "/deep/target")
        before = try Self.look(folder)
    }

    /// In memory, where nothing has to reach a disk.
    static func with<Result>(_ body: (Arena) async throws -> Result) async throws -> Result {
        try await withTemporaryFolder(below: "/dev/shm") { try await body(try Arena($0)) }
    }

    /// Empties ``target``.
    func clear() throws {
        try Descriptor.folder(folder + "/deep").removeTree("target")
        try makeFolders(target)
    }

    /// What is not as it was, ``target`` itself left out.
    func damage() throws -> [String] { before.differences(from: try Self.look(folder)) }

    /// Folders above the target have their times changed by it.
    private static func look(_ folder: String) throws -> TreeSnapshot {
        var outside = try TreeSnapshot(of: folder, ignoring: ["deep"])
        outside.forgetTimes(of: [])
        let beside = try TreeSnapshot(of: folder + "/deep", ignoring: ["target"])
        for (path, item) in beside.items where !path.isEmpty { outside.add(item, at: Array("deep/".utf8) + path) }
        return outside
    }
}

/// Bytes as a stream.
final class ByteArraySource: ByteSource {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let part = rest.prefix(buffer.count)
        buffer.copyBytes(from: part)
        rest = rest.dropFirst(part.count)
        return part.count
    }
}

/// What a reader made of an archive: entries, or the error that it refused it with.
func extract(
    _ bytes: [UInt8], _ origin: ArchiveReader.Origin, into arena: Arena, space: ByteCount? = ByteCount(64 << 20)
) throws -> Result<ExtractionReport, Refusal> {
    do {
        return .success(
            try ArchiveReader.extract(
                from: ByteArraySource(bytes), origin: origin, into: .folder(arena.target), space: space, meter: Meter(),
                stop: StopSignal()))
    } catch let error as any Explained {
        return .failure(Refusal(error: error))
    }
}

/// An error of ours, which a person can be shown.
struct Refusal: Error {
    let error: any Explained

    /// Whether a terminal would show all of it rather than act on it.
    var isPrintable: Bool {
        error.description.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control }
    }
}
