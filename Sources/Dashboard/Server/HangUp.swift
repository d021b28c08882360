internal import NIOCore
internal import Synchronization

/// Notices that the client of a connection is gone, so that nobody computes what nobody will read.
///
/// A client that only stops sending counts as gone as well: so it is with Prometheus (Go's `net/http`).
final class HangUp: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = Any

    private let isGone = Atomic(false)

    /// Of any thread.
    var hasHappened: Bool { isGone.load(ordering: .relaxed) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { isGone.store(true, ordering: .relaxed) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isGone.store(true, ordering: .relaxed)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        isGone.store(true, ordering: .relaxed)
        context.fireErrorCaught(error)
    }
}
