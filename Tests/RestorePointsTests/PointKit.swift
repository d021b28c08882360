import Glibc
import Machine
import OpenPGP
import RestorePoints
import TestKit

let hostID = "0123456789abcdef0123456789abcdef"

func moment(_ text: String) throws -> Timestamp {
    guard let moment = Timestamp(text) else { throw MachineError(code: "test", what: "no moment: \(text)") }
    return moment
}

func pointName(_ text: String) throws -> PointName {
    guard let name = PointName(text) else { throw MachineError(code: "test", what: "no name: \(text)") }
    return name
}

/// Makes points as a run does: real keys, real archives, really signed.
struct PointKit {
    let keys: ThrowAwayKeys
    /// The backup directory.
    let directory: String
    let host: HostKey
    let recipient: PublicKey

    var catalog: Catalog { Catalog(directory) }
    var trust: SignerTrust { get async throws { .pinned(publicKey: try await host.publicKey(), host.fingerprint) } }

    /// Saves `text` for each of the items and publishes the point.
    @discardableResult
    func make(
        _ at: String, _ items: [String] = ["volume.a", "volume.b"], text: String = "data",
        previous: Manifest.Previous? = nil,
        signer: HostKey? = nil, change: (inout Manifest) -> Void = { _ in }
    ) async throws -> Catalog.Point {
        let writer = try PointWriter(in: directory, at: try moment(at))
        var archives: [Manifest.Archive] = []
        var records: [Manifest.ItemRecord] = []
        for text in items {
            guard let item = Item(text) else { throw MachineError(code: "test", what: "no item: \(text)") }
            var record = Manifest.ItemRecord(item: item, outcome: .whole)
            record.archive = "\(item).tar.zst.gpg"
            records.append(record)
        }
        for file in records.compactMap(\.archive) + [PrivateFacts.fileName] {
            archives.append(try await seal("\(file): \(text)", as: file, for: recipient, writer))
        }
        var manifest = Manifest(
            host: hostID, point: writer.name, started: try moment(at), finished: try moment(at).advanced(by: 1),
            previous: previous, recipients: [recipient.fingerprint.description], archives: archives, items: records,
            holdfast: "0.1.0")
        change(&manifest)
        let bytes = try JSON.write(manifest)
        try writer.publish(bytes, signature: try await (signer ?? host).sign(bytes), files: archives.map(\.file))
        return try catalog.point(writer.name.description)
    }

    private func seal(
        _ text: String, as name: String, for recipient: PublicKey, _ writer: PointWriter
    ) async throws -> Manifest.Archive {
        let file = try writer.file(name)
        let bytes = Array(text.utf8)
        let (_, sealed) = try await Encryption(keyring: keys.host, recipients: [recipient])
            .run({ sink, _ in try sink.write(bytes) }, into: file)
        try file.publish()
        return Manifest.Archive(
            file: name, size: sealed.length, sha256: sealed.digest.description,
            keys: sealed.recipients.map(\.description))
    }

    /// Writes a file of a point anew, as somebody with access to the disk can.
    func overwrite(_ path: String, _ bytes: [UInt8]) throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        try file.write(bytes)
        try file.close()
    }

    /// What a check finds, by subject: `passed`, a code, or `not checked`.
    func check(_ name: String, trust: SignerTrust? = nil) async throws -> [String: String] {
        let points = try catalog.points()
        let point = try catalog.point(name)
        var pinned = try await self.trust
        if let trust { pinned = trust }
        let check = PointCheck(point, among: points.filter { $0.name != point.name }, trust: pinned)
        var found: [String: String] = [:]
        for finding in try await check.run(meter: Meter()) {
            switch finding.verdict {
            case .passed: found[finding.subject] = "passed"
            case .failed(let error): found[finding.subject] = error.code
            case .notChecked: found[finding.subject] = "not checked"
            }
        }
        return found
    }
}

func withPoints<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: (PointKit) async throws -> Result
) async throws -> Result {
    try await withKeyring { keys in
        let made = try await keys.make(onHost: false)
        let recipient = try await keys.host.importKey(made.public, now: SystemClock().now()).key
        let host = try await HostKey.create(in: keys.folder + "/signing", host: "test")
        try makeFolders(keys.folder + "/points")
        return try await body(
            PointKit(keys: keys, directory: keys.folder + "/points", host: host, recipient: recipient))
    }
}

extension [String: String] {
    /// What did not pass.
    var failures: [String: String] { filter { $0.value != "passed" } }
}
