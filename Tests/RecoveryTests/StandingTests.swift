import Machine
import Recovery
import RestorePoints
import Testing

/// How things stand, read off records and manifests.
struct StandingTests {
    private func item(_ name: String, _ standing: Standing) throws -> ItemStanding {
        try #require(standing.items.first { $0.item.description == name })
    }

    @Test func freshnessIsKeptPerItem() async throws {
        try await withTestSite { host in
            try host.backup(50, ["volume.a": .whole, "volume.b": .whole], data: 1000)
            try host.backup(26, ["volume.a": .whole, "volume.b": .whole], data: 2000)
            try host.backup(2, ["volume.a": .whole, "volume.b": .failed], data: 1000, problems: ["volume.b": "gone"])
            let standing = try host.standing()
            let (a, b) = (try item("volume.a", standing), try item("volume.b", standing))
            #expect(a.lastWhole?.moment == TestSite.hoursAgo(2) && !a.isFailing && a.growth == -0.5)
            #expect(b.lastWhole?.moment == TestSite.hoursAgo(26) && b.isFailing)
            #expect(b.failingSince == TestSite.hoursAgo(2) && b.tries.last?.problem == "gone")
            #expect(standing.stale.map(\.item.description) == ["volume.b"])
            #expect(standing.lastComplete?.moment == TestSite.hoursAgo(26))
            #expect(!standing.backupIsWell)
        }
    }

    /// A manifest alone saves nothing.
    @Test func aCopyWhoseFileIsGoneIsNone() async throws {
        try await withTestSite { host in
            try host.backup(26, ["volume.a": .whole])
            try host.backup(2, ["volume.a": .whole])
            try host.remove(archive: "volume.a", ofPointAt: 2)
            let standing = try host.standing()
            #expect(try item("volume.a", standing).lastWhole?.moment == TestSite.hoursAgo(26))
            #expect(standing.stale.count == 1)
        }
    }

    /// A clock that was ahead for a night must not hide for years that nothing follows it.
    @Test func whatIsDatedInTheFutureIsNoNewestSuccess() async throws {
        try await withTestSite { host in
            try host.backup(26, ["volume.a": .whole])
            try host.backup(-2400, ["volume.a": .whole])
            try host.backup(2, [:], problems: ["": "The disk is full."])
            let standing = try host.standing()
            let a = try item("volume.a", standing)
            #expect(a.lastWhole?.moment == TestSite.hoursAgo(26) && a.isFailing)
            #expect(standing.lastRun("backup")?.outcome == .failed && !standing.backupIsWell)
            #expect(standing.stale.count == 1 && standing.points.count == 2)
        }
    }

    /// Nobody finds a record without its owner, neither when it begins nor when it ends.
    @Test func aRunSeemsDeadAtNoMoment() async throws {
        try await withTestSite { host in
            let state = host.state
            let writer = Task.detached {
                for second in 0..<150 {
                    let moment = TestSite.now.advanced(by: Int64(second))
                    var record = try RunRecord.begin("verify", at: moment, in: state)
                    try record.end(.complete, at: moment, in: state)
                }
            }
            let looker = Task.detached { () -> Int in
                var dead = 0
                while !Task.isCancelled {
                    dead += RunRecords(state).latest().filter { $0.outcome == .died }.count
                }
                return dead
            }
            defer { looker.cancel() }
            try await writer.value
            looker.cancel()
            let dead = await looker.value
            #expect(dead == 0)
        }
    }

    @Test func tornIsNoSuccess() async throws {
        try await withTestSite { host in
            try host.backup(26, ["volume.a": .torn], problems: ["volume.a": "torn: it shrank"])
            let a = try item("volume.a", try host.standing())
            #expect(a.lastWhole == nil && a.isFailing && a.age(at: TestSite.now) == 26 * 3600)
        }
    }

    /// A volume that is no longer there, after a run of everything, is nobody's worry.
    @Test func whatBackupsAreNoLongerAboutIsLeftOut() async throws {
        try await withTestSite { host in
            try host.backup(72, ["volume.gone": .whole, "files.etc": .whole])
            try host.backup(3, ["files.etc": .whole])
            #expect(try host.standing().items.map(\.item.description) == ["files.etc"])
            try host.backup(2, ["volume.new": .whole], scope: "volume")
            try host.backup(1, ["database.x": .whole], scope: nil)
            #expect(
                try host.standing().items.map(\.item.description) == ["database.x", "files.etc", "volume.new"])
        }
    }

    @Test func aRunThatFailedAsAWholeFailedForAllItsItems() async throws {
        try await withTestSite { host in
            try host.backup(26, ["volume.a": .whole, "files.etc": .whole])
            try host.backup(2, [:], scope: "volume", problems: ["": "the key has expired"])
            let standing = try host.standing()
            #expect(try item("volume.a", standing).tries.last?.problem == "the key has expired")
            #expect(try !item("files.etc", standing).isFailing)
        }
    }

    @Test func withoutRecordsTheNewestPointSays() async throws {
        try await withTestSite { host in
            try host.backup(30, ["volume.a": .whole])
            try Descriptor.folder(host.state.path).removeTree("runs")
            let standing = try host.standing()
            #expect(standing.stale.map(\.item.description) == ["volume.a"])
        }
    }

    /// What only the private key shows, no look from outside heals.
    @Test func damageInsideStaysUntilItIsFoundRightInside() async throws {
        try await withTestSite { host in
            try host.backup(9, ["volume.a": .whole])
            let point = try #require(try host.standing().points.first)
            func verify(_ hours: Double, _ wrong: [String], _ scope: String?) throws {
                var record = try RunRecord.begin("verify", scope: scope, at: TestSite.hoursAgo(hours), in: host.state)
                record.verified = [point.description: wrong]
                try record.end(wrong.isEmpty ? .complete : .failed, at: TestSite.hoursAgo(hours), in: host.state)
            }
            try verify(8, ["volume.a.tar.zst.gpg"], "deep")
            try verify(7, [], nil)
            #expect(try host.standing().damage == [point: ["volume.a.tar.zst.gpg"]])
            try verify(6, [], "deep")
            #expect(try host.standing().damage == [:])
        }
    }

    @Test func aRunAtWorkIsNoneThatDied() async throws {
        try await withTestSite { host in
            var running = try RunRecord.begin("backup", scope: "all", at: TestSite.hoursAgo(1), in: host.state)
            #expect(try host.standing().runs.last?.outcome == .running)
            #expect(try host.standing().lastRun("backup") == nil)
            let (lock, putRight) = try await host.lock()
            #expect(putRight == [])
            lock.release()
            try running.end(.complete, at: TestSite.now, in: host.state)
            #expect(try host.standing().lastRun("backup")?.outcome == .complete)
            try host.write(
                "state/runs/2025-12-21T023000Z-backup.json",
                try host.read("state/runs/\(running.run).json")
                    .replacing("\"complete\"", with: "\"running\""))
            #expect(try host.standing().runs.last?.outcome == .died)
        }
    }

    @Test func numbersAreOfSuccessesOnly() async throws {
        try await withTestSite { host in
            try host.backup(26, ["volume.a": .whole])
            try host.backup(2, ["volume.a": .failed, "volume.\"b\"": .failed], problems: ["volume.a": "gone"])
            try RunRecord.refuse("backup", .skipped, because: "busy", at: TestSite.hoursAgo(1), in: host.state)
            let text = Textfile.text(try host.standing().measurements())
            let success = TestSite.hoursAgo(26).seconds
            for line in [
                "# TYPE holdfast_item_last_success_timestamp_seconds gauge",
                "holdfast_item_last_success_timestamp_seconds{item=\"volume.a\"} \(success)",
                "holdfast_item_failing{item=\"volume.a\"} 1",
                "holdfast_last_success_timestamp_seconds{command=\"backup\"} \(success)",
                "holdfast_last_success_timestamp_seconds{command=\"verify\"} 0", "holdfast_skipped_runs 1",
            ] { #expect(text.contains(line + "\n"), "\(text)") }
        }
    }
}
