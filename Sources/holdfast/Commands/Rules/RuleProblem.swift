import Machine
import Settings

/// One thing that is wrong with a file, as it is printed.
struct RuleProblem: Encodable {
    let code: String
    let what: String
    let line: Int?
    let column: Int?
    let remedy: String?

    private init(_ problem: SettingsProblem) {
        code = problem.code
        what = problem.what
        line = problem.position?.line
        column = problem.position?.column
        remedy = problem.remedy
    }

    private init(_ error: any Explained) {
        code = error.code
        what = error.what
        line = nil
        column = nil
        remedy = error.remedy
    }

    /// By file: what an error of reading files says.
    ///
    /// - Parameter file: to which an error belongs that names none.
    static func all(of error: any Error, file: String) -> [(file: String, problem: RuleProblem)] {
        guard let error = error as? SettingsError else { return [(file, RuleProblem(explain(error)))] }
        return error.problems.map { ($0.file, RuleProblem($0)) }
    }

    /// `rules.yml:3:5: what`, and below it the remedy.
    func text(in file: String, _ style: Style) -> String {
        let place = line.map { ":\($0):\(column ?? 1)" } ?? ""
        return "      \(file)\(place): \(what)\n" + (remedy.map { "          \(style.faint("→ \($0)"))\n" } ?? "")
    }
}
