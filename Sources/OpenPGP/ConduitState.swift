internal import Glibc
internal import Machine
internal import Synchronization

/// What the parts of a ``Conduit`` know of each other.
final class ConduitState: Sendable {
    /// What a side does as seen from gpg.
    enum Side: Sendable {
        case working
        case waiting(since: Double)
        case ended
    }

    private struct Known {
        var reason: (any Error)?
        var feeder = Side.working
        var taker = Side.working
    }

    private let known = Mutex(Known())
    private let verdict: Pipe

    /// - Parameter verdict: a pipe through which nothing goes; that its writer was closed is the message.
    init(verdict: Pipe) { self.verdict = verdict }

    /// The error that came first.
    var reason: (any Error)? { known.withLock { $0.reason } }

    /// - Returns: the error that came first, which may be this one.
    @discardableResult
    func blame(_ error: any Error) -> any Error {
        known.withLock { known in
            if let reason = known.reason { return reason }
            known.reason = error
            return error
        }
    }

    func blaming<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        do { return try await body() } catch { throw blame(error) }
    }

    func set(feeder side: Side) { known.withLock { $0.feeder = side } }
    func set(taker side: Side) { known.withLock { $0.taker = side } }

    /// For how long both sides have been waiting for gpg.
    var idleSeconds: Double {
        let (feeder, taker) = known.withLock { ($0.feeder, $0.taker) }
        let now = monotonicSeconds()
        guard case .waiting(let takerSince) = taker else { return 0 }
        switch feeder {
        case .working: return 0
        case .ended: return now - takerSince
        case .waiting(let since): return now - max(since, takerSince)
        }
    }

    /// gpg has ended, and ``reason`` says if that was a failure.
    func announceVerdict() { try? verdict.writer.close() }

    /// - Returns: whether gpg has ended within so many seconds; nil waits for as long as it takes.
    @discardableResult
    func waitForVerdict(seconds: Int32? = nil) -> Bool {
        var waiting = pollfd(fd: verdict.reader.raw, events: Int16(POLLIN), revents: 0)
        return retrying { poll(&waiting, 1, seconds.map { $0 * 1000 } ?? -1) } > 0
    }
}

/// The side that writes to gpg. Used by one thread.
///
/// - Note: `@unchecked Sendable`: made by one task, used by the one thread that it starts.
final class ConduitFeeder: ByteSink, @unchecked Sendable {
    private let pipe: UnhurriedWriter
    private let state: ConduitState
    private var isBroken = false

    init(_ pipe: Descriptor, _ state: ConduitState) {
        self.pipe = UnhurriedWriter(pipe)
        self.state = state
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        state.set(feeder: .waiting(since: monotonicSeconds()))
        defer { state.set(feeder: .working) }
        do {
            try pipe.write(bytes)
        } catch {
            isBroken = true
            throw error
        }
    }

    func run<Fed>(_ body: () throws -> Fed) throws -> Fed {
        do {
            let result = try body()
            if !isBroken {
                try pipe.close()
                state.set(feeder: .ended)
                return result
            }
        } catch {
            // The pipe stays open: gpg must not take this for the end. It is ended by whoever sees this error.
            if !isBroken { throw error }
        }
        // gpg reads no more, for a reason that it will tell if it is given a moment.
        state.waitForVerdict(seconds: Self.lastWords)
        throw state.reason
            ?? OpenPGPError(
                .gpgFailed, "gpg stopped reading before everything was written.",
                remedy: "See whether `gpg --version` is the gpg that is meant, then run the command again.")
    }

    private static let lastWords: Int32 = 5
}

/// The side that reads from gpg. Used by one thread.
///
/// - Note: `@unchecked Sendable`: made by one task, used by the one thread that it starts.
final class ConduitTaker: ByteSource, @unchecked Sendable {
    private let pipe: UnhurriedReader
    private let state: ConduitState
    private let gpgKnowsBetter: Bool

    init(_ pipe: Descriptor, _ state: ConduitState, gpgKnowsBetter: Bool) {
        self.pipe = UnhurriedReader(pipe)
        self.state = state
        self.gpgKnowsBetter = gpgKnowsBetter
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if buffer.isEmpty { return 0 }
        state.set(taker: .waiting(since: monotonicSeconds()))
        defer { state.set(taker: .working) }
        let count = try pipe.read(into: buffer)
        if count > 0 { return count }
        state.waitForVerdict()
        if let reason = state.reason { throw reason }
        return 0
    }

    func run<Taken>(_ stop: StopSignal, _ body: () throws -> Taken) throws -> Taken {
        let result: Taken
        do {
            result = try body()
        } catch {
            if gpgKnowsBetter, !(error is MachineError), !(error is Interrupted), !(error is CancellationError) {
                try drain(stop, seconds: Self.secondOpinion)
            }
            throw error
        }
        try drain(stop, seconds: nil)
        return result
    }

    /// - Throws: what gpg failed of.
    private func drain(_ stop: StopSignal, seconds: Double?) throws {
        let start = monotonicSeconds()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: streamBufferSize, alignment: 16)
        defer { buffer.deallocate() }
        while try read(into: buffer) > 0 {
            try stop.check()
            if let seconds, monotonicSeconds() - start > seconds { return }
        }
    }

    /// For so many seconds an error about the data waits for gpg to reach the end.
    private static let secondOpinion = 30.0
}
