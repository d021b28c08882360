import Machine
import RestorePoints
import Testing

/// A point of this host: `["volume.a": .whole]`.
func candidate(
    _ name: PointName, _ items: [String: RetentionCandidate.Copy.State] = ["volume.a": .whole], entries: Int64 = 100,
    bytes: Int64 = 10 << 20, previous: PointName? = nil
) throws -> RetentionCandidate {
    var copies: [Item: RetentionCandidate.Copy] = [:]
    for (text, state) in items {
        copies[try #require(Item(text))] = RetentionCandidate.Copy(state, entries: entries, bytes: bytes)
    }
    return RetentionCandidate(name: name, content: .ours(copies, previous: previous))
}

func candidate(
    _ name: String, _ items: [String: RetentionCandidate.Copy.State] = ["volume.a": .whole], entries: Int64 = 100,
    bytes: Int64 = 10 << 20, previous: String? = nil
) throws -> RetentionCandidate {
    try candidate(
        pointName(name), items, entries: entries, bytes: bytes, previous: try previous.map { try pointName($0) })
}

/// Points at the same time on so many days, the last of them on `day`.
func days(_ count: Int, upTo day: String) throws -> [RetentionCandidate] {
    let last = try pointName(day).moment
    return try (0..<count).reversed().map {
        try candidate(PointName(last.advanced(by: Int64(-86_400 * $0))))
    }
}

/// Long after all points.
let muchLater = Timestamp(seconds: 4_102_444_800)

extension RetentionPlan {
    var kept: [String] { points.filter(\.isKept).map(\.point.description) }

    func reasons(_ point: String, _ item: String = "volume.a") -> [String] {
        points.first { $0.point.description == point }?.items.first { $0.item.description == item }?.reasons
            .map(\.description) ?? []
    }

    /// One line a point, as the golden files have it: what becomes of it, and why.
    var lines: String {
        points.map { verdict in
            let own = verdict.reasons.map(\.description)
            let items = verdict.items.map { "\($0.item): \($0.reasons.map(\.description).joined(separator: ", "))" }
            return
                "\(verdict.isKept ? "keep  " : "remove") \(verdict.point)  \((own + items).joined(separator: "; "))\n"
        }.joined()
    }
}
