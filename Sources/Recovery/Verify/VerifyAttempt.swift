internal import Machine
package import OpenPGP
package import RestorePoints

/// One attempt at verifying points, on record: what is never verified without anybody's noticing is not looked after.
package struct VerifyAttempt: Sendable {
    private let verification: Verification
    private let site: Site
    private let isOnRecord: Bool

    /// - Parameter isOnRecord: false where a person named whose signature counts: by another's, this host's own points fail.
    package init(_ verification: Verification, _ site: Site, isOnRecord: Bool = true) {
        self.verification = verification
        self.site = site
        self.isOnRecord = isOnRecord
    }

    /// Verifies one point after the other. Where there is no state, as on a machine that only holds copies, none is made;
    /// and that somebody sat here with the wrong key is nobody else's business.
    ///
    /// - Parameter everything: all points, for the chain of manifests.
    package func run(
        _ points: [Catalog.Point], among everything: [Catalog.Point], deep key: DecryptionKey?
    ) async throws -> [Verification.Verdict] {
        var record =
            try !isOnRecord || site.state.knownHostID() == nil
            ? nil : RunRecord.begin("verify", at: site.clock.now(), in: site.state)
        do {
            var verdicts: [Verification.Verdict] = []
            var verified: [String: [String]] = [:]
            for point in points {
                let verdict = try await verification.verify(point, among: everything, deep: key)
                verdicts.append(verdict)
                record?.problems.merge(verdict.problems) { one, _ in one }
                if [.verified, .failed].contains(verdict.overall) {
                    verified[verdict.point.name.description] = verdict.wrong
                }
            }
            record?.verified = verified
            if key != nil { record?.scope = RunRecord.deep }
            try record?.end(Self.outcome(of: verdicts), at: site.clock.now(), in: site.state)
            return verdicts
        } catch {
            record?.problems[""] = explain(error).description
            try? record?.end(.failed, at: site.clock.now(), in: site.state)
            throw error
        }
    }

    private static func outcome(of verdicts: [Verification.Verdict]) -> RunRecord.Outcome {
        switch Verification.Verdict.Overall(verdicts) {
        case .verified: .complete
        case .failed: .failed
        case .notVerified, .removed: .incomplete
        }
    }
}

extension RunRecord {
    /// The scope of a verification with the private key, where a person is at hand.
    static let deep = "deep"
}

extension Verification.Verdict {
    /// What was wrong, by subject.
    fileprivate var wrong: [String] {
        findings.compactMap { if case .failed = $0.verdict { $0.subject } else { nil } }
    }

    /// What is wrong or could not be checked, by point and subject.
    fileprivate var problems: [String: String] {
        var problems: [String: String] = [:]
        for finding in findings {
            switch finding.verdict {
            case .passed: continue
            case .failed(let error): problems["\(point.name) \(finding.subject)"] = error.description
            case .notChecked(let text): problems["\(point.name) \(finding.subject)"] = "not checked: \(text)"
            }
        }
        return problems
    }
}
