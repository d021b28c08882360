package import Docker
package import Machine
package import OpenPGP
package import RestorePoints
package import Settings

/// The host as a use case sees it: what it is told, what it can reach, whom it reports to.
package struct Site: Sendable {
    package let settings: Settings
    /// Recipients as the person wrote them: fingerprints or e-mail addresses.
    package let recipients: [String]
    package let engine: EngineAccess
    package let keyring: Keyring
    package let state: StateFolder
    package let clock: any WallClock
    /// The version of this program, for the records.
    package let version: String
    package let report: @Sendable (Event) -> Void

    package init(
        settings: Settings, recipients: [String], engine: EngineAccess, keyring: Keyring, state: StateFolder,
        clock: any WallClock = SystemClock(), version: String, report: @escaping @Sendable (Event) -> Void
    ) {
        self.settings = settings
        self.recipients = recipients
        self.engine = engine
        self.keyring = keyring
        self.state = state
        self.clock = clock
        self.version = version
        self.report = report
    }

    package var catalog: Catalog { Catalog(settings.backup.directory) }

    /// Which of these points this host signed.
    func provenance(of points: [Catalog.Point]) throws -> Provenance {
        Provenance(of: points, host: try state.knownHostID(), signingHome: state.signingHome)
    }
}

/// Whether there is an engine to ask.
package enum EngineAccess: Sendable {
    case reachable(Engine)
    /// None; holdfast goes on without where it can, and says so.
    case absent(any Explained)

    package var engine: Engine? {
        guard case .reachable(let engine) = self else { return nil }
        return engine
    }
}

/// What a use case tells while it works; the command decides how it looks.
package enum Event: Sendable {
    /// A step that is done, or a fact worth a line.
    case line(String)
    /// Something a person should look at, though the work goes on.
    case warning(String)
    /// Long work begins; `expected` is how much there was last time, if that is known.
    case began(String, Meter, expected: ByteCount?)
    /// That work has ended; `text` says how.
    case ended(String, text: String, good: Bool)
}
