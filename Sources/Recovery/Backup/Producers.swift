package import Archives
package import Machine
package import OpenPGP

/// What makes the bytes of a backup: the archives of trees, gpg, the host's key. Whatever one of them throws, what it made
/// is worthless.
package protocol Producers: Sendable {
    /// Begins the archive of an item.
    func archive(
        to sink: any ByteSink, compression: Compression, identity: ArchiveIdentity, time: Timestamp
    ) throws -> any TreeArchive

    /// Seals what `producer` writes; as ``Encryption/run(_:into:)``.
    func seal<Result: Sendable>(
        _ producer: @escaping @Sendable (any ByteSink, StopSignal) throws -> Result, into sink: any ByteSink & Sendable
    ) async throws -> (result: Result, sealed: Sealed)

    /// What makes the signatures of this host.
    ///
    /// - Throws: a refusal when it has no key.
    func signer() async throws -> @Sendable ([UInt8]) async throws -> [UInt8]
}

/// An archive that trees are added to.
package protocol TreeArchive {
    func add(
        tree root: Descriptor, under prefix: RawPath?, excluding excluded: ((RawPath) -> Bool)?, meter: Meter,
        stop: StopSignal
    ) throws -> TreeReport
    func add(folder: Descriptor, at path: RawPath) throws
    func finish() throws -> ArchiveTotals
}

extension ArchiveWriter: TreeArchive {}

/// The real ones.
struct OwnProducers: Producers {
    let site: Site
    let plan: BackupPlan

    func archive(
        to sink: any ByteSink, compression: Compression, identity: ArchiveIdentity, time: Timestamp
    ) throws -> any TreeArchive {
        try ArchiveWriter(to: sink, compression: compression, identity: identity, time: time)
    }

    func seal<Result: Sendable>(
        _ producer: @escaping @Sendable (any ByteSink, StopSignal) throws -> Result, into sink: any ByteSink & Sendable
    ) async throws -> (result: Result, sealed: Sealed) {
        try await Encryption(keyring: site.keyring, recipients: plan.recipients).run(producer, into: sink)
    }

    func signer() async throws -> @Sendable ([UInt8]) async throws -> [UInt8] {
        guard let key = try await HostKey.open(site.state.signingHome) else {
            throw RecoveryError.refused(
                "no-host-key", "This host has no key of its own to sign its backups with.",
                place: site.state.signingHome,
                remedy: "Make it: holdfast init (a holdfast.yml that is there stays as it is)")
        }
        return { try await key.sign($0) }
    }
}
