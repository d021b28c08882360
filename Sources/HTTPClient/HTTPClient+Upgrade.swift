import Glibc
package import Machine

extension HTTPClient {
    /// What came of asking for a connection to be given over.
    package enum Upgrade: Sendable {
        /// The connection is ours; `first` came with the answer's head.
        case open(Descriptor, first: [UInt8])
        case refused(Response)
    }

    /// Asks the server at the Unix socket to give the connection over to us (RFC 9110, 7.8, as the Docker engine has it:
    /// `Upgrade: tcp`). Libcurl has no part in it, for it does not give its connections away.
    ///
    /// - Throws: ``HTTPError`` `unreachable`, `noPermission`, `badAnswer`; ``Interrupted``.
    package func upgrade(_ request: Request) async throws -> Upgrade {
        let path = unixSocket ?? ""
        let socket = try Self.connect(path)
        return try await withTaskCancellationHandler {
            try await onThread("upgrade") { stop in
                do {
                    try socket.write(Self.head(of: request) + (request.body ?? []))
                    return try Self.answer(from: socket, place: path)
                } catch let error as MachineError {
                    try stop.check()
                    throw HTTPError(.cut, "The connection broke: \(error.what)", place: path)
                }
            }
        } onCancel: {
            shutdown(socket.raw, Int32(SHUT_RDWR))
        }
    }

    private static func connect(_ path: String) throws -> Descriptor {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard bytes.count < room.count else { return false }
            room.copyBytes(from: bytes)
            return true
        }
        guard fits, !bytes.isEmpty else {
            throw HTTPError(.badRequest, "This cannot be a Unix socket’s path.", place: path)
        }
        let raw = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw MachineError.call("make a socket", path) }
        let descriptor = Descriptor(owning: raw, path: path)
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                retrying { Glibc.connect(raw, address, size) }
            }
        }
        guard result == 0 else { throw HTTPError(connecting: errno, detail: "", place: path) }
        return descriptor
    }

    private static func head(of request: Request) -> [UInt8] {
        var lines = ["\(request.method) \(request.url) HTTP/1.1", "Host: localhost"]
        lines += request.headers.map { "\($0.name): \($0.value)" }
        lines += ["Connection: Upgrade", "Upgrade: tcp", "Content-Length: \(request.body?.count ?? 0)", "", ""]
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    /// Reads the head, byte for byte as far as it goes, and the body of a refusal.
    private static func answer(from socket: Descriptor, place: String) throws -> Upgrade {
        func bad(_ what: String) -> HTTPError { HTTPError(.badAnswer, what, place: place) }
        var bytes: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 12, alignment: 16)
        defer { buffer.deallocate() }
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let found = bytes.firstRange(of: end) {
                let head = String(decoding: bytes[..<found.lowerBound], as: UTF8.self).split(separator: "\r\n")
                let words = head.first?.split(separator: " ") ?? []
                guard words.count > 1, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
                    throw bad("The answer is not HTTP.")
                }
                let rest = Array(bytes[found.upperBound...])
                guard status != 101, status != 200 else { return .open(socket, first: rest) }
                return .refused(Response(status: status, headers: [], body: try body(head, rest, socket)))
            }
            guard bytes.count < headLimit else { throw bad("The answer’s head has no end.") }
            let count = try socket.read(into: buffer)
            guard count > 0 else { throw bad("The connection was closed before there was an answer.") }
            bytes += buffer[..<count]
        }
    }

    private static func body(_ head: [Substring], _ start: [UInt8], _ socket: Descriptor) throws -> [UInt8] {
        let prefix = "content-length:"
        let line = head.first { $0.lowercased().hasPrefix(prefix) }
        guard let length = line.flatMap({ Int($0.dropFirst(prefix.count).filter { $0 != " " }) }) else { return start }
        var body = start
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 12, alignment: 16)
        defer { buffer.deallocate() }
        while body.count < min(length, headLimit) {
            let count = try socket.read(into: buffer)
            if count == 0 { break }
            body += buffer[..<count]
        }
        return body
    }

    private static let headLimit = 64 << 10
}
