import Glibc
import OpenPGP
import Recovery
import RestorePoints

/// `holdfast verify FILE`: one file of any origin.
extension Verify {
    /// Whether what was named is a file, and no point.
    func isFile(_ name: String) -> Bool {
        guard name != "latest", PointName(name) == nil else { return false }
        return name.contains("/") || access(name, F_OK) == 0
    }

    func verify(file name: String, _ composition: Composition, _ site: Site) async throws {
        let allowed = ArchiveFile.Allowed(devices: true, setID: true, linksOut: true)
        let verification = FileVerification(try ArchiveFile([name], allowed: allowed), site)
        let findings = try await composition.console.watch {
            if !deep { return try await verification.run(deep: nil) }
            return try await keys.withKey { try await verification.run(deep: $0) }
        }
        let overall = Verification.Verdict.Overall(findings)
        let report = Report(
            point: name, verdict: overall.rawValue, notWhole: [], findings: findings.map(Report.Line.init))
        try Output.result(report, json: common.json) { report in
            let style = Style(for: STDOUT_FILENO)
            let verdict = overall == .verified ? style.good(report.verdict) : style.bad(report.verdict)
            return "\(name): \(verdict)\n\(report.lines)"
        }
        if overall == .failed { throw ExitStatus.failed }
        if overall == .notVerified { throw ExitStatus.notVerified }
    }
}
