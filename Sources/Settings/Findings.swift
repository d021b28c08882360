/// Collects what is wrong while a document is read, so that all of it is reported together.
final class Findings {
    typealias Position = SettingsProblem.Position

    let file: String
    private let renamed: [Position: String]
    private(set) var problems: [SettingsProblem] = []
    private var known: Set<SettingsProblem> = []

    init(file: String, document: YAMLDocument) {
        self.file = file
        renamed = document.renamed
    }

    /// Notes a problem; the same one at the same place (an alias read twice) only once.
    func report(_ code: String, _ what: String, at position: Position?, remedy: String?) {
        let problem = SettingsProblem(
            code: "settings." + code, what: what, position: position, file: file, remedy: remedy)
        if known.insert(problem).inserted { problems.append(problem) }
    }

    /// What the key at `position`, read as `name`, is called in the file.
    func originalName(_ name: String, at position: Position?) -> String {
        position.flatMap { renamed[$0] } ?? name
    }
}
