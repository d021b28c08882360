internal import HummingbirdCore
internal import Logging
package import Machine
internal import NIOCore
internal import NIOPosix
package import PromQL
internal import Synchronization

/// Serves Prometheus's HTTP API over what a monitor measures (`docs/formats/api.md`).
package struct DashboardServer: Sendable {
    private let settings: DashboardSettings
    private let limits: DashboardLimits
    private let watched: any Watched
    private let version: String
    private let options: Engine.Options
    private let clock: any WallClock
    private let report: @Sendable (String) -> Void

    /// - Parameters:
    ///   - version: this program's.
    ///   - options: what queries may take.
    ///   - report: is told where it listens, in words.
    package init(
        _ settings: DashboardSettings, over watched: any Watched, version: String,
        options: Engine.Options = Engine.Options(), limits: DashboardLimits = DashboardLimits(),
        clock: any WallClock = SystemClock(), report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.settings = settings
        self.limits = limits
        self.watched = watched
        self.version = version
        self.options = options
        self.clock = clock
        self.report = report
    }

    /// Serves until the task is cancelled; then nobody new is let in, and what runs has a few seconds to end. Handles no
    /// signals: that is the service's.
    ///
    /// - Parameter onListening: is told the port.
    /// - Throws: ``DashboardError`` when it cannot begin.
    package func run(onListening: @escaping @Sendable (Int) -> Void = { _ in }) async throws {
        let address = try ListenAddress(settings.listen)
        let access = SharedAccess(try Access(settings))
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let now = clock.now()
        let facts = ServerFacts(
            version: version, listen: settings.listen, started: now.seconds * 1000, hasToken: settings.tokenFile != nil)
        let endpoints = Endpoints(watched, options, limits, clock, facts) { [settings] in try access.renew(settings) }
        let responder = Responder(endpoints: endpoints, access: access, limits: limits, clock: clock)
        let server = Server(
            childChannelSetup: HTTP1Channel(
                responder: { try await responder.respond($0, $1, $2) }, configuration: channelConfiguration),
            configuration: ServerConfiguration(
                address: .hostname(address.host, port: address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: .silent)),
            onServerRunning: { [report] channel in
                let port = channel.localAddress?.port ?? address.port
                report("the API listens on \(address.url(port: port))")
                onListening(port)
            },
            eventLoopGroup: group, logger: .silent)
        do {
            try await serve(server)
        } catch {
            try? await group.shutdownGracefully()
            throw DashboardError.cannotListen(settings.listen, error)
        }
        try? await group.shutdownGracefully()
    }

    private var channelConfiguration: HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            additionalChannelHandlers: [HangUp()], idleTimeout: .seconds(limits.patience),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 64 << 10, maxHeaderListSize: 128 << 10, maxHeaderFieldCount: 100))
    }

    /// Runs the server in a task that is not cancelled with ours, so that what runs can end; and waits for it.
    private func serve(_ server: Server<HTTP1Channel>) async throws {
        let serving = Task.detached { try await server.run() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await serving.value }
            group.addTask { await untilCancelled() }
            defer { group.cancelAll() }
            // The server's end, by an error, or the wish that it ends.
            try await group.next()
            group.cancelAll()
            // Neither is cancelled with us; both are over once the server is.
            Task.detached { try? await server.shutdownGracefully() }
            let cut = Task.detached { [limits] in
                try await Task.sleep(for: .seconds(limits.farewell))
                serving.cancel()
            }
            defer { cut.cancel() }
            try await group.waitForAll()
        }
    }
}

/// Who may do what, as it is now: a reload reads the secrets again.
final class SharedAccess: Sendable {
    private let access: Mutex<Access>

    init(_ access: consuming Access) { self.access = Mutex(access) }

    var current: Access { access.withLock { $0 } }

    /// The former one stays when the secrets cannot be read.
    func renew(_ settings: DashboardSettings) throws {
        let renewed = try Access(settings)
        access.withLock { $0 = renewed }
    }
}

private func untilCancelled() async {
    while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
}

extension Logger {
    /// Everything worth telling is told by us.
    fileprivate static var silent: Logger { Logger(label: "dashboard") { _ in SwiftLogNoOpLogHandler() } }
}
