import ArgumentParser

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Option(help: "The configuration; else $HOLDFAST_CONFIG, ./holdfast.yml, /etc/holdfast/holdfast.yml.")
    var config: String?

    @Flag(help: "Print the result as one JSON document on standard output.")
    var json = false
}

/// A command of ours: all of them have the common options.
protocol TalkingCommand: AsyncParsableCommand {
    var common: CommonOptions { get }
}
