import ArgumentParser
import Glibc
import Recovery

/// Asks before something is changed that lives.
struct Consent: ParsableArguments {
    @Flag(help: "Do it without asking.")
    var yes = false

    /// Before long work, at whose end somebody is to be asked.
    ///
    /// - Throws: a refusal when nobody can be.
    func requireAnswer(to question: String) throws {
        guard !yes, isatty(STDIN_FILENO) == 0 || isatty(STDERR_FILENO) == 0 else { return }
        throw RecoveryError.refused(
            "no-consent", "\(question) Nobody is there to be asked.",
            remedy: "Say --yes if you mean it. Nothing was changed.")
    }

    /// - Throws: a refusal when the answer is not yes, or nobody can be asked.
    func ask(_ question: String) throws {
        if yes { return }
        try requireAnswer(to: question)
        Output.say("\(question) [y/N] ")
        try Terminal.waitForInput(STDIN_FILENO)
        guard let answer = readLine()?.lowercased(), answer == "y" || answer == "yes" else {
            throw RecoveryError.refused("no-consent", "Not done: the answer was no. Nothing was changed.")
        }
    }
}
