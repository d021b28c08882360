import Glibc

/// Programs put before gpg in `PATH`, so that a test sees or holds up what holdfast does with it.
extension DemoHost {
    /// The same host, on which every gpg begins as this script says.
    package func shimming(_ script: String) async throws -> DemoHost {
        var host = self
        let real = try await shell("command -v gpg").filter { !$0.isNewline }
        try write("shims/gpg", "#!/bin/bash\n\(script)\nexec \(real) \"$@\"\n", mode: 0o755)
        host.holdfast.environment["PATH"] =
            "\(folder)/shims:" + (getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin")
        return host
    }

    /// The same host, on which gpg waits before it does `option` (`--encrypt`, `--decrypt`) until ``letGPGGo()``.
    package func holdingUpGPG(at option: String) async throws -> DemoHost {
        try await shimming(
            """
            case " $* " in *" \(option) "*)
                touch \(folder)/shims/held
                # Where the test is over and its folder gone, nobody says go any more.
                while [ ! -e \(folder)/shims/go ]; do [ -e \(folder)/shims/held ] || exit 1; sleep 0.02; done;;
            esac
            """)
    }

    /// Waits until gpg is held up.
    package func untilGPGIsHeld() async throws {
        for _ in 0..<6000 {
            if has("shims/held") { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw TestKitError(description: "gpg was never called")
    }

    package func letGPGGo() throws { try write("shims/go", "") }

    /// The same host, on which every gpg writes its arguments to `shims/arguments` before it begins.
    package func recordingGPG() async throws -> DemoHost {
        try await shimming("printf '%s\\n' \"$@\" >> \(folder)/shims/arguments")
    }

    /// The same host, whose clock goes wrong by so many seconds; gpg's goes right.
    ///
    /// - Parameter jump: what it goes wrong by from its so many-th reading on: it is set while a command runs.
    package func withClock(offBy seconds: Int, jump: (after: Int, to: Int)? = nil) async throws -> DemoHost {
        var host = self
        if !has("shims/clock.so") {
            try write("shims/clock.c", Self.clock)
            try await shell("cd shims && clang -shared -fPIC -o clock.so clock.c -ldl")
        }
        host.preload("\(folder)/shims/clock.so")
        host.holdfast.environment["CLOCK_OFF_BY"] = "\(seconds)"
        host.holdfast.environment["CLOCK_JUMP_AFTER"] = "\(jump?.after ?? Int(Int32.max))"
        host.holdfast.environment["CLOCK_JUMP_TO"] = "\(jump?.to ?? seconds)"
        return host
    }

    /// Puts a library before the C library, for holdfast and what it starts.
    private mutating func preload(_ library: String) {
        let others = (holdfast.environment["LD_PRELOAD"] ?? "").split(separator: ":").map(String.init)
        guard !others.contains(library) else { return }
        holdfast.environment["LD_PRELOAD"] = ([library] + others).joined(separator: ":")
    }

    private static let clock = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <stdlib.h>
        #include <string.h>
        #include <time.h>
        int clock_gettime(clockid_t clock, struct timespec *time) {
            static long readings;
            int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
            int result = real(clock, time);
            if (clock == CLOCK_REALTIME && strcmp(program_invocation_short_name, "holdfast") == 0) {
                long reading = __atomic_add_fetch(&readings, 1, __ATOMIC_SEQ_CST);
                time->tv_sec += atol(getenv(reading > atol(getenv("CLOCK_JUMP_AFTER")) ? "CLOCK_JUMP_TO" : "CLOCK_OFF_BY"));
            }
            return result;
        }
        """
}
