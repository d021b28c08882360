internal import Archives
internal import Machine
package import OpenPGP
package import RestorePoints

/// Checks restore points: without the private key what can be seen from outside, with it every entry.
package struct Verification: Sendable {
    private let site: Site
    private let trust: SignerTrust

    package init(_ site: Site, trust: SignerTrust) {
        self.site = site
        self.trust = trust
    }

    /// What was found of one point.
    package struct Verdict: Sendable {
        package enum Overall: String, Sendable {
            case verified
            case failed
            /// Nothing was found wrong, but something could not be checked.
            case notVerified = "not verified"
            /// It was pruned meanwhile: nothing is said of it.
            case removed = "removed meanwhile"
        }

        package let point: Catalog.Point
        package let findings: [PointCheck.Finding]
        package let overall: Overall

        init(_ point: Catalog.Point, _ findings: [PointCheck.Finding]) {
            let overall = Overall(findings)
            let isRemoved = overall != .verified && point.isGone
            self.point = point
            self.findings = isRemoved ? [] : findings
            self.overall = isRemoved ? .removed : overall
        }
    }

    /// Checks one point.
    ///
    /// - Parameter key: with it, every archive is decrypted and every entry compared with the inner manifest, in the same
    ///   single read.
    package func verify(_ point: Catalog.Point, among others: [Catalog.Point], deep key: DecryptionKey?) async throws
        -> Verdict
    {
        let meter = Meter()
        let expected = try? point.manifest.get().size
        site.report(.began(point.name.description, meter, expected: expected))
        let check = PointCheck(point, among: others, trust: trust)
        let findings: [PointCheck.Finding]
        if let key, case .success(let manifest) = point.manifest {
            findings = try await check.surroundings(manifest) + contents(of: point, manifest, key, meter)
        } else {
            findings = try await check.run(meter: meter)
        }
        let verdict = Verdict(point, findings)
        let isGood = [.verified, .removed].contains(verdict.overall)
        site.report(.ended(point.name.description, text: verdict.overall.rawValue, good: isGood))
        return verdict
    }

    private func contents(
        of point: Catalog.Point, _ manifest: Manifest, _ key: DecryptionKey, _ meter: Meter
    ) async throws -> [PointCheck.Finding] {
        try await sideBySide(manifest.archives) { archive in
            do {
                return try await content(of: archive, point, manifest, key, meter)
            } catch is Interrupted {
                throw Interrupted()
            } catch let error as OpenPGPError where error.isAboutTheKey {
                // Says nothing of the archive, good or bad, unless it was changed so that no key opens it any more.
                let outside = try await PointCheck.finding(of: archive, in: point.path, meter: meter)
                if case .failed = outside.verdict { return [outside] }
                return [
                    PointCheck.Finding(
                        subject: archive.file,
                        verdict: .notChecked("\(error.what) Give the right private key: --key FILE"))
                ]
            } catch {
                return [PointCheck.Finding(subject: archive.file, verdict: .failed(explain(error)))]
            }
        }.flatMap(\.self)
    }

    private func content(
        of archive: Manifest.Archive, _ point: Catalog.Point, _ manifest: Manifest, _ key: DecryptionKey, _ meter: Meter
    ) async throws -> [PointCheck.Finding] {
        func passed(_ text: String) -> PointCheck.Finding {
            PointCheck.Finding(subject: archive.file, verdict: .passed("\(ByteCount(archive.size)), \(text)"))
        }
        guard archive.file != PrivateFacts.fileName else {
            let facts = try await point.privateFacts(key)
            let databases = facts.databases?.count ?? 0
            return [passed("facts of \(counted(facts.volumes.count, "volume")) and \(counted(databases, "database"))")]
        }
        if let record = manifest.items.first(where: { $0.archive == archive.file && $0.item.kind == .database }) {
            let facts = try await point.privateFacts(key).databases?[record.item.description]
            let sealed = SealedArchive(archive: archive, path: point.path, key: key)
            let (text, list) = try await DumpVerification(record: record, sealed: sealed, facts: facts).run(
                meter: meter)
            return [passed(text)]
                + (list.map { [PointCheck.Finding(subject: "\(archive.file), list", verdict: $0)] } ?? [])
        }
        let identity = try manifest.identity(of: archive)
        let sealed = SealedArchive(archive: archive, path: point.path, key: key)
        let report = try await sealed.open(meter: meter) { source, stop in
            try ArchiveReader.check(from: source, origin: .ours(expecting: identity), meter: Meter(), stop: stop)
        }
        let records = manifest.items.filter { $0.archive == archive.file }
        let entries = records.reduce(0) { $0 + $1.entries }
        guard Int64(report.entries) == entries else {
            throw RestorePointError(
                "count", "\(archive.file) holds \(report.entries) entries, the manifest says \(entries).",
                place: point.path)
        }
        return [passed("\(report.entries) entries compared")]
    }
}

extension Verification.Verdict.Overall {
    /// What comes of these findings together.
    package init(_ findings: [PointCheck.Finding]) {
        self = .verified
        for finding in findings {
            switch finding.verdict {
            case .failed: self = .failed
            case .notChecked: if self == .verified { self = .notVerified }
            case .passed: break
            }
        }
    }
}

extension Verification.Verdict.Overall {
    /// What comes of several points together: those that were pruned meanwhile count only where there is no other.
    package init(_ verdicts: [Verification.Verdict]) {
        let overall = Set(verdicts.map(\.overall))
        self = [.failed, .notVerified, .verified].first(where: overall.contains) ?? .removed
    }
}

extension OpenPGPError {
    /// Whether it says nothing of the archive, good or bad.
    var isAboutTheKey: Bool { [.wrongKey, .passphraseNeeded, .wrongPassphrase].contains(kind) }
}

extension Manifest {
    /// What an archive of this point has to say of itself.
    func identity(of archive: Archive) throws -> ArchiveIdentity {
        let owners = items.filter { $0.archive == archive.file }
        guard let owner = owners.first else {
            throw RestorePointError(
                "no-item", "No item of the manifest has the archive \(archive.file).", place: point.description)
        }
        let label = owner.within == nil ? owner.item.description : "all"
        return ArchiveIdentity(host: host, point: point.description, item: label)
    }
}
