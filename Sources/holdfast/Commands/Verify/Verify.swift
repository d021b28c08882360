import ArgumentParser
import Glibc
import Machine
import OpenPGP
import Recovery
import RestorePoints

struct Verify: TalkingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check restore points: without the private key from outside, with it every entry.",
        discussion: """
            Without a key: signature, chain of manifests, sizes, digests, packets whole and labelled for the recipients named.
            That shows that the files are what the host sealed, not what is in them. --deep decrypts, and compares every entry
            with the manifest inside. A file of any origin can be named as well: nobody signs for it, and without --deep its packets
            alone are looked at. A point that is pruned meanwhile is said to be removed, which is neither good nor bad.

            Examples: holdfast verify
                      holdfast verify --all
                      holdfast verify 2026-11-22T020000Z --deep --key /media/stick/private.asc
                      holdfast verify ./volumes-2025-12-08-120000.tar.gz.gpg --deep --key -

            Exit status: 0 verified · 1 something is wrong · 4 refused · 5 nothing is wrong, but something could not be checked.
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var signer: SignerOptions

    @Argument(help: "The point, or a file; without: those with the newest copy of each item.")
    var point: String?

    @Flag(help: "All points.")
    var all = false

    @Flag(help: "Decrypt, and compare every entry.")
    var deep = false

    func validate() throws {
        if all, point != nil { throw ValidationError("Name one point, or say --all.") }
        if keys.key != nil, !deep { throw ValidationError("A private key is of use only with --deep.") }
    }

    struct Report: Encodable {
        /// The point's name, or the file's path.
        let point: String
        let verdict: String
        /// Items that the run could not save whole: nothing of them is there to be verified.
        let notWhole: [String]
        let findings: [Line]

        struct Line: Encodable {
            let subject: String
            let verdict: String
            let text: String
        }
    }

    func run() async throws {
        let composition = try Composition(common)
        let site = try await composition.site()
        if let point, isFile(point) { return try await verify(file: point, composition, site) }
        let everything = try site.catalog.points()
        let points =
            if let point { [try site.catalog.point(point)] } else if all { everything } else {
                try site.catalog.newestOfEach()
            }
        guard !points.isEmpty else { _ = try site.catalog.point("latest"); return }
        let attempt = VerifyAttempt(
            Verification(site, trust: try await signer.trust(site)), site, isOnRecord: signer.signer == nil)
        let verdicts = try await Aftermath(composition: composition, site: site).follow {
            try await composition.console.watch {
                if !deep { return try await attempt.run(points, among: everything, deep: nil) }
                return try await keys.withKey { try await attempt.run(points, among: everything, deep: $0) }
            }
        }
        try Output.result(verdicts.map(report), json: common.json) { $0.map(text).joined(separator: "\n") }
        switch Verification.Verdict.Overall(verdicts) {
        case .verified: return
        case .failed: throw ExitStatus.failed
        case .notVerified, .removed: throw ExitStatus.notVerified
        }
    }

    private func report(_ verdict: Verification.Verdict) -> Report {
        Report(
            point: verdict.point.name.description, verdict: verdict.overall.rawValue,
            notWhole: ((try? verdict.point.manifest.get().items) ?? []).filter { $0.outcome != .whole }.map {
                "\($0.item) \($0.outcome.rawValue)"
            },
            findings: verdict.findings.map(Report.Line.init))
    }

    private func text(_ report: Report) -> String {
        let style = Style(for: STDOUT_FILENO)
        var text = "\(report.point): "
        text += report.verdict == "verified" ? style.good(report.verdict) : style.bad(report.verdict)
        text +=
            deep && report.verdict == "verified"
            ? ", every entry compared\n"
            : report.verdict == "verified" ? " from outside; what is inside takes the private key (--deep)\n" : "\n"
        if !report.notWhole.isEmpty { text += "  \(style.bad("incomplete")): not everything could be saved\n" }
        for item in report.notWhole { text += "  \(style.warn("!")) \(item) when it was saved\n" }
        return text + report.lines
    }
}

extension Verify.Report.Line {
    init(_ finding: PointCheck.Finding) {
        subject = finding.subject
        switch finding.verdict {
        case .passed(let text): (verdict, self.text) = ("ok", text)
        case .failed(let error): (verdict, self.text) = ("failed", error.description)
        case .notChecked(let text): (verdict, self.text) = ("not checked", text)
        }
    }
}

extension Verify.Report {
    /// The findings, for people.
    var lines: String {
        let style = Style(for: STDOUT_FILENO)
        let width = findings.map(\.subject.count).max() ?? 0
        return findings.map { line in
            let mark =
                line.verdict == "ok" ? style.good("✓") : line.verdict == "failed" ? style.bad("✗") : style.warn("?")
            return "  \(mark) \(line.subject.padded(to: width))  \(line.text)\n"
        }.joined()
    }
}
