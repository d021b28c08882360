import Alerting
import Databases
import Machine
import OpenPGP
import Recovery
import RestorePoints
import Schedules
import Settings
import TimeSeries

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
        case is SettingsError: self = .refused
        case let error as AlertingError where error.code == "alerting.no-channel": self = .refused
        case let error as ScheduleError where error.code == "schedule.watched": self = .busy
        case let error as TimeSeriesError where error.kind == .inUse: self = .busy
        case let error as ScheduleError where error.isRefusal: self = .refused
        case let error as DatabaseError where error.kind == .prerequisites: self = .refused
        case let error as RestorePointError
        where ["point.none", "point.missing", "point.no-directory"].contains(error.code):
            self = .refused
        case let error as OpenPGPError where Self.keyTroubles.contains(error.kind): self = .refused
        default: self = .failed
        }
    }

    /// What is wrong with a key before anything was begun with it.
    private static let keyTroubles: Set<OpenPGPError.Kind> = [
        .noKey, .shortID, .ambiguousRecipient, .expired, .revoked, .disabled, .signOnly, .twoKeys, .notAKey,
        .noPrivateKey,
        .passphraseNeeded, .wrongPassphrase,
    ]

    static let help = """
        Exit status: 0 done · 1 failed · 3 incomplete · 4 refused, nothing was begun · 5 not verified · \
        64 wrong command line · 75 another holdfast is at work · 130/143 interrupted.
        """
}
