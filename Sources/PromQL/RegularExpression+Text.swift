internal import CRE2

extension RegularExpression {
    /// `$1`, `${1}`, `$name`, `${name}` and `$$` in `template`, as Go expands them.
    ///
    /// - Parameter groups: as ``groups(of:)`` gives them.
    package func expand(_ template: String, _ groups: [Substring?]) -> String {
        var result = ""
        var rest = Substring(template)
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                result += "$"
                rest.removeFirst()
                continue
            }
            let braced = rest.first == "{"
            let body = braced ? rest.dropFirst() : rest
            let name = body.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
            let after = body.dropFirst(name.count)
            guard !name.isEmpty, !braced || after.first == "}" else {
                result += "$"
                continue
            }
            let group = Int(name) ?? group(named: String(name))
            if let group, groups.indices.contains(group), let text = groups[group] { result += text }
            rest = braced ? after.dropFirst() : after
        }
        return result + rest
    }

    /// Whether some part of `text` matches.
    package func isFound(in text: String) -> Bool {
        var copy = text
        return copy.withUTF8 { find(in: $0, from: 0) != nil }
    }

    /// Every match in `text`, from left to right, replaced by what `template` says: Go's `ReplaceAllString`.
    ///
    /// - Parameter limit: bytes. Returns nil when the result would be longer.
    package func replaceAll(in text: String, by template: String, limit: Int) -> String? {
        var copy = text
        copy.makeContiguousUTF8()
        var result = ""
        var (start, kept) = (0, 0)
        let bytes = Array(copy.utf8)
        func part(_ range: Range<Int>) -> Substring { Substring(decoding: bytes[range], as: UTF8.self) }
        while start <= bytes.count {
            guard let match = bytes.withUnsafeBufferPointer({ find(in: $0, from: start) }), let whole = match[0] else {
                break
            }
            result += part(kept..<whole.lowerBound)
            // An empty match right behind the last one does not count.
            if whole.upperBound > kept || whole.lowerBound == 0 {
                result += expand(template, match.map { $0.map(part) })
            }
            kept = whole.upperBound
            start = max(start + width(of: bytes, at: start), kept)
            guard result.utf8.count <= limit else { return nil }
        }
        if kept < bytes.count { result += part(kept..<bytes.count) }
        return result.utf8.count <= limit ? result : nil
    }

    /// Where the first match at or after `start` lies, with its groups; nil if there is none.
    private func find(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> [Range<Int>?]? {
        var groups = [cre2_group](repeating: cre2_group(), count: groupCount + 1)
        let isFound = text.withMemoryRebound(to: CChar.self) { text in
            groups.withUnsafeMutableBufferPointer {
                cre2_find(compiled, text.baseAddress, text.count, start, $0.baseAddress, Int32($0.count)) == 1
            }
        }
        guard isFound else { return nil }
        return groups.map { $0.start >= 0 ? $0.start..<$0.start + $0.length : nil }
    }
}

/// How many bytes the character that begins at `index` has; 1 at the end.
private func width(of bytes: [UInt8], at index: Int) -> Int {
    var end = index + 1
    while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
    return end - index
}
