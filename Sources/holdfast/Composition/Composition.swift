import Alerting
import Docker
import Glibc
import Machine
import OpenPGP
import Recovery
import RestorePoints
import Settings

/// Where everything meets: from flags, environment and files to a ``Site``.
struct Composition {
    let console = Console()
    let settings: Settings

    /// Finds and reads the configuration; what `volumes` says goes before it.
    init(_ common: CommonOptions, _ volumes: VolumesOptions? = nil) throws {
        let file = try Settings.locate(explicit: common.config, environment: environment()) { access($0, F_OK) == 0 }
        var settings = try Settings.load(from: file)
        if let root = volumes?.volumesRoot { settings.backup.volumes.root = root }
        self.settings = settings
    }

    /// The host, with its engine if one answers.
    func site() async throws -> Site {
        let console = console
        return Site(
            settings: settings, recipients: try settings.backup.encryption.recipients(environment: environment()),
            engine: await Self.engine(at: settings.docker.socket),
            keyring: Keyring(home: settings.backup.encryption.keyring), state: StateFolder(settings.state),
            version: Holdfast.version, report: { console.show($0) })
    }

    /// The channels and heartbeats of the configuration.
    var destinations: Destinations { Destinations(settings.notify, environment: environment()) }

    /// What is to be sent on them.
    var outbox: Outbox { Outbox("\(settings.state)/outbox", channels: destinations.channels, clock: SystemClock()) }

    /// The engine behind a socket, or why there is none.
    static func engine(at socket: String) async -> EngineAccess {
        do {
            return .reachable(try await Engine.connect(socket: socket))
        } catch {
            return .absent(explain(error))
        }
    }

    /// Takes the lock, says what had to be put right, and lets go at the end.
    ///
    /// - Parameter scope: of a backup, for its record if it cannot begin.
    func locked<Value: Sendable>(
        _ command: String, scope: String? = nil, _ site: Site, _ body: (HeldLock) async throws -> Value
    ) async throws -> Value {
        let (lock, putRight) = try await taken(command, scope, site)
        defer { lock.release() }
        for text in putRight { console.show(.warning("Put right after an interrupted run: \(text).")) }
        return try await console.watch { try await body(lock) }
    }
}

extension Composition {
    /// Takes the lock; that it could not be had is put on record, so that runs which never come about are noticed.
    private func taken(_ command: String, _ scope: String?, _ site: Site) async throws -> (HeldLock, [String]) {
        do {
            return try await HeldLock.take(for: command, site)
        } catch {
            let isBusy = (error as? RecoveryError)?.code == "recovery.busy"
            try? RunRecord.refuse(
                command, isBusy ? .skipped : .failed, scope: isBusy ? nil : scope, because: explain(error).description,
                at: site.clock.now(), in: site.state)
            throw error
        }
    }
}

/// The environment of this process.
func environment() -> [String: String] {
    var variables: [String: String] = [:]
    var next = environ
    while let entry = next.pointee {
        let text = String(cString: entry)
        if let equals = text.firstIndex(of: "=") {
            variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        next += 1
    }
    return variables
}
