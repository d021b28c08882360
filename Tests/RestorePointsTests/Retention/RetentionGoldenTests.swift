import Glibc
import Machine
import RestorePoints
import Testing

/// Plans with the reason of each point, held against files; `HOLDFAST_WRITE_GOLDEN=1` writes them anew.
@Suite struct RetentionGoldenTests {
    private func compare(
        _ plan: RetentionPlan, with name: String, at location: SourceLocation = #_sourceLocation
    ) throws {
        let path =
            #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/Golden/\(name).txt"
        if getenv("HOLDFAST_WRITE_GOLDEN") != nil {
            try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644).write(plan.lines)
        }
        let golden = try Descriptor.open(path, O_RDONLY).readAll(limit: 1 << 20)
        #expect(plan.lines == String(decoding: golden, as: UTF8.self), sourceLocation: location)
    }

    /// Twelve Sundays, `--keep-daily 4`: the example of restic's manual, "Removing snapshots according to a policy".
    @Test func resticsTwelveSundays() throws {
        let first = try pointName("2019-09-01T110000Z").moment
        let sundays = try (0..<12).map { try candidate(PointName(first.advanced(by: 604_800 * $0))) }
        let plan = RetentionPlan(sundays, policy: RetentionPolicy(daily: 4), now: muchLater)
        #expect(
            plan.kept == ["2019-10-27T110000Z", "2019-11-03T110000Z", "2019-11-10T110000Z", "2019-11-17T110000Z"])
        #expect(plan.removed.count == 8)
        try compare(plan, with: "restic-twelve-sundays")
    }

    /// One point a day for a hundred years, `--keep-daily 7 --keep-weekly 5 --keep-monthly 12 --keep-yearly 75`: 7 of days,
    /// 4 more of weeks, 11 or 12 more of months, 74 or 75 more of years, says restic's manual. With restic's own rule that
    /// is so on Sundays: on other days the week at hand and the one before both have their newest among the seven days.
    @Test(arguments: ["2025-08-17T020000Z", "2025-08-31T020000Z", "2023-12-31T020000Z"])
    func resticsHundredYears(last: String) throws {
        let plan = RetentionPlan(
            try days(36_525, upTo: last), policy: RetentionPolicy(daily: 7, weekly: 5, monthly: 12, yearly: 75),
            now: muchLater)
        func count(_ only: RetentionPolicy.Rule, butNot others: RetentionPolicy.Rule...) -> Int {
            plan.points.filter { verdict in
                let reasons = verdict.items.flatMap(\.reasons)
                return reasons.contains(.rule(only)) && !others.contains { reasons.contains(.rule($0)) }
            }.count
        }
        #expect(count(.daily) == 7)
        #expect(count(.weekly, butNot: .daily) == 4)
        #expect([11, 12].contains(count(.monthly, butNot: .daily)))
        #expect([74, 75].contains(count(.yearly, butNot: .daily)))
        let kept = RetentionPlan(
            try plan.kept.map { try candidate($0) },
            policy: RetentionPolicy(daily: 7, weekly: 5, monthly: 12, yearly: 75), now: muchLater)
        #expect(kept.removed == [])
        if last.hasPrefix("2025-08-17") { try compare(kept, with: "restic-hundred-years") }
    }

    /// A year with a point each day but one, `--keep-daily 14 --keep-monthly 6 --keep-yearly 1`: borg's `prune-example`.
    ///
    /// Borg lets a rule count only what no rule before it keeps, and keeps the oldest where a rule is not filled; restic, and
    /// holdfast with it, counts a period once for each rule. So what borg keeps with 6 months and 1 year takes 7 and, for
    /// the oldest, nothing here: that one is not the newest of any period.
    @Test func borgsYear() throws {
        let year = try days(365, upTo: "2015-12-31T120000Z").filter { $0.name.description != "2015-12-19T120000Z" }
        let december = (17...31).filter { $0 != 19 }.map { "2015-12-\($0)T120000Z" }
        let months = ["06-30", "07-31", "08-31", "09-30", "10-31", "11-30"].map { "2015-\($0)T120000Z" }
        let plan = RetentionPlan(year, policy: RetentionPolicy(daily: 14, monthly: 7, yearly: 1), now: muchLater)
        #expect(plan.kept == months + december)
        let asWritten = RetentionPlan(year, policy: RetentionPolicy(daily: 14, monthly: 6, yearly: 1), now: muchLater)
        #expect(asWritten.kept == months.dropFirst() + december)
        #expect(
            asWritten.reasons("2015-12-31T120000Z") == [
                "newest whole copy", "newest of its day", "newest of its month", "newest of its year",
            ])
        let last = year.suffix(220)
        try compare(
            RetentionPlan(Array(last), policy: RetentionPolicy(daily: 14, monthly: 7, yearly: 1), now: muchLater),
            with: "borg-year")
    }

    /// A month of nights on a host: an item that fails, one that is always torn, one that is gone, a stranger, a broken one.
    @Test func aHost() throws {
        var points: [RetentionCandidate] = []
        for (index, day) in try days(40, upTo: "2026-11-22T020000Z").enumerated() {
            var items: [String: RetentionCandidate.Copy.State] = [
                "volume.n8n_data": .whole, "volume.logs": .torn, "database.n8n": index < 30 ? .whole : .failed,
            ]
            if index < 5 { items["files.old"] = .whole }
            if index == 38 { items["volume.n8n_data"] = .damaged }
            points.append(try candidate(day.name, items))
        }
        points[7] = RetentionCandidate(name: points[7].name, content: .unreadable("It is cut."))
        points[8] = RetentionCandidate(name: points[8].name, content: .foreign(host: hostID))
        points.append(try candidate("2036-11-22T020000Z", ["volume.n8n_data": .whole]))
        let policy = RetentionPolicy(within: 7 * 86_400, last: 3, weekly: 3)
        let plan = RetentionPlan(
            points, policy: policy, now: try moment("2026-11-22T03:00:00Z"),
            exempt: [points[2].name: .proven, points[3].name: .inUse])
        try compare(plan, with: "a-host")
        #expect(policy.description == "keep_within 7 d, keep_last 3, keep_weekly 3")
        let forgotten = RetentionPlan(
            points, policy: policy, now: try moment("2026-11-22T03:00:00Z"),
            forgetting: [try #require(Item("files.old"))])
        try compare(forgotten, with: "a-host-that-forgets")
    }
}
