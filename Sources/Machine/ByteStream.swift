/// Takes bytes, in order.
package protocol ByteSink {
    /// Takes all of `bytes` or throws; after a throw the sink is of no more use.
    func write(_ bytes: UnsafeRawBufferPointer) throws
}

/// Gives bytes, in order.
package protocol ByteSource {
    /// Fills the front of `buffer`; returns how many bytes, 0 at the end and only there.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

extension ByteSink {
    /// Writes a string's UTF-8.
    package func write(_ text: String) throws {
        var text = text
        try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
    }

    /// Writes an array's bytes.
    package func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }
}

extension ByteSource {
    /// Reads to the end.
    ///
    /// - Throws: when there are more than `limit` bytes.
    package func readAll(limit: Int, place: String? = nil) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        while case let count = try read(into: buffer), count > 0 {
            guard bytes.count + count <= limit else {
                throw MachineError(
                    code: "machine.too-large", what: "It is larger than the \(ByteCount(limit)) that are allowed here.",
                    place: place)
            }
            bytes += buffer[..<count]
        }
        return bytes
    }
}

extension ByteSource {
    /// Reads to the end, and writes all of it to `sink`.
    package func copy(to sink: any ByteSink, stop: StopSignal) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: streamBufferSize, alignment: 4096)
        defer { buffer.deallocate() }
        while case let count = try read(into: buffer), count > 0 {
            try stop.check()
            try sink.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}

/// How large the buffers of streams are, in bytes: large enough that a system call costs nothing beside its data.
package let streamBufferSize = 1 << 20
