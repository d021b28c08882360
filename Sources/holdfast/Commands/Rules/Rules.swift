import ArgumentParser

struct Rules: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check rule files, and run their unit tests.", subcommands: [RulesCheck.self, RulesTest.self])
}
