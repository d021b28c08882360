internal import Glibc
internal import Machine

extension StateFolder {
    /// What was told already; a file that is not there or cannot be read tells nothing.
    package func bulletin() -> Bulletin {
        guard let folder = try? open(), let file = try? folder.open(Self.bulletinName, O_RDONLY | O_NOFOLLOW),
            let bytes = try? file.readAll(limit: 16 << 20),
            let bulletin = try? JSON.read(Bulletin.self, bytes, place: file.path)
        else { return Bulletin() }
        return bulletin
    }

    /// Writes down what was told.
    package func keep(_ bulletin: Bulletin) throws {
        let folder = try open()
        try folder.exclusively { try folder.publish(Self.bulletinName, try JSON.write(bulletin), replacing: true) }
    }

    private static let bulletinName = "news.json"
}
