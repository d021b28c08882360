import ArgumentParser

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Option(help: "The configuration; else $HOLDFAST_CONFIG, ./holdfast.yml, /etc/holdfast/holdfast.yml.")
    var config: String?

    @Flag(help: "Print the result as one JSON document on standard output.")
    var json = false
}

/// Where volumes lie, for this one run.
struct VolumesOptions: ParsableArguments {
    @Option(help: "Where volumes lie, instead of what holdfast.yml or the engine says.")
    var volumesRoot: String?

    func validate() throws {
        guard let volumesRoot, !volumesRoot.hasPrefix("/") || volumesRoot.hasSuffix("/") else { return }
        throw ValidationError("--volumes-root is a path from the root, without a slash at its end.")
    }
}

/// A command of ours: all of them have the common options.
protocol TalkingCommand: AsyncParsableCommand {
    var common: CommonOptions { get }
}
