internal import Machine

/// One gpg with a thread on either side: what one writes goes through gpg to the other.
///
/// It succeeds only if both sides did, gpg did, and nobody stopped early. Otherwise it throws the error that came first
/// and followed from no other: the disk's, not that of the broken pipe behind it. On every way out gpg has ended.
struct Conduit: Sendable {
    let process: ChildProcess
    /// For how many seconds gpg may neither take bytes nor give any nor end while it is waited for; nil: for ever.
    var patience: Double?
    /// An error of the taking side that is not the machine's own waits for what gpg says about the data (not for ever): who
    /// reads what an altered message decrypts to stumbles before gpg can tell that it was altered.
    var gpgKnowsBetter = false
    /// Looks at gpg's report; throws if gpg failed.
    let judge: @Sendable (GnuPG.Report) throws -> Void

    /// - Parameters:
    ///   - feed: writes what gpg reads, to the end. If it throws, gpg is ended before it could close a message properly.
    ///   - take: reads what gpg writes. It sees the end only after gpg was judged well; else reading there throws. What it
    ///     leaves unread is read and dropped.
    func run<Fed: Sendable, Taken: Sendable>(
        feed: @escaping @Sendable (any ByteSink, StopSignal) throws -> Fed,
        take: @escaping @Sendable (any ByteSource, StopSignal) throws -> Taken
    ) async throws -> (Fed, Taken) {
        let input = try Pipe("gpg's standard input")
        let output = try Pipe("gpg's standard output")
        let state = ConduitState(verdict: try Pipe("gpg's end"))
        let feeder = ConduitFeeder(input.writer, state)
        let taker = ConduitTaker(output.reader, state, gpgKnowsBetter: gpgKnowsBetter)
        let parts: [Part<Fed, Taken>]
        do {
            parts = try await withThrowingTaskGroup(of: Part<Fed, Taken>.self) { group in
                group.addTask { try await state.blaming { try await runGPG(input.reader, output.writer, state) } }
                group.addTask {
                    try await state.blaming {
                        .fed(try await onThread("to gpg") { stop in try feeder.run { try feed(feeder, stop) } })
                    }
                }
                group.addTask {
                    try await state.blaming {
                        .taken(try await onThread("from gpg") { stop in try taker.run(stop) { try take(taker, stop) } })
                    }
                }
                group.addTask { try await state.blaming { try await watch(state) } }
                // Ends the others, and then the group waits for them.
                defer { group.cancelAll() }
                var parts: [Part<Fed, Taken>] = []
                while parts.count < 3, let part = try await group.next() {
                    if case .unwatched = part { continue }
                    parts.append(part)
                }
                return parts
            }
        } catch {
            throw state.reason ?? error
        }
        var fed: Fed?
        var taken: Taken?
        for part in parts {
            if case .fed(let value) = part { fed = value }
            if case .taken(let value) = part { taken = value }
        }
        guard let fed, let taken else { preconditionFailure("BUG: a conduit ended well without its results") }
        return (fed, taken)
    }

    private enum Part<Fed: Sendable, Taken: Sendable>: Sendable {
        case gpg
        case fed(Fed)
        case taken(Taken)
        case unwatched
    }

    private func runGPG<Fed, Taken>(
        _ input: Descriptor, _ output: Descriptor, _ state: ConduitState
    ) async throws -> Part<Fed, Taken> {
        // Also when gpg could not be started: the threads must see an end.
        defer {
            try? input.close()
            try? output.close()
            state.announceVerdict()
        }
        do {
            let outcome = try await GnuPG.starting {
                try await process.run(input: .descriptor(input), output: .descriptor(output))
            }
            try judge(GnuPG.Report(outcome))
            return .gpg
        } catch {
            // Before the verdict is announced, so that whoever waits for it finds the reason.
            throw state.blame(error)
        }
    }

    private func watch<Fed, Taken>(_ state: ConduitState) async throws -> Part<Fed, Taken> {
        guard let patience else { return .unwatched }
        while (try? await Task.sleep(for: .seconds(min(1, patience / 4)))) != nil {
            guard state.idleSeconds < patience else {
                throw OpenPGPError(
                    .gpgFailed, "gpg neither read nor wrote anything for \(durationText(patience)); it was ended.",
                    remedy: "See what the machine is busy with (`top`, `dmesg`), then run the command again.")
            }
        }
        return .unwatched
    }
}
