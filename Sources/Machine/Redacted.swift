/// A secret that cannot be printed by accident: every description of it is `•••`.
package struct Redacted: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The secret itself; named so that a reader of the code sees where it leaves its cover.
    package let exposed: String

    package init(_ secret: String) { exposed = secret }

    package var description: String { "•••" }
    package var debugDescription: String { "•••" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
