import Foundation
import Testing

/// `docs/architecture.md` is the picture; the code may not have an arrow that the picture lacks.
@Suite struct ImportPictureTests {
    private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test func everyImportIsInThePicture() throws {
        let picture = try picture()
        let rooms = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Sources").path)
        for room in rooms {
            let allowed = try #require(picture[room], "docs/architecture.md does not name the target \(room)")
            for (file, imported) in try imports(of: room) where rooms.contains(imported) {
                #expect(allowed.contains(imported), "\(file) imports \(imported), which the picture does not allow")
            }
        }
    }

    @Test func thePictureHasNoArrowUpwards() throws {
        let order = try rows().map(\.targets)
        for (index, row) in try rows().enumerated() {
            let above = Set(order[...index].flatMap(\.self))
            #expect(
                above.isDisjoint(with: row.imports),
                "\(row.targets) imports upwards: \(above.intersection(row.imports))")
        }
    }

    @Test func everyArrowOfThePictureIsUsed() throws {
        for (room, allowed) in try picture() {
            let used = Set(try imports(of: room).map(\.imported))
            #expect(
                allowed.isSubset(of: used),
                "\(room) does not import \(allowed.subtracting(used)), though the picture says so")
        }
    }

    private func rows() throws -> [(targets: [String], imports: Set<String>)] {
        let text = try String(contentsOf: root.appending(path: "docs/architecture.md"), encoding: .utf8)
        return text.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            let targets = cells[1].split(separator: " ").map {
                $0.trimmingCharacters(in: CharacterSet(charactersIn: "`"))
            }
            return (targets, Set(cells[3].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }))
        }
    }

    private func picture() throws -> [String: Set<String>] {
        var picture: [String: Set<String>] = [:]
        for row in try rows() { for target in row.targets { picture[target] = row.imports } }
        return picture
    }

    private func imports(of room: String) throws -> [(file: String, imported: String)] {
        let folder = root.appending(path: "Sources/\(room)")
        let files =
            FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
        return try files.filter { $0.pathExtension == "swift" }.flatMap { file in
            try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap {
                line -> (String, String)? in
                let words = line.split(separator: " ").map(String.init)
                guard let index = words.firstIndex(of: "import"), index <= 1, words.count > index + 1,
                    !line.hasPrefix(" ")
                else { return nil }
                return (file.lastPathComponent, words[index + 1])
            }
        }
    }
}
