import Machine

/// What `begin.json` and `end.json` say.
struct ControlRecord: Equatable {
    static let format = "holdfast-archive/1"

    var identity: ArchiveIdentity
    /// In `end.json` only.
    var totals: ArchiveTotals?

    /// One JSON object, keys sorted, and a line feed.
    var encoded: [UInt8] {
        var text: [UInt8] = []
        text.append("{")
        func add(_ key: StaticString, _ value: Int64) {
            text.append("\"")
            text.append(key)
            text.append("\":")
            text.append(decimal: value)
            text.append(",")
        }
        func add(_ key: StaticString, _ value: String) {
            text.append("\"")
            text.append(key)
            text.append("\":")
            text.append(json: Array(value.utf8))
            text.append(",")
        }
        if let totals {
            add("bytes", totals.bytes)
            add("entries", totals.entries)
        }
        add("format", Self.format)
        add("host", identity.host)
        add("item", identity.item)
        if let totals { add("manifests", totals.manifests) }
        add("point", identity.point)
        if let totals { add("torn", totals.torn) }
        text.removeLast()
        text.append("}\n")
        return text
    }

    init(_ identity: ArchiveIdentity, totals: ArchiveTotals? = nil) {
        self.identity = identity
        self.totals = totals
    }

    /// Reads what ``encoded`` writes; keys that it does not know are passed over.
    ///
    /// - Throws: `archive.newer-format`; `archive.damaged` for all else.
    init(parsing text: [UInt8], isEnd: Bool) throws {
        let name = isEnd ? "end.json" : "begin.json"
        var values: [String: ArraySlice<UInt8>] = [:]
        for (key, value) in FlatJSON.members(text[...]) where values.updateValue(value, forKey: key) != nil {
            throw ArchiveError.damaged("\(name) has the key \(RawPath(key)) twice")
        }
        func string(_ key: String) throws -> String {
            guard let value = values[key], let bytes = FlatJSON.string(value),
                let text = String(validating: bytes, as: UTF8.self)
            else { throw ArchiveError.damaged("\(name) has no \(key)") }
            return text
        }
        func integer(_ key: String) throws -> Int64 {
            guard let value = values[key], let integer = number(value) else {
                throw ArchiveError.damaged("\(name) has no \(key)")
            }
            return integer
        }
        let format = try string("format")
        guard format == Self.format else {
            throw ArchiveError(
                code: "archive.newer-format",
                what: "The archive is of the format \(RawPath(format)), which this holdfast cannot read.",
                remedy: "Install the newest holdfast; the archive opens with gpg, zstd and tar as well.")
        }
        identity = ArchiveIdentity(host: try string("host"), point: try string("point"), item: try string("item"))
        if isEnd {
            totals = ArchiveTotals(
                entries: try integer("entries"), bytes: try integer("bytes"), manifests: try integer("manifests"),
                torn: try integer("torn"))
        }
    }
}

/// What an archive holds in all.
package struct ArchiveTotals: Hashable, Sendable {
    /// Entries with a tar member; holdfast's own members not counted.
    package var entries: Int64 = 0
    /// Bytes of data in them, holes not counted.
    package var bytes: Int64 = 0
    package var manifests: Int64 = 0
    /// Entries that shrank or vanished while they were read: 0 for a whole item.
    package var torn: Int64 = 0

    package init(entries: Int64 = 0, bytes: Int64 = 0, manifests: Int64 = 0, torn: Int64 = 0) {
        self.entries = entries
        self.bytes = bytes
        self.manifests = manifests
        self.torn = torn
    }
}
