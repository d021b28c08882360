/// An error that tells a person what happened, where, and what to do about it.
///
/// Every target has one error type of this kind. Nothing secret may stand in any of its parts: they are printed,
/// logged and sent. Callers decide by type and `code`, never by text.
package protocol Explained: Error, CustomStringConvertible, Sendable {
    /// Stable, for `--json` and for scripts: `archive.shrunk`.
    var code: String { get }
    /// One sentence: what happened.
    var what: String { get }
    /// Where: a path, `holdfast.yml:12:5`, a container.
    var place: String? { get }
    /// What to type or to change.
    var remedy: String? { get }
}

extension Explained {
    package var description: String {
        var text = what
        if let place { text += " (\(place))" }
        if let remedy { text += "\n  → \(remedy)" }
        return text
    }
}

/// Gives any error the parts of an ``Explained`` one, for the places where errors are shown.
package func explain(_ error: any Error) -> any Explained {
    if let explained = error as? any Explained { return explained }
    if error is CancellationError { return Interrupted() }
    return Unexplained(what: "\(error)")
}

/// The work was stopped from outside: Ctrl-C, SIGTERM, or a sibling's failure.
package struct Interrupted: Explained {
    package init() {}
    package var code: String { "interrupted" }
    package var what: String { "Interrupted." }
    package var place: String? { nil }
    package var remedy: String? { nil }
}

private struct Unexplained: Explained {
    let what: String
    var code: String { "unexplained" }
    var place: String? { nil }
    var remedy: String? { nil }
}
