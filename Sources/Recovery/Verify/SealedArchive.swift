internal import Archives
internal import Machine
package import OpenPGP
package import RestorePoints

/// An archive of a point, decrypted while it is held against its manifest: one read of the file for both.
struct SealedArchive: Sendable {
    let archive: Manifest.Archive
    /// The point's folder.
    let path: String
    let key: DecryptionKey

    /// Gives `consumer` the plaintext, and its result only if gpg, digest and packets all agree in the end.
    func open<Result: Sendable>(
        meter: Meter, _ consumer: @escaping @Sendable (any ByteSource, StopSignal) throws -> Result
    ) async throws -> Result {
        let file = try SealedFile(archive, in: path)
        do {
            return try await key.decrypt(feeding: { try file.read(into: $0, meter: meter, stop: $1) }, consumer)
        } catch let error as OpenPGPError where error.kind == .wrongKey {
            // Whoever changes its labels makes every key the wrong one.
            if let changed = file.mislabelled(error.keyIDs) { throw changed }
            throw error
        }
    }
}

extension Catalog.Point {
    /// Decrypts and reads the private facts.
    package func privateFacts(_ key: DecryptionKey) async throws -> PrivateFacts {
        guard let archive = try manifest.get().archive(named: PrivateFacts.fileName) else {
            throw RestorePointError("no-private-facts", "The point has no private facts.", place: path)
        }
        let facts = try await SealedArchive(archive: archive, path: path, key: key).open(meter: Meter()) { source, _ in
            let bytes = try Zstandard.decompress(
                try source.readAll(limit: PrivateFacts.limit), limit: PrivateFacts.limit)
            return try JSON.read(PrivateFacts.self, bytes, place: PrivateFacts.fileName)
        }
        let host = try manifest.get().host
        guard facts.point == name, facts.host == host else {
            throw RestorePointError(
                "swapped", "The private facts are those of \(facts.point), not of \(name).", place: path,
                remedy: "Somebody exchanged the file; restore from another point.")
        }
        return facts
    }
}
