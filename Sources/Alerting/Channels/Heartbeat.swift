import HTTPClient
import Machine

/// Tells a watcher elsewhere that we are alive, as healthchecks.io has it: `URL/start`, `URL`, `URL/fail`. Who hears nothing
/// raises the alarm, also when this whole host is gone.
package struct Heartbeat: Sendable {
    /// What people call it.
    package let name: String
    private let url: Secret
    /// Seconds to wait before the second try, the third, …
    private let pauses: [Double]

    init(name: String, url: Secret, pauses: [Double] = [1, 3]) {
        self.name = name
        self.url = url
        self.pauses = pauses
    }

    /// What is told.
    package enum Beat: String, Sendable, CaseIterable {
        case start
        case success
        case failure

        fileprivate var suffix: String {
            switch self {
            case .start: "/start"
            case .success: ""
            case .failure: "/fail"
            }
        }
    }

    /// Tells it, with a few tries of ten seconds each; nobody's run may fail because of it.
    ///
    /// - Parameter text: kept by the watcher; at most 10,000 bytes of it are sent.
    /// - Returns: ``Answer/delivered(_:)``, or what to warn of.
    /// - Throws: ``Interrupted`` alone.
    package func tell(_ beat: Beat, saying text: String = "") async throws -> Answer {
        var answer = try await attempt(beat, text)
        for pause in pauses {
            guard case .later = answer else { break }
            do {
                try await Task.sleep(for: .seconds(pause))
            } catch {
                throw Interrupted()
            }
            answer = try await attempt(beat, text)
        }
        return answer
    }

    private func attempt(_ beat: Beat, _ text: String) async throws -> Answer {
        do {
            let url = try url.read()
            return try await Post(
                url: Redacted(Self.address(url.exposed, beat)),
                headers: [("Content-Type", "text/plain; charset=utf-8")],
                body: Array(text.cut(to: 10_000) { $0.utf8.count }.utf8), secrets: [url], timeout: .seconds(10)
            ).send()
        } catch let error as Interrupted {
            throw error
        } catch {
            return .later(after: nil, "\(explain(error).what) (\(explain(error).place ?? name))")
        }
    }

    /// The URL with the beat at the end of its path.
    static func address(_ url: String, _ beat: Beat) -> String {
        let path = url.prefix { $0 != "?" }
        let query = url.dropFirst(path.count)
        return (path.hasSuffix("/") ? path.dropLast() : path) + beat.suffix + query
    }
}
