import Glibc
internal import Synchronization

/// A program that says what it has to say to whoever hears us, and that is let end in its own time: a stop passes SIGTERM on
/// and waits, however long the program takes.
package struct PatientChild: Sendable {
    private let path: String
    private let arguments: [String]

    /// - Parameter arguments: without the program's own name.
    package init(_ path: String, _ arguments: [String]) {
        self.path = path
        self.arguments = arguments
    }

    /// Runs it to its end; what it prints goes to our standard error. When the task is cancelled it gets SIGTERM.
    ///
    /// - Throws: ``MachineError`` when it could not be started.
    package func run() async throws -> ChildProcess.Outcome.Status {
        let process = RunningProcess(try start())
        return try await withTaskCancellationHandler {
            try await onThread("wait") { _ in process.wait() }
        } onCancel: {
            process.terminate()
        }
    }

    private func start() throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var usual = sigset_t()
        sigemptyset(&usual)
        for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP] { sigaddset(&usual, signal) }
        posix_spawnattr_setsigdefault(&attributes, &usual)
        // A group of its own: Ctrl-C on a terminal reaches it once, by way of us.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))
        var words = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid = pid_t()
        let result = posix_spawn(&pid, path, &actions, &attributes, &words, environ)
        guard result == 0 else { throw MachineError.call("run", path, errno: result) }
        return pid
    }
}

/// A process of ours that is not waited for yet; only then does its number still mean it.
private final class RunningProcess: Sendable {
    private let pid: Mutex<pid_t?>

    init(_ pid: pid_t) { self.pid = Mutex(pid) }

    func terminate() { pid.withLock { pid in if let pid { kill(pid, SIGTERM) } } }

    /// Waits for its end.
    func wait() -> ChildProcess.Outcome.Status {
        guard let number = pid.withLock({ $0 }) else { preconditionFailure("BUG: waited for twice") }
        var info = siginfo_t()
        // The number stays taken until waitpid: nobody else's process is ever sent a signal.
        _ = retrying { waitid(P_PID, id_t(number), &info, WEXITED | WNOWAIT) }
        return pid.withLock { pid in
            var status: Int32 = 0
            _ = retrying { waitpid(number, &status, 0) }
            pid = nil
            return status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signalled(status & 0x7f)
        }
    }
}
