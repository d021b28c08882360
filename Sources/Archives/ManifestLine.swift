import Machine

// The lines of docs/formats/archive.md, "A manifest's lines".

extension [UInt8] {
    /// Adds the canonical line of an entry, and a line feed.
    ///
    /// - Parameter digest: of a file's data; not looked at for others.
    mutating func appendLine(of entry: Entry, digest: Digest?) {
        append("{")
        appendPath("path", entry.path.isEmpty ? [0x2e] : entry.path)
        append(",\"type\":\"")
        append(entry.kind.word)
        append("\"")
        if entry.kind == .hardlink {
            append(",")
            appendPath("link", entry.link)
            append("}\n")
            return
        }
        append(",\"mode\":\"")
        append(octal: entry.mode, digits: 4)
        append("\",\"uid\":")
        append(decimal: entry.owner)
        append(",\"gid\":")
        append(decimal: entry.group)
        append(",\"mtime\":\"")
        append(entry.modified, trimmed: false)
        append("\"")
        switch entry.kind {
        case .file: appendData(of: entry, digest)
        case .symlink:
            append(",")
            appendPath("link", entry.link)
        case .character, .block:
            append(",\"device\":[")
            append(decimal: entry.major)
            append(",")
            append(decimal: entry.minor)
            append("]")
        case .directory, .fifo, .hardlink: break
        }
        if !entry.attributes.isEmpty { appendAttributes(entry.attributes) }
        if !entry.accessList.isEmpty {
            append(",\"acl\":")
            append(json: entry.accessList)
        }
        if !entry.defaultAccessList.isEmpty {
            append(",\"default_acl\":")
            append(json: entry.defaultAccessList)
        }
        append("}\n")
    }

    /// Adds a line about the source only.
    mutating func appendNote(_ note: StaticString, _ path: [UInt8], size: Int64? = nil) {
        append("{\"note\":\"")
        append(note)
        append("\",")
        appendPath("path", path)
        if let size {
            append(",\"size\":")
            append(decimal: size)
        }
        append("}\n")
    }

    private mutating func appendData(of entry: Entry, _ digest: Digest?) {
        append(",\"size\":")
        append(decimal: entry.size)
        if let extents = entry.extents {
            append(",\"extents\":[")
            for (index, extent) in extents.enumerated() {
                append(index == 0 ? "[" : ",[")
                append(decimal: extent.offset)
                append(",")
                append(decimal: extent.length)
                append("]")
            }
            append("]")
        }
        append(",\"sha256\":\"")
        if let digest { append(hexadecimal: digest.bytes) }
        append("\"")
    }

    private mutating func appendAttributes(_ attributes: [Entry.Attribute]) {
        // Names that are no UTF-8 cannot stand in JSON: they have an object of their own.
        for asText in [true, false] {
            var count = 0
            for attribute in attributes where attribute.name.isUTF8 == asText {
                if count > 0 { append(",") } else { append(asText ? ",\"xattrs\":{" : ",\"xattrs64\":{") }
                if asText {
                    append(json: attribute.name)
                } else {
                    append("\"")
                    append(base64: attribute.name)
                    append("\"")
                }
                append(":\"")
                append(base64: attribute.value)
                append("\"")
                count += 1
            }
            if count > 0 { append("}") }
        }
    }

    private mutating func appendPath(_ key: StaticString, _ path: [UInt8]) {
        append("\"")
        append(key)
        if path.isUTF8 {
            append("\":")
            append(json: path)
        } else {
            append("64\":\"")
            append(base64: path)
            append("\"")
        }
    }
}

/// The name of the first key whose value differs between two lines, for messages.
func firstDifference(_ one: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> String {
    func shown(_ key: String) -> String { RawPath(key).description }
    let left = FlatJSON.members(one)
    let right = FlatJSON.members(other)
    for (mine, theirs) in zip(left, right) where mine.key != theirs.key || mine.value != theirs.value {
        return mine.key == theirs.key ? shown(mine.key) : "\(shown(mine.key)) or \(shown(theirs.key))"
    }
    let longer = left.count > right.count ? left : right
    return left.count == right.count ? "form" : shown(longer[min(left.count, right.count)].key)
}
