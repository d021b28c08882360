package import Machine

/// Which archives of a folder of older scripts go, by the dates in their names.
///
/// Ages are counted back from the newest archive of the same series that is not visibly broken; that one stays. Where none
/// is good, nothing of the series goes.
package struct LegacyPlan: Sendable {
    package let directory: String
    /// In the order of the listing.
    package let archives: [Verdict]
    /// What is called like an archive and is no regular file; it is left alone.
    package let strangers: [String]
    /// Of series of which something would go.
    package let drops: [LegacyDrop]

    /// What becomes of one archive.
    package struct Verdict: Sendable, Equatable {
        package let archive: LegacyArchive
        package let isKept: Bool
        package let reason: String
    }

    /// Makes the plan.
    ///
    /// - Parameters:
    ///   - within: seconds that archives are kept; nil: for ever.
    ///   - damage: what is visibly wrong with an archive, nil if nothing is. It reads all of the file, and is asked from the
    ///     newest on until one is good, and only where something would go.
    package init(
        _ listing: LegacyCatalog.Listing, in directory: String, within: Double?, now: Timestamp,
        damage: (LegacyArchive) throws -> String?
    ) rethrows {
        self.directory = directory
        strangers = listing.strangers
        var verdicts: [String: Verdict] = [:]
        var drops: [LegacyDrop] = []
        for series in Dictionary(grouping: listing.archives, by: \.name.series).values {
            let judged = try Self.judge(series, within: within, now: now, damage: damage)
            for verdict in judged.verdicts { verdicts[verdict.archive.file] = verdict }
            if judged.verdicts.contains(where: { !$0.isKept }), let drop = LegacyDrop.find(in: judged.fromNewestGood) {
                drops.append(drop)
            }
        }
        self.drops = drops.sorted { $0.after.file < $1.after.file }
        archives = listing.archives.compactMap { verdicts[$0.file] }
    }

    package var removed: [LegacyArchive] { archives.filter { !$0.isKept }.map(\.archive) }

    private static func judge(
        _ series: [LegacyArchive], within: Double?, now: Timestamp, damage: (LegacyArchive) throws -> String?
    ) rethrows -> (verdicts: [Verdict], fromNewestGood: [LegacyArchive]) {
        func keep(_ archive: LegacyArchive, _ reason: String) -> Verdict {
            Verdict(archive: archive, isKept: true, reason: reason)
        }
        guard let within else { return (series.map { keep($0, "no keep_within is set for its folder") }, []) }
        var verdicts: [Verdict] = []
        var dated: [(archive: LegacyArchive, moment: Timestamp)] = []
        for archive in series {
            if let moment = archive.name.moment {
                if moment.since(now) > dayAhead {
                    verdicts.append(keep(archive, "dated in the future: left alone"))
                } else {
                    dated.append((archive, moment))
                }
            } else {
                verdicts.append(keep(archive, "its name has no date: left alone"))
            }
        }
        dated.sort { ($0.moment, $0.archive.file) > ($1.moment, $1.archive.file) }
        guard let newest = dated.first, dated.contains(where: { newest.moment.since($0.moment) > within }) else {
            return (verdicts + dated.map { keep($0.archive, "within \(spanText(within)) of the newest") }, [])
        }
        var good: Timestamp?
        for (archive, moment) in dated {
            if let good {
                let isKept = good.since(moment) <= within
                let span = spanText(within)
                let reason =
                    isKept
                    ? "within \(span) of the newest good one" : "more than \(span) older than the newest good one"
                verdicts.append(Verdict(archive: archive, isKept: isKept, reason: reason))
            } else if let wrong = try damage(archive) {
                verdicts.append(keep(archive, "counts for no copy: \(wrong)"))
            } else {
                good = moment
                verdicts.append(keep(archive, "newest good one"))
            }
        }
        let fromNewestGood = good.map { good in dated.filter { $0.moment <= good } } ?? []
        return (verdicts, fromNewestGood.map(\.archive))
    }

    /// Names are in local time, which is up to fourteen hours before UTC.
    private static let dayAhead = 86_400.0
}
