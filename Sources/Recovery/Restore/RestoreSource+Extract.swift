internal import Archives
internal import Glibc
internal import Machine
internal import OpenPGP
internal import RestorePoints

extension RestoreSource {
    /// Puts the data into a new folder beside the live one; what is there counts only once this has returned.
    func stage(
        in parent: Descriptor, as name: String, _ selection: PathSelection?, _ key: DecryptionKey, meter: Meter
    ) async throws -> ExtractionReport {
        if case .staged(let volume) = self { return try volume.move(to: parent, as: name) }
        try parent.makeFolder(name)
        return try await extract(into: try parent.folder(name), selection, key, meter: meter)
    }

    private func extract(
        into staging: Descriptor, _ selection: PathSelection?, _ key: DecryptionKey, meter: Meter
    ) async throws -> ExtractionReport {
        let space = freeSpace(at: staging.path)
        switch self {
        case .staged: preconditionFailure("BUG: what is extracted already was extracted again")
        case .point(let point, let record, let archive):
            let identity = try point.manifest.get().identity(of: archive)
            let sealed = SealedArchive(archive: archive, path: point.path, key: key)
            let prefix = record.within.map { RawPath($0) }
            return try await sealed.open(meter: meter) { source, stop in
                try ArchiveReader.extract(
                    from: source, origin: .ours(expecting: identity), into: staging, prefix: prefix,
                    selection: selection,
                    space: space, meter: Meter(), stop: stop)
            }
        case .file(let file):
            let origin = ArchiveReader.Origin.foreign(ForeignPolicy(file.allowed))
            return try await file.open(key, meter: meter) { source, stop in
                try ArchiveReader.extract(
                    from: source, origin: origin, into: staging, selection: selection, space: space, meter: Meter(),
                    stop: stop)
            }
        }
    }

    /// The volume that had to be made before there was a plan.
    var madeVolume: String? { if case .staged(let volume) = self { volume.madeVolume } else { nil } }

    /// How the engine knew a volume, where that is known.
    func volumeFacts(_ name: String, _ key: DecryptionKey) async throws -> PrivateFacts.VolumeFacts? {
        guard case .point(let point, _, _) = self else { return nil }
        return try await point.privateFacts(key).volumes[name]
    }
}

extension ArchiveFile {
    /// Gives `consumer` the plaintext, decrypted if it was encrypted.
    func open<Result: Sendable>(
        _ key: DecryptionKey, meter: Meter,
        _ consumer: @escaping @Sendable (any ByteSource, StopSignal) throws -> Result
    ) async throws -> Result {
        let file = MeteredFile(try Descriptor.open(path, O_RDONLY), meter)
        guard isEncrypted else { return try await onThread("extract") { try consumer(file, $0) } }
        return try await key.decrypt(feeding: { try file.copy(to: $0, stop: $1) }, consumer)
    }
}

/// A file that counts what is read of it.
private final class MeteredFile: ByteSource, Sendable {
    private let file: Descriptor
    private let meter: Meter

    init(_ file: Descriptor, _ meter: Meter) {
        self.file = file
        self.meter = meter
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = try file.read(into: buffer)
        meter.add(bytes: count)
        return count
    }
}
