import ArgumentParser
import Glibc
import Recovery

/// Asks before something is changed that lives.
struct Consent: ParsableArguments {
    @Flag(help: "Do it without asking.")
    var yes = false

    /// - Throws: a refusal when the answer is not yes, or nobody can be asked.
    func ask(_ question: String) throws {
        if yes { return }
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else {
            throw RecoveryError.refused(
                "no-consent", "\(question) Nobody is there to be asked.",
                remedy: "Say --yes if you mean it. Nothing was changed.")
        }
        Output.say("\(question) [y/N] ")
        try Terminal.waitForInput(STDIN_FILENO)
        guard let answer = readLine()?.lowercased(), answer == "y" || answer == "yes" else {
            throw RecoveryError.refused("no-consent", "Not done: the answer was no. Nothing was changed.")
        }
    }
}
