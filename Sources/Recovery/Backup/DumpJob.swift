internal import Archives
internal import Databases
internal import Machine
internal import OpenPGP
internal import RestorePoints

/// The making of one dump: of one database, or of what belongs to a server and to none of its databases.
struct DumpJob: Sendable {
    let site: Site
    let plan: BackupPlan
    let destination: Destination
    let journal: Journal
    let part: PlannedItem
    let dump: PlannedItem.Dump

    /// Dumps, seals and publishes the file in the point's folder.
    ///
    /// - Throws: ``Interrupted`` only; every failure is an outcome.
    func run() async throws -> ArchiveJob.Outcome {
        let meter = Meter()
        let label = part.item.description
        let began = monotonicSeconds()
        site.report(.began(label, meter, expected: part.expectedData))
        var record = Manifest.ItemRecord(item: part.item, outcome: .failed)
        do {
            if let problem = part.problem { throw problem }
            let (archive, facts, entries) = try await save(meter)
            record.outcome = .whole
            record.archive = archive.file
            record.entries = Int64(entries)
            record.bytes = meter.bytes.bytes
            record.seconds = seconds(since: began)
            site.report(.ended(label, text: summary(record, archive, facts), good: true))
            return ArchiveJob.Outcome(records: [record], archive: archive, databases: facts.map { [label: $0] } ?? [:])
        } catch {
            destination.remove(fileName)
            let explained = explain(error)
            site.report(.ended(label, text: "failed: \(explained)", good: false))
            if error is Interrupted || Task.isCancelled { throw Interrupted() }
            record.error = explained.code
            record.seconds = seconds(since: began)
            return ArchiveJob.Outcome(records: [record], archive: nil, problems: [label: explained.description])
        }
    }

    private typealias Saved = (archive: Manifest.Archive, facts: DatabaseFacts?, entries: Int)

    private func save(_ meter: Meter) async throws -> Saved {
        var owed: Int?
        if case .database(let name) = dump.part, let scratch = dump.engine().scratch(for: name) {
            owed = try journal.owe(.remove(folder: scratch.folder, name: scratch.name))
        }
        defer { if let owed { journal.payForRemoval(owed) } }
        let file = try destination.file(fileName)
        do {
            let saved = try await seal(into: file, meter)
            try await onThread("publish") { _ in try file.publish() }
            return saved
        } catch {
            file.discard()
            throw error
        }
    }

    private func seal(into file: DurableFile, _ meter: Meter) async throws -> Saved {
        switch dump.part {
        case .database(let name):
            let (sealed, facts) = try await read(name) { source in
                try await encrypt(into: file) { sink, stop in
                    try CompressedStream.compress(source, plan.compression, to: sink, meter: meter, stop: stop)
                }
            }
            return (archive(sealed), facts, facts.tables.count)
        case .globals:
            guard let globals = try await dump.engine().globals() else {
                throw RecoveryError.failed("no-globals", "There is nothing beside the databases.", place: label)
            }
            let sealed = try await encrypt(into: file) { sink, stop in
                try CompressedStream.compress(
                    Bytes(globals.script), plan.compression, to: sink, meter: meter, stop: stop)
            }
            return (archive(sealed), nil, globals.statements)
        }
    }

    /// In the engine's own format; into a file of a person's own, as SQL that `psql` loads.
    private func read(
        _ database: String, _ body: @escaping @Sendable (any ByteSource & Sendable) async throws -> Sealed
    ) async throws -> (Sealed, DatabaseFacts) {
        let engine = dump.engine()
        guard case .file = destination, let server = engine as? PostgresServer else {
            return try await engine.dump(database, body)
        }
        return try await server.script(of: database, body)
    }

    private func encrypt(
        into file: DurableFile, _ producer: @escaping @Sendable (any ByteSink, StopSignal) throws -> Void
    ) async throws -> Sealed {
        try await Encryption(keyring: site.keyring, recipients: plan.recipients).run(producer, into: file).sealed
    }

    private func archive(_ sealed: Sealed) -> Manifest.Archive {
        Manifest.Archive(
            file: fileName, size: sealed.length, sha256: sealed.digest.description,
            keys: sealed.recipients.map(\.description))
    }

    private var label: String { part.item.description }
    private var fileName: String {
        destination.name(label + dump.suffix + plan.compression.streamSuffix + ".gpg")
    }

    private func seconds(since began: Double) -> Double { ((monotonicSeconds() - began) * 1000).rounded() / 1000 }

    private func summary(_ record: Manifest.ItemRecord, _ archive: Manifest.Archive, _ facts: DatabaseFacts?) -> String
    {
        let content =
            facts.map { "\(counted($0.tables.count, "table")), \(counted($0.rows, "row"))" }
            ?? counted(record.entries, "statement")
        return
            "\(content), \(ByteCount(record.bytes)) → \(ByteCount(archive.size)), \(durationText(record.seconds))"
    }
}

/// A source that gives what is in memory. Used by one thread.
private final class Bytes: ByteSource, @unchecked Sendable {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let part = rest.prefix(buffer.count)
        buffer.copyBytes(from: part)
        rest = rest.dropFirst(part.count)
        return part.count
    }
}
