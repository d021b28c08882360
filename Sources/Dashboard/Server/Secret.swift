import Glibc
internal import Machine

/// A secret that requests are held against. Only its digest is kept, and comparing takes the same time whatever differs.
struct Secret: Sendable {
    static let minimumLength = 8
    private static let maximumLength = 4096

    private let digest: Digest

    /// Reads the first line of a file, without blanks at its ends.
    ///
    /// - Throws: ``DashboardError`` when it is missing, short, or open to others than its owner and group.
    init(file path: String) throws {
        let bytes: [UInt8]
        let mode: mode_t
        do {
            let file = try Descriptor.open(path, O_RDONLY | O_CLOEXEC)
            mode = try file.status().st_mode
            bytes = try file.readAll(limit: Self.maximumLength)
        } catch {
            throw DashboardError.unreadable(path, explain(error).what)
        }
        guard mode & 0o007 == 0 else { throw DashboardError.unreadable(path, "everybody may read it") }
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let secret = Array(line.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
        guard secret.count >= Self.minimumLength else { throw DashboardError.unreadable(path, "it is too short") }
        digest = Digest.of(secret)
    }

    func equals(_ candidate: some Sequence<UInt8>) -> Bool {
        let other = Digest.of(Array(candidate))
        return zip(digest.bytes, other.bytes).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
