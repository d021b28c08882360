package import RestorePoints

/// What a verification found wrong, and no later one of the same point found right again.
package struct KnownDamage: Sendable {
    /// By point, what was wrong in it: names of files, or what concerns all of it.
    package let points: [PointName: Set<String>]

    /// Reads it off the records, oldest first. What was found with the private key only the private key finds right again.
    package init(_ runs: [RunRecord]) {
        var outside: [PointName: Set<String>] = [:]
        var inside: [PointName: Set<String>] = [:]
        for run in runs {
            for (name, wrong) in run.verified ?? [:] {
                guard let point = PointName(name) else { continue }
                outside[point] = Set(wrong)
                if run.scope == RunRecord.deep { inside[point] = Set(wrong) }
            }
        }
        points = outside.merging(inside) { $0.union($1) }.filter { !$0.value.isEmpty }
    }

    /// Whether a copy that lies in this file of a point is not to be counted on.
    package func spoils(_ file: String, of point: Manifest) -> Bool {
        guard let wrong = points[point.point] else { return false }
        return wrong.contains(file) || wrong.contains { point.archive(named: $0) == nil }
    }
}
