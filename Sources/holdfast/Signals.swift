import Glibc
import Machine
import Synchronization

/// SIGINT, SIGTERM and SIGHUP end the work in order: containers run again, nothing unfinished keeps a good name. A service may
/// have a better use for SIGHUP.
enum Signals {
    /// What SIGHUP does, if it does not end the work.
    private static let hangup = Mutex<(@Sendable () -> Void)?>(nil)

    /// What the process has to exit with if a signal ended it: 128 and its number.
    static var exitStatus: Int32? {
        let signal = signalCaught
        return signal == 0 ? nil : 128 + signal
    }

    /// Calls `action` on a thread of its own when the first of those signals comes.
    static func onStop(_ action: @escaping @Sendable () -> Void) {
        guard let pipe = try? Pipe("signals") else { return }
        signalPipe = pipe.writer.raw
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { number in
                // Only what may be done in a signal handler: a store and a write.
                signalCaught = number
                var byte = stopByte
                _ = write(signalPipe, &byte, 1)
            }
        }
        Task.detached {
            try? await onThread("signals") { _ in
                // Holding both ends: the pipe lives as long as the process.
                defer { withExtendedLifetime(pipe) {} }
                let byte = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
                defer { byte.deallocate() }
                while try pipe.reader.read(into: byte) > 0 {
                    if byte[0] == hangupByte { hangup.withLock { $0 }?() } else { action() }
                }
            }
        }
    }

    /// From now on SIGHUP calls `action` and ends nothing. After ``onStop(_:)``.
    static func onHangup(_ action: @escaping @Sendable () -> Void) {
        hangup.withLock { $0 = action }
        signal(SIGHUP) { _ in
            var byte = hangupByte
            _ = write(signalPipe, &byte, 1)
        }
    }
}

private let stopByte: UInt8 = 1
private let hangupByte: UInt8 = 2

// Plain globals with constant initial values, because a signal handler may not take the lock of a lazy one. Written
// once before handlers are set, and by the handler.
nonisolated(unsafe) private var signalPipe: Int32 = -1
nonisolated(unsafe) private var signalCaught: Int32 = 0
