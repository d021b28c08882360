import Glibc
import Machine
import Recovery
import Synchronization

/// Shows what a use case tells: on a terminal with a status line that moves, elsewhere one line a step.
final class Console: Sendable {
    private struct Work {
        let label: String
        let meter: Meter
        let expected: ByteCount?
    }

    private struct State {
        var work: [Work] = []
        var statusIsShown = false
    }

    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let style = Style(for: STDERR_FILENO)
    private let state = Mutex(State())

    /// Takes one event.
    func show(_ event: Event) {
        state.withLock { state in
            clearStatus(&state)
            switch event {
            case .line(let text): Output.say("  \(text)\n")
            case .warning(let text): Output.say("\(style.warn("!")) \(text)\n")
            case .began(let label, let meter, let expected):
                state.work.append(Work(label: label, meter: meter, expected: expected))
            case .ended(let label, let text, let good):
                state.work.removeAll { $0.label == label }
                Output.say("\(good ? style.good("✓") : style.bad("✗")) \(label)  \(text)\n")
            }
            drawStatus(&state)
        }
    }

    /// Runs `body` and keeps the status line moving meanwhile.
    func watch<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        guard isTerminal else { return try await body() }
        let ticker = Task { [self] in
            while !Task.isCancelled {
                try await Task.sleep(for: .milliseconds(200))
                state.withLock { state in
                    clearStatus(&state)
                    drawStatus(&state)
                }
            }
        }
        defer {
            ticker.cancel()
            state.withLock { clearStatus(&$0) }
        }
        return try await body()
    }

    private func clearStatus(_ state: inout State) {
        guard state.statusIsShown else { return }
        Output.say("\r\u{1B}[K")
        state.statusIsShown = false
    }

    private func drawStatus(_ state: inout State) {
        guard isTerminal, !state.work.isEmpty else { return }
        let parts = state.work.map { work in
            let done = work.meter.bytes
            guard let expected = work.expected, expected.bytes > 0 else { return "\(work.label) \(done)" }
            return "\(work.label) \(done) of about \(expected) (\(min(99, done.bytes * 100 / expected.bytes)) %)"
        }
        Output.say(style.faint(String(parts.joined(separator: " · ").prefix(terminalWidth(STDERR_FILENO) - 1))))
        state.statusIsShown = true
    }

}
