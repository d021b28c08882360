import Dispatch
import Foundation
import Glibc
import Synchronization

/// A server that says what a test tells it to: over a Unix socket or on a port of 127.0.0.1.
package final class ScriptedServer: Sendable {
    /// One connection, with the head and the body of its first request.
    package struct Connection: Sendable {
        package let raw: Int32
        package let head: String
        package let body: String

        /// Says `text`; whether the other side still takes it.
        @discardableResult
        package func say(_ text: String) -> Bool { say(Array(text.utf8)) }

        @discardableResult
        package func say(_ bytes: [UInt8]) -> Bool {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { send(raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                guard count > 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }

        /// A whole answer.
        package func answer(_ body: String, status: Int = 200, headers: String = "") {
            say("HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
        }

        /// Says nothing until the other side has gone, at most ten seconds.
        package func hang() {
            var ready = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
            poll(&ready, 1, 10_000)
        }
    }

    private let listener: Int32
    private let open = Mutex<[Int32]>([])
    private let seen = Mutex<[String]>([])

    /// The requests so far: first lines.
    package var requests: [String] { seen.withLock { $0 } }

    /// - Parameter path: nil: a port.
    package init(path: String?, _ script: @escaping @Sendable (Connection) -> Void) {
        listener = path.map(listen) ?? listenOnPort()
        serve { raw in
            let (head, body) = readRequest(raw)
            self.seen.withLock { $0.append(head.split(separator: "\r\n").first.map(String.init) ?? "") }
            script(Connection(raw: raw, head: head, body: body))
        }
    }

    /// Hands every connection through to another socket.
    package init(path: String, forwardingTo other: String) {
        listener = listen(path)
        serve { raw in
            let onward = connectTo(other)
            guard onward >= 0 else { return }
            self.open.withLock { $0.append(onward) }
            let answered = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                pump(onward, raw)
                shutdown(raw, Int32(SHUT_RDWR))
                answered.signal()
            }
            pump(raw, onward)
            shutdown(onward, Int32(SHUT_WR))
            // A number that is closed too early soon belongs to somebody else.
            answered.wait()
            self.open.withLock { $0.removeAll { $0 == onward } }
            close(onward)
        }
    }

    /// The port, when there is one.
    package var port: Int {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutableBytes(of: &address) { bytes in
            _ = getsockname(listener, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Ends it and all its connections, as a killed process would.
    package func kill() {
        shutdown(listener, Int32(SHUT_RDWR))
        open.withLock { for raw in $0 { shutdown(raw, Int32(SHUT_RDWR)) } }
    }

    deinit { close(listener) }

    private func serve(_ handle: @escaping @Sendable (Int32) -> Void) {
        Thread.detachNewThread { [self] in
            while case let raw = accept(listener, nil, nil), raw >= 0 {
                open.withLock { $0.append(raw) }
                Thread.detachNewThread { [self] in
                    handle(raw)
                    open.withLock { $0.removeAll { $0 == raw } }
                    close(raw)
                }
            }
        }
    }
}

/// Runs `body` beside a server on a Unix socket.
@discardableResult
package func withServer<Result>(
    _ script: @escaping @Sendable (ScriptedServer.Connection) -> Void,
    isolation: isolated (any Actor)? = #isolation,
    _ body: (_ socket: String, ScriptedServer) async throws -> Result
) async throws -> Result {
    let path = "/tmp/hf-\(UInt64.random(in: .min ... .max)).sock"
    let server = ScriptedServer(path: path, script)
    defer {
        server.kill()
        unlink(path)
    }
    return try await body(path, server)
}

/// Whether requests over TCP reach us, and not a proxy that the environment names.
package let goesOutDirectly = ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].allSatisfy {
    ProcessInfo.processInfo.environment[$0] == nil
}

private func listen(_ path: String) -> Int32 {
    let raw = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let bound = withAddress(path) { bind(raw, $0, $1) }
    precondition(bound == 0 && Glibc.listen(raw, 16) == 0, "cannot listen at \(path)")
    return raw
}

private func listenOnPort() -> Int32 {
    let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let bound = withUnsafeBytes(of: &address) { bytes in
        bytes.withMemoryRebound(to: sockaddr.self) { bind(raw, $0.baseAddress, socklen_t(bytes.count)) }
    }
    precondition(bound == 0 && Glibc.listen(raw, 16) == 0, "cannot listen on a port")
    return raw
}

private func connectTo(_ path: String) -> Int32 {
    let raw = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    return withAddress(path) { connect(raw, $0, $1) } == 0 ? raw : -1
}

private func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>?, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
    return withUnsafeBytes(of: &address) { bytes in
        bytes.withMemoryRebound(to: sockaddr.self) { body($0.baseAddress, socklen_t(bytes.count)) }
    }
}

/// Copies until either side ends.
private func pump(_ from: Int32, _ to: Int32) {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = read(from, &buffer, buffer.count), count > 0 {
        var sent = 0
        while sent < count {
            let more = buffer[sent..<count].withUnsafeBytes {
                send(to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard more > 0 else { return }
            sent += more
        }
    }
}

/// Reads one request: its head, and as much body as that announces.
private func readRequest(_ raw: Int32) -> (head: String, body: String) {
    var text = ""
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = read(raw, &buffer, buffer.count), count > 0 {
        // A TLS handshake: no head will come.
        if text.isEmpty, buffer[0] == 0x16 { return ("", "") }
        text += String(decoding: buffer[..<count], as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { continue }
        let head = String(text[..<end.lowerBound])
        let length =
            head.lowercased().components(separatedBy: "content-length: ").dropFirst().first
            .flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
        if text[end.upperBound...].utf8.count >= length { return (head, String(text[end.upperBound...])) }
    }
    return (text, "")
}
