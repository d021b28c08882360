package import Machine

/// Makes frames, one after the other, on one thread.
package protocol FrameMaker: AnyObject {
    /// Makes the frame of one block.
    ///
    /// - Returns: its length in `room`.
    func makeFrame(of content: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) throws -> Int
}

/// A stream as independent frames, one a block, made on threads of their own and written in order.
///
/// Only the thread that uses it writes to the sink. The others have ended when it has finished or gone.
package final class FrameCompressor: Compressor {
    private let sink: any ByteSink
    private let ring: FrameRing
    private var isEmpty = true

    /// - Parameters:
    ///   - frameSize: bytes of content in a frame, at most.
    ///   - frameBound: bytes that a frame takes, at most.
    ///   - workers: how many threads there are at most, besides the one that uses it.
    ///   - maker: is called once on each of them.
    package init(
        to sink: any ByteSink, frameSize: Int, frameBound: Int, workers: Int = min(4, availableCores()),
        maker: @escaping @Sendable () throws -> any FrameMaker
    ) {
        self.sink = sink
        ring = FrameRing(frameSize: frameSize, frameBound: frameBound, workers: workers, maker: maker)
    }

    deinit { ring.abandon() }

    package func lend() throws -> UnsafeMutableRawBufferPointer {
        if ring.isFull { try writeOldest() }
        return ring.next
    }

    package func take(_ count: Int) throws {
        isEmpty = false
        ring.submit(count)
        while ring.oldestIsDone { try writeOldest() }
    }

    package func finish() throws {
        // An empty stream is a frame without content, not nothing.
        if isEmpty {
            _ = try lend()
            try take(0)
        }
        while !ring.isDrained { try writeOldest() }
        ring.abandon()
    }

    private func writeOldest() throws {
        try sink.write(try ring.waitForOldest())
        ring.release()
    }
}
