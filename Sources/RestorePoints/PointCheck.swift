internal import Glibc
package import Machine
package import OpenPGP

/// Whose signature on a manifest counts.
package enum SignerTrust: Sendable {
    /// This key only; the host's own, or one whose fingerprint a person read off the recovery card.
    case pinned(publicKey: [UInt8], Fingerprint)
    /// Nobody said whose: signatures cannot be checked, and `because` says what to do.
    case nobody(because: String)
}

/// Checks a restore point without the private key: signature, chain, sizes, digests, packets.
///
/// What this proves: the files are the ones that the host sealed, and each is labelled for exactly the recipients named.
/// Not what is inside: that takes the private key.
package struct PointCheck: Sendable {
    package let point: Catalog.Point
    /// The points that were published before, for the chain.
    package let others: [Catalog.Point]
    package let trust: SignerTrust

    package init(_ point: Catalog.Point, among others: [Catalog.Point], trust: SignerTrust) {
        self.point = point
        self.others = others
        self.trust = trust
    }

    /// One thing that was looked at.
    package struct Finding: Sendable {
        /// `signature`, `chain`, or the name of a file.
        package let subject: String
        package let verdict: Verdict

        package init(subject: String, verdict: Verdict) {
            self.subject = subject
            self.verdict = verdict
        }
    }

    package enum Verdict: Sendable {
        case passed(String)
        case failed(any Explained)
        case notChecked(String)
    }

    /// All findings: signature and chain first, then files by name.
    package func run(meter: Meter) async throws -> [Finding] {
        let manifest: Manifest
        switch point.manifest {
        case .success(let readable): manifest = readable
        case .failure(let error): return [Finding(subject: "manifest", verdict: .failed(error))]
        }
        return try await surroundings(manifest) + files(manifest, meter: meter)
    }

    /// Signature, chain, and files that do not belong there: all but the archives themselves.
    package func surroundings(_ manifest: Manifest) async -> [Finding] {
        [await signature(), chain(manifest)] + strangers(manifest)
    }

    // MARK: - Signature and chain

    private func signature() async -> Finding {
        Finding(subject: "signature", verdict: await Self.signatureVerdict(of: point, trust: trust))
    }

    /// Whether the manifest was signed by who is trusted.
    package static func signatureVerdict(of point: Catalog.Point, trust: SignerTrust) async -> Verdict {
        guard case .pinned(let publicKey, let expected) = trust else {
            guard case .nobody(let reason) = trust else { return .notChecked("") }
            return .notChecked(reason)
        }
        do {
            let file = try Descriptor.open(
                "\(point.path)/\(Manifest.signatureName)", O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let signature = try file.readAll(limit: 64 << 10)
            let signer = try await Signature.verify(point.manifestBytes, signature: signature, by: publicKey)
            guard signer == expected else {
                return .failed(
                    RestorePointError(
                        "other-signer", "The manifest is signed by \(signer), not by \(expected).", place: point.path,
                        remedy:
                            "Do not restore from it, unless that key is on a recovery card of yours: --signer \(signer)"
                    ))
            }
            return .passed("by \(signer)")
        } catch let error as MachineError where [ENOENT, ELOOP, EISDIR].contains(error.errno) {
            return .failed(
                RestorePointError(
                    "unsigned", "The manifest has no signature.", place: point.path,
                    remedy:
                        "Do not restore from it: take another point (holdfast list), or this one from an off-site copy."
                ))
        } catch let error as MachineError where error.code == "machine.cannot-run" {
            return .notChecked(error.what)
        } catch {
            return .failed(explain(error))
        }
    }

    private func chain(_ manifest: Manifest) -> Finding {
        Finding(subject: "chain", verdict: chainVerdict(manifest))
    }

    private func chainVerdict(_ manifest: Manifest) -> Verdict {
        guard let previous = manifest.previous else { return .passed("the first point") }
        guard let other = others.first(where: { $0.name == previous.point }) else {
            return .passed("\(previous.point), which it follows, is no longer here")
        }
        guard other.digest.description == previous.sha256 else {
            return .failed(
                RestorePointError(
                    "bad-chain", "The manifest of \(previous.point) is not the one that this point was made after.",
                    place: other.path, remedy: "One of the two was exchanged: compare both with an off-site copy."))
        }
        // A clock that was put back gives a later point an earlier name; the digest above says which came first.
        return .passed(
            "follows \(previous.point)" + (previous.point < point.name ? "" : ", dated later: a clock was wrong"))
    }

    // MARK: - Files

    private func files(_ manifest: Manifest, meter: Meter) async throws -> [Finding] {
        let path = point.path
        return try await sideBySide(manifest.archives) { try await Self.finding(of: $0, in: path, meter: meter) }
    }

    /// Files that the manifest does not name were put there by somebody else.
    private func strangers(_ manifest: Manifest) -> [Finding] {
        let known = Set(manifest.archives.map(\.file) + [Manifest.fileName, Manifest.signatureName])
        let names: [String]
        do {
            names = try Descriptor.folder(point.path).names()
        } catch {
            return [Finding(subject: "folder", verdict: .failed(explain(error)))]
        }
        return names.filter { !known.contains($0) }.map { name in
            let shown = RawPath(name).description
            return Finding(
                subject: shown,
                verdict: .failed(
                    RestorePointError(
                        "stranger", "The manifest does not name this file.", place: "\(point.path)/\(shown)",
                        remedy: "Find out who put it there; restores never read it.")))
        }
    }

    /// What the outside of one file shows.
    ///
    /// - Parameter path: the point's folder.
    package static func finding(
        of archive: Manifest.Archive, in path: String, meter: Meter
    ) async throws -> Finding {
        do {
            try await onThread("verify") { stop in
                let reader = try SealedFile(archive, in: path)
                try reader.read(meter: meter, stop: stop)
            }
            return Finding(
                subject: archive.file,
                verdict: .passed("\(ByteCount(archive.size)), for \(archive.keys.joined(separator: ", "))"))
        } catch is Interrupted {
            throw Interrupted()
        } catch {
            return Finding(subject: archive.file, verdict: .failed(explain(error)))
        }
    }
}
