internal import Machine

/// Which host, restore point and item an archive was made for; written at its begin and at its end.
package struct ArchiveIdentity: Hashable, Sendable, CustomStringConvertible {
    /// The host's id: 32 hexadecimal digits, made at `init`.
    package let host: String
    /// The restore point's name: `2026-11-22T020000Z`.
    package let point: String
    /// The item's name: `volume.n8n_data`, `files.compose`; `all` for a single archive.
    package let item: String

    package init(host: String, point: String, item: String) {
        self.host = host
        self.point = point
        self.item = item
    }

    /// For people: a stranger may have written it.
    package var description: String { "\(RawPath(item)) of \(RawPath(point))" }
}

/// How an archive is compressed.
package enum Compression: Hashable, Sendable {
    /// Zstandard, level 1…19.
    case zstd(level: Int)
    /// gzip, level 1…9.
    case gzip(level: Int)
    /// As it is.
    case none

    /// How its files' names end: `.tar.zst`, `.tar.gz`, `.tar`.
    package var suffix: String { ".tar" + streamSuffix }

    /// How names of streams end that are no tar.
    package var streamSuffix: String {
        switch self {
        case .zstd: ".zst"
        case .gzip: ".gz"
        case .none: ""
        }
    }
}
