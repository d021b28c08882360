internal import Machine

/// Keys as `gpg --with-colons --fixed-list-mode --with-subkey-fingerprint --with-keygrip` lists them; the format is
/// described in GnuPG's doc/DETAILS. Unknown records and missing fields are passed over, never guessed at.
struct KeyListing {
    private(set) var keys: [PublicKey] = []
    /// Whether a record says that the private key is in the listed file itself (`sec`, `ssb`).
    private(set) var containsSecret = false

    /// - Parameter secretGrips: keygrips of the private keys that lie beside the keyring.
    init(_ text: String, secretGrips: Set<String> = []) {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false).map { unescaped($0) }
            take(Record(fields: fields), secretGrips)
        }
        finishKey()
    }

    private var building: Building?

    private struct Building {
        var subkeys: [Draft] = []
        var userIDs: [String] = []
        var isDisabled = false
    }

    private struct Draft {
        let record: Record
        var fingerprint: Fingerprint?
        var hasSecret: Bool
    }

    private mutating func take(_ record: Record, _ secretGrips: Set<String>) {
        switch record.kind {
        case "pub", "sec":
            finishKey()
            building = Building(
                subkeys: [Draft(record: record, hasSecret: record.kind == "sec")],
                isDisabled: record.capabilities.contains("D"))
        case "sub", "ssb":
            building?.subkeys.append(Draft(record: record, hasSecret: record.kind == "ssb"))
        case "fpr": edit { if $0.fingerprint == nil { $0.fingerprint = Fingerprint(record[10]) } }
        case "grp": edit { if secretGrips.contains(record[10]) { $0.hasSecret = true } }
        case "uid" where record.validity != "r": building?.userIDs.append(RawPath(record[10]).description)
        default: break
        }
        if record.kind == "sec" || record.kind == "ssb" { containsSecret = true }
    }

    private mutating func edit(_ change: (inout Draft) -> Void) {
        guard let last = building?.subkeys.indices.last else { return }
        if var draft = building?.subkeys[last] {
            change(&draft)
            building?.subkeys[last] = draft
        }
    }

    private mutating func finishKey() {
        defer { building = nil }
        guard let building else { return }
        let subkeys = building.subkeys.compactMap { draft -> PublicKey.Subkey? in
            guard let fingerprint = draft.fingerprint else { return nil }
            let record = draft.record
            return PublicKey.Subkey(
                fingerprint: fingerprint, keyID: KeyID(record[5]) ?? fingerprint.keyID, algorithm: record.algorithm,
                created: record.moment(6) ?? Timestamp(seconds: 0), expires: record.moment(7),
                isRevoked: record.validity == "r", canEncrypt: record.capabilities.contains("e"),
                canSign: record.capabilities.contains("s"), hasSecret: draft.hasSecret)
        }
        guard let primary = subkeys.first, primary.fingerprint == building.subkeys.first?.fingerprint else { return }
        keys.append(
            PublicKey(
                primary: primary, subkeys: Array(subkeys.dropFirst()), userIDs: building.userIDs,
                isDisabled: building.isDisabled))
    }
}

/// One line of the listing; fields count from 1, as in the documentation.
private struct Record {
    let fields: [String]

    subscript(_ number: Int) -> String { number <= fields.count ? fields[number - 1] : "" }

    var kind: String { self[1] }
    var validity: String { self[2] }
    var capabilities: String { self[12] }

    /// Seconds since 1970; years after 2038 may come as `20400101T120000`.
    func moment(_ number: Int) -> Timestamp? {
        guard !self[number].isEmpty else { return nil }
        return Int64(self[number]).map { Timestamp(seconds: $0) } ?? Timestamp(self[number], pattern: "%Y%m%dT%H%M%S")
    }

    var algorithm: String {
        if !self[17].isEmpty { return self[17] }
        return switch self[4] {
        case "1", "2", "3": "rsa\(self[3])"
        case "16", "20": "elg\(self[3])"
        case "17": "dsa\(self[3])"
        default: "algorithm\(self[4])"
        }
    }
}

/// Undoes `\x3a` and its like.
private func unescaped(_ field: Substring) -> String {
    guard field.contains("\\") else { return String(field) }
    var bytes: [UInt8] = []
    var rest = Array(field.utf8)[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "x"),
            let value = [UInt8](hex: String(decoding: rest.dropFirst().prefix(2), as: UTF8.self)), value.count == 1
        {
            bytes.append(value[0])
            rest = rest.dropFirst(3)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
