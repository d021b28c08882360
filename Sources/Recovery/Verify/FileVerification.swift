internal import Archives
internal import Databases
internal import Machine
package import OpenPGP
package import RestorePoints

/// Checks one file that a person named, as far as can be: nothing signs for it, and no manifest says what it should be.
package struct FileVerification: Sendable {
    private let site: Site
    private let file: ArchiveFile

    package init(_ file: ArchiveFile, _ site: Site) {
        self.file = file
        self.site = site
    }

    /// Checks it.
    ///
    /// - Parameter key: with it, an encrypted file is decrypted and read to its end; one that is not is read anyway.
    package func run(deep key: DecryptionKey?) async throws -> [PointCheck.Finding] {
        let meter = Meter()
        site.report(.began("file", meter, expected: file.size))
        var findings: [PointCheck.Finding] = []
        if file.isEncrypted { findings.append(try await finding("packets") { try await packets(meter) }) }
        if file.isEncrypted, key == nil {
            findings.append(
                PointCheck.Finding(
                    subject: "content",
                    verdict: .notChecked(
                        "looked at from outside only: what is in it takes the private key (--deep)")))
        } else {
            let key = key ?? .agent(home: nil)
            findings.append(try await finding("content") { try await content(key, file.isEncrypted ? Meter() : meter) })
        }
        let isWell = !findings.contains { if case .passed = $0.verdict { false } else { true } }
        site.report(.ended("file", text: isWell ? "read to its end" : "see below", good: isWell))
        return findings
    }

    private func finding(
        _ subject: String, _ check: () async throws -> PointCheck.Verdict
    ) async throws -> PointCheck.Finding {
        do {
            return PointCheck.Finding(subject: subject, verdict: try await check())
        } catch is Interrupted {
            throw Interrupted()
        } catch let error as OpenPGPError where error.isAboutTheKey {
            return PointCheck.Finding(
                subject: subject, verdict: .notChecked("\(error.what) Give the right private key: --key FILE"))
        } catch {
            return PointCheck.Finding(subject: subject, verdict: .failed(explain(error)))
        }
    }

    // MARK: - From outside

    private func packets(_ meter: Meter) async throws -> PointCheck.Verdict {
        let path = file.path
        let envelope = try await onThread("verify") { stop -> Envelope? in
            let source = try Descriptor.open(path, 0)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: streamBufferSize, alignment: 16)
            defer { buffer.deallocate() }
            var inspector = PacketInspector()
            var isFirst = true
            while case let count = try source.read(into: buffer), count > 0 {
                try stop.check()
                // Text: an armored message, which gpg alone understands.
                if isFirst, buffer[0] & 0x80 == 0 { return nil }
                isFirst = false
                try inspector.take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                meter.add(bytes: count)
            }
            return try inspector.finish()
        }
        guard let envelope else { return .notChecked("an armored message: only gpg can tell, with the private key") }
        guard envelope.lengthIsKnown else {
            return .notChecked("a message of an old form that does not say its length: one that was cut looks the same")
        }
        let keys = envelope.recipients.map(\.description).joined(separator: ", ")
        return .passed("\(file.size), whole, labelled for \(keys.isEmpty ? "a passphrase" : keys)")
    }

    // MARK: - From inside

    private func content(_ key: DecryptionKey, _ meter: Meter) async throws -> PointCheck.Verdict {
        try await file.open(key, meter: meter) { source, stop in
            try CompressedStream.withPlain(source) { plain in
                let begun = BegunSource(try plain.readStart(512), plain)
                if begun.start.starts(with: "SQLite format 3\0".utf8) {
                    return .notChecked("an SQLite file: only SQLite can tell whether it is whole")
                }
                return .passed(try Self.read(begun, stop) + "; nobody’s signature")
            }
        }
    }

    private static func read(_ source: BegunSource, _ stop: StopSignal) throws -> String {
        if source.start.starts(with: "PGDMP".utf8) {
            let dump = CountedDump(source)
            try dump.drain(stop)
            let summary = try dump.summary()
            return "a dump of pg_dump’s, whole: \(words(summary.tables))"
        }
        guard source.isTar else {
            let script = CountedScript(source)
            try script.drain(stop)
            let summary = try script.summary()
            guard summary.endsWell else {
                throw RecoveryError.failed(
                    "script-cut", "It is SQL, but without the closing line of pg_dump: it may have been cut.",
                    remedy: "Take another file; pg_dump ends with “PostgreSQL database dump complete”.")
            }
            return "SQL to pg_dump’s closing line: \(words(summary.tables))"
        }
        let all = ForeignPolicy(ArchiveFile.Allowed(devices: true, setID: true, linksOut: true))
        let report = try ArchiveReader.check(from: source, origin: .foreign(all), meter: Meter(), stop: stop)
        guard report.entries > 0 else {
            throw RecoveryError.failed(
                "nothing-in-it", "It is a tar with nothing in it.", remedy: "Take another file.")
        }
        let what = report.identity.map { "\($0), every entry compared" } ?? "a tar to its end mark"
        return "\(what): \(report.entries) entries, \(ByteCount(report.bytes))"
    }

    private static func words(_ tables: [DumpSummary.Table]) -> String {
        "\(counted(tables.count, "table")), \(counted(tables.reduce(0) { $0 + $1.rows }, "row"))"
    }
}

/// A stream whose first bytes were looked at. Used by one thread.
private final class BegunSource: ByteSource {
    let start: [UInt8]
    private var rest: ArraySlice<UInt8>
    private let source: any ByteSource

    init(_ start: [UInt8], _ source: any ByteSource) {
        self.start = start
        self.source = source
        rest = start[...]
    }

    /// Whether it begins as a tar of any dialect does, or as one without entries.
    var isTar: Bool {
        start.count == 512 && (start[257..<262].elementsEqual("ustar".utf8) || start.contains(0))
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard !rest.isEmpty else { return try source.read(into: buffer) }
        let part = rest.prefix(buffer.count)
        buffer.copyBytes(from: part)
        rest = rest.dropFirst(part.count)
        return part.count
    }
}

extension ByteSource {
    /// Reads to the end, for what is found out on the way.
    fileprivate func drain(_ stop: StopSignal) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: streamBufferSize, alignment: 16)
        defer { buffer.deallocate() }
        while try read(into: buffer) > 0 { try stop.check() }
    }
}
