import Glibc

/// What this machine calls itself.
package func hostName() -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        // One less, so that there is always a closing NUL.
        buffer.initialize(repeating: 0)
        guard let base = buffer.baseAddress, gethostname(base, buffer.count - 1) == 0 else { return "localhost" }
        return String(cString: base)
    }
}
