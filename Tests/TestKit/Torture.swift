internal import Glibc
internal import Machine

/// How long the torture suites go on, and what their randomness grows from.
///
/// `HOLDFAST_TORTURE` is the seconds that each suite goes on for, all of them side by side; without it each does a short
/// round. `HOLDFAST_SEED` plays a run again; without it the short round has a fixed seed and a long run a new one.
package enum Torture {
    /// Nil: a short round.
    package static let seconds: Double? = variable("HOLDFAST_TORTURE").flatMap(Double.init)

    package static let seed: UInt64 = {
        if let given = variable("HOLDFAST_SEED").flatMap(UInt64.init) { return given }
        guard seconds != nil else { return 1 }
        return randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }()

    /// One round: its number, from 0, and a source of randomness that no other round of any suite has.
    package struct Round: CustomStringConvertible, Sendable {
        package let suite: String
        package let number: Int
        package var random: SeededRandom

        /// What a failure has to say, so that it can be played again.
        package var description: String { "\(suite), HOLDFAST_SEED=\(Torture.seed), round \(number)" }
    }

    /// When all suites of a long run end, whenever they got to begin.
    private static let end = seconds.map { monotonicSeconds() + $0 }

    /// The rounds of a suite: `short` of them, and as many more as the time allows.
    package static func rounds(of suite: String, short: Int) -> some Sequence<Round> {
        print("torture: \(suite), HOLDFAST_SEED=\(seed)")
        let end = end ?? 0
        let salt = suite.utf8.reduce(0xcbf2_9ce4_8422_2325) { (hash: UInt64, byte) in
            (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return sequence(state: 0) { (number: inout Int) -> Round? in
            guard number < short || monotonicSeconds() < end else {
                print("torture: \(suite) ended after \(number) rounds")
                return nil
            }
            defer { number += 1 }
            return Round(
                suite: suite, number: number, random: SeededRandom(seed: seed ^ salt &+ UInt64(number) &* 0x9E37_79B9))
        }
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
