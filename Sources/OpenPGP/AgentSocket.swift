internal import Glibc
internal import Machine

/// Ends the gpg-agent of a home of ours and waits until it is gone; where none runs, nothing happens.
///
/// Spoken over its socket (`KILLAGENT`, as `gpgconf --kill` does it), so that it can be done on every way out: without a
/// child, without a task that may be cancelled already, within milliseconds. Just to remove the home is not enough: an
/// agent that notices it in the moment when a connection closes waits for ever (seen with Debian's 2.2.40).
func endAgent(home: String) {
    let socket = Descriptor(
        owning: Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0), path: home)
    guard socket.raw >= 0, connect(socket, to: "\(home)/S.gpg-agent") else { return }
    var patience = timeval(tv_sec: 2, tv_usec: 0)
    setsockopt(socket.raw, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    do {
        try socket.write("KILLAGENT\n")
        // Its greeting, its consent, and its end: the process is gone when the socket is.
        _ = try socket.readAll(limit: 4096)
    } catch {
        // It was about to end by itself.
    }
}

private func connect(_ socket: Descriptor, to path: String) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { place in
        guard path.utf8.count < place.count else { return false }
        place.copyBytes(from: path.utf8)
        return true
    }
    return fits
        && withUnsafePointer(to: address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(socket.raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
}
