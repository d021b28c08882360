/// A version of the Engine API: `1.41`.
package struct APIVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let major: Int
    package let minor: Int

    package init(_ major: Int, _ minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads `1.41`; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]), major >= 0, minor >= 0 else {
            return nil
        }
        self.init(major, minor)
    }

    package var description: String { "\(major).\(minor)" }

    package static func < (left: APIVersion, right: APIVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }

    /// The oldest that has all that we use (environment for commands).
    package static let oldest = APIVersion(1, 25)
    /// The newest that we have read the documentation of.
    package static let newest = APIVersion(1, 47)
}

/// Which engine it is, and what is spoken with it.
package struct EngineVersion: Sendable, Equatable {
    /// The engine's own: `20.10.24`.
    package let version: String
    /// The one spoken with it: the newest that both know.
    package let api: APIVersion
    /// The newest that the engine knows.
    package let engineAPI: APIVersion
    /// `linux`.
    package let os: String
    /// `amd64`.
    package let architecture: String
}
