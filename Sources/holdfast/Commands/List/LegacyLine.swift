import Machine
import RestorePoints

/// One archive of an older script, as `list` shows it.
struct LegacyLine: Encodable {
    let archive: String
    let series: String
    /// The date in its name, in the local time of the host that wrote it; nil if there is none.
    let dated: String?
    /// Nil for what is no regular file.
    let size: Int64?
    let encrypted: Bool?

    /// Those in one folder.
    static func lines(in directory: String) throws -> [LegacyLine] {
        let listing = try LegacyCatalog(directory).list()
        return listing.archives.map { archive in
            LegacyLine(
                archive: archive.path, series: archive.name.series,
                dated: archive.name.moment?.format("%Y-%m-%d %H:%M:%S"), size: archive.size.bytes,
                encrypted: archive.name.isEncrypted)
        }
            + listing.strangers.map {
                LegacyLine(archive: "\(directory)/\($0)", series: "", dated: nil, size: nil, encrypted: nil)
            }
    }

    static func text(_ lines: [LegacyLine]) -> String {
        guard !lines.isEmpty else { return "" }
        let rows = lines.map { line in
            let isFile = line.size != nil
            return [
                "\(RawPath(line.archive))", line.dated ?? "no date", line.size.map { "\(ByteCount($0))" } ?? "–",
                !isFile ? "no regular file: left alone" : line.encrypted == true ? "encrypted" : "not encrypted",
            ]
        }
        return columns([["ARCHIVE", "DATED (LOCAL TIME)", "SIZE", ""]] + rows)
    }
}
