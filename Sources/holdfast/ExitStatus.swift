import Machine
import Recovery
import Settings

/// How holdfast ends: the same numbers for every command.
enum ExitStatus: Int32, Error {
    case success = 0
    /// It was tried and went wrong.
    case failed = 1
    /// Done, but not all of it: a point with items that are not whole, a service that is not healthy again.
    case incomplete = 3
    /// Nothing was begun: a configuration, a name, a key, a question that was answered with no.
    case refused = 4
    /// Nothing wrong was found, but something could not be checked.
    case notVerified = 5
    /// Another holdfast is at work.
    case busy = 75
    // 64: the command line is not understood (ArgumentParser). 130, 143: stopped by Ctrl-C or SIGTERM.

    init(for error: any Error) {
        switch error {
        case let error as RecoveryError where error.code == "recovery.busy": self = .busy
        case let error as RecoveryError where error.isRefusal: self = .refused
        case is SettingsError, is SettingsProblem: self = .refused
        default: self = .failed
        }
    }

    static let help = """
        Exit status: 0 done · 1 failed · 3 incomplete · 4 refused, nothing was begun · 5 not verified · \
        64 wrong command line · 75 another holdfast is at work · 130/143 interrupted.
        """
}
