import Archives
import Machine
import OpenPGP
import Recovery
import RestorePoints

/// What stands in for tar, zstd, gpg and the host's key: bytes that tell whether all went well when they were made.
struct SimulatedProducers: Producers {
    let host: Host
    let process: SimulatedProcess

    func archive(
        to sink: any ByteSink, compression: Compression, identity: ArchiveIdentity, time: Timestamp
    ) throws -> any TreeArchive {
        host.requireRecord()
        try require(.begin, identity.item)
        return SimulatedArchive(sink: sink, producers: self, item: identity.item)
    }

    func seal<Result: Sendable>(
        _ producer: @escaping @Sendable (any ByteSink, StopSignal) throws -> Result, into sink: any ByteSink & Sendable
    ) async throws -> (result: Result, sealed: Sealed) {
        let plain = Collected()
        let result = try producer(plain, StopSignal())
        var bytes = Array("sealed ".utf8) + plain.bytes
        let trouble = process.trouble(Step(deed: .seal, inode: nil, name: ""))
        if trouble != nil {
            // gpg died half-way; what it wrote before is in the file.
            bytes.removeLast(bytes.count / 2)
            guard process.sabotage?.kind == .failedProducerCounts, !process.isDead else {
                try sink.write(bytes)
                throw RecoveryError.failed("gpg", "gpg died.")
            }
        }
        try sink.write(Array(bytes[..<(bytes.count / 2)]))
        try sink.write(Array(bytes[(bytes.count / 2)...]))
        let digest = Digest.of(bytes)
        host.ledger.archives[digest] = trouble != nil ? .failed : plain.isTorn ? .torn : .whole
        return (result, Sealed(length: Int64(bytes.count), digest: digest, recipients: []))
    }

    func signer() async throws -> @Sendable ([UInt8]) async throws -> [UInt8] {
        { bytes in
            try require(.sign, "")
            return HostSigner.shared.signature(of: bytes)
        }
    }

    fileprivate func require(_ deed: Step.Deed, _ name: String) throws {
        guard process.trouble(Step(deed: deed, inode: nil, name: name)) == nil else {
            throw RecoveryError.failed("producer", "\(deed.rawValue) \(name) failed.")
        }
    }
}

/// Bytes in memory.
private final class Collected: ByteSink, @unchecked Sendable {
    var bytes: [UInt8] = []
    var isTorn = false

    func write(_ part: UnsafeRawBufferPointer) { bytes += part }
}

/// An archive that is the text of all files of its tree.
private struct SimulatedArchive: TreeArchive {
    let sink: any ByteSink
    let producers: SimulatedProducers
    let item: String

    func add(
        tree root: Descriptor, under prefix: RawPath?, excluding excluded: ((RawPath) -> Bool)?, meter: Meter,
        stop: StopSignal
    ) throws -> TreeReport {
        var report = TreeReport()
        try sink.write("archive \(producers.host.serial()) of \(item):")
        for name in try root.names() {
            try sink.write(" \(name): ")
            try sink.write(try root.open(name, 0).readAll(limit: 1 << 16))
            report.entries += 1
        }
        try producers.require(.readTree, item)
        if producers.host.isShrinking() {
            report.torn.add(RawPath("file"))
            (sink as? Collected)?.isTorn = true
        }
        return report
    }

    func add(folder: Descriptor, at path: RawPath) throws {}

    func finish() throws -> ArchiveTotals { ArchiveTotals() }
}
