import Machine
import OpenPGP
import Recovery
import RestorePoints
import Testing

/// What is news, and that it is told once.
struct BulletinTests {
    private let whole: [String: ItemOutcome] = ["volume.a": .whole, "volume.b": .whole]

    @Test func aNightThatWentWellIsNoNews() async throws {
        try await withTestSite { host in
            try host.backup(26, whole)
            try host.backup(2, whole)
            var bulletin = Bulletin()
            #expect(try bulletin.news(from: host.standing()) == [])
        }
    }

    @Test func failureIsToldOnceAndThenTheRecovery() async throws {
        try await withTestSite { host in
            try host.backup(26, whole)
            var bulletin = Bulletin()
            _ = try bulletin.news(from: host.standing(at: 25))
            let run = try host.backup(
                3, ["volume.a": .whole, "volume.b": .failed], problems: ["volume.b": "It is empty. (/x)\n  → see"])
            let news = try bulletin.news(from: host.standing(at: 2.9))
            #expect(news.map(\.id) == [run])
            #expect(news[0].kind == .incomplete && news[0].about == "backup")
            #expect(news[0].title == "Backup incomplete: 1 of 2 items")
            #expect(news[0].wrong == [.init(subject: "volume.b", text: "It is empty. (/x)\n  → see")])
            #expect(news[0].good.map(\.subject) == ["volume.a", "volume.b"])
            #expect(news[0].good[1].text == "whole in 2025-12-20T010000Z, 23 h 6 min ago")
            #expect(news[0].since == TestSite.hoursAgo(3))
            #expect(news[0].next == "holdfast backup volumes b")
            #expect(try bulletin.news(from: host.standing(at: 2.5)) == [])

            try host.backup(2, ["volume.b": .whole], scope: nil)
            let recovered = try bulletin.news(from: host.standing(at: 1.9))
            #expect(recovered.map(\.kind) == [.recovered])
            #expect(recovered[0].about == "backup" && recovered[0].wrong == [])
            #expect(try bulletin.news(from: host.standing(at: 1)) == [])
        }
    }

    @Test func eachNightThatFailsIsToldWithTheFirstOfThem() async throws {
        try await withTestSite { host in
            try host.backup(74, whole)
            var bulletin = Bulletin()
            let failed = try [50.0, 26, 2].map { hours in
                let run = try host.backup(hours, [:], problems: ["": "The key has expired."])
                let news = try bulletin.news(from: host.standing(at: hours - 0.1)).filter { $0.kind == .failed }
                #expect(news.map(\.id) == [run])
                return news[0]
            }
            #expect(failed[2].title == "Backup failed" && failed[2].summary == "No restore point was made.")
            #expect(failed[2].wrong == [.init(subject: "the run", text: "The key has expired.")])
            #expect(failed[2].next == "holdfast check && holdfast backup")
        }
    }

    /// A backup that never starts is noticed by nothing but its age.
    @Test func whatIsTooOldIsToldOnceADayAndTogether() async throws {
        try await withTestSite { host in
            try host.backup(80, whole)
            var bulletin = Bulletin()
            #expect(try bulletin.news(from: host.standing(at: 56)) == [])
            let first = try bulletin.news(from: host.standing(at: 54))
            #expect(first.map(\.kind) == [.stale])
            #expect(first[0].title == "No fresh backup" && first[0].wrong.count == 2 && first[0].good.isEmpty)
            #expect(first[0].wrong[0].text == "last whole in 2025-12-17T190000Z, 26 h 0 min ago")
            for hours in stride(from: 53.0, to: 31, by: -1) {
                #expect(try bulletin.news(from: host.standing(at: hours)) == [], "\(hours)")
            }
            let second = try bulletin.news(from: host.standing(at: 30))
            #expect(second.map(\.kind) == [.stale] && second[0].id != first[0].id)
            try host.backup(28, whole)
            #expect(try bulletin.news(from: host.standing(at: 27.9)).map(\.kind) == [.recovered])
        }
    }

    @Test func theSameIsFoundAgainAfterACrash() async throws {
        try await withTestSite { host in
            try host.backup(80, whole)
            var one = Bulletin()
            var other = one
            let first = try one.news(from: host.standing(at: 54))
            let again = try other.news(from: host.standing(at: 53.5))
            #expect(first.map(\.id) == again.map(\.id))
        }
    }

    @Test func aHostThatNeverMadeABackupIsNoticed() async throws {
        try await withTestSite { host in
            try host.setUp(26)
            var bulletin = Bulletin()
            #expect(try bulletin.news(from: host.standing(at: 2)) == [])
            let news = try bulletin.news(from: host.standing())
            #expect(news.map(\.title) == ["No backup was ever made"])
        }
    }

    /// A name that somebody mistyped at the terminal wakes nobody.
    @Test func aRunThatNeverGotToAnyItemOfItsOwnIsNoNews() async throws {
        try await withTestSite { host in
            try host.backup(3, whole)
            var bulletin = Bulletin()
            _ = try bulletin.news(from: host.standing(at: 2.9))
            try host.backup(2, [:], scope: nil, problems: ["": "There is no volume “n8n_dta”."])
            #expect(try bulletin.news(from: host.standing()) == [])
        }
    }

    @Test func aRunThatDiedIsTold() async throws {
        try await withTestSite { host in
            try host.backup(26, whole)
            var bulletin = Bulletin()
            _ = try bulletin.news(from: host.standing(at: 25))
            try host.backup(2, [:], died: true)
            let news = try bulletin.news(from: host.standing())
            #expect(news.map(\.kind).contains(.failed))
            #expect(news[0].wrong[0].text.contains("killed, or the power went"))
        }
    }

    /// A container that did not start again is no item's trouble, and not over because every item is whole.
    @Test func troubleOfTheRunIsNotOverAtOnce() async throws {
        try await withTestSite { host in
            try host.backup(26, whole)
            var bulletin = Bulletin()
            _ = try bulletin.news(from: host.standing(at: 25))
            try host.backup(3, whole, problems: ["": "web did not become healthy again."])
            #expect(try bulletin.news(from: host.standing(at: 2.9)).map(\.kind) == [.incomplete])
            #expect(try bulletin.news(from: host.standing(at: 2.5)) == [])
            try host.backup(2, whole)
            #expect(try bulletin.news(from: host.standing(at: 1)).map(\.kind) == [.recovered])
        }
    }

    /// The clock was ahead for a night: its run is not the last one ever.
    @Test func aFailureAfterAClockThatWasAheadIsNotOverAtOnce() async throws {
        try await withTestSite { host in
            try host.backup(26, whole)
            try host.backup(-2400, whole)
            var bulletin = Bulletin()
            _ = try bulletin.news(from: host.standing(at: 25))
            try host.backup(2, [:], problems: ["": "The disk is full."])
            #expect(try bulletin.news(from: host.standing(at: 1.9)).map(\.kind) == [.failed])
            #expect(try bulletin.news(from: host.standing(at: 1)) == [])
        }
    }

    /// Where nobody can look, nothing recovers and nothing is still good; what failed is told all the same.
    @Test func aBackupDirectoryThatCannotBeReadSilencesNothing() async throws {
        try await withTestSite { host in
            try host.backup(30, whole)
            var bulletin = Bulletin()
            _ = try bulletin.news(from: host.standing(at: 25))
            try Descriptor.folder(host.folder).removeTree("backups")
            try host.write("backups", "no folder")
            try host.backup(2, [:], problems: ["": "Not a directory."])
            #expect(throws: (any Error).self) { try host.standing() }
            let news = bulletin.news(from: Standing(blindlyOf: host.site(at: TestSite.hoursAgo(1.9))))
            try #require(news.map(\.kind) == [.failed, .stale])
            #expect(news[0].wrong[0].text == "Not a directory." && news.allSatisfy(\.good.isEmpty))
            #expect(news[1].wrong[0].text.contains("last whole in 2025-12-19T210000Z"))
            #expect(bulletin.news(from: Standing(blindlyOf: host.site(at: TestSite.hoursAgo(1)))) == [])
        }
    }

    @Test func verifyAndPruneHaveNewsOfTheirOwn() async throws {
        try await withTestSite { host in
            try host.backup(2, whole)
            try host.run("verify", 1, .failed)
            try host.run("prune", 1, .failed, "volume.a shrank to a tenth.")
            var bulletin = Bulletin()
            let news = try bulletin.news(from: host.standing())
            #expect(news.map(\.about) == ["verify", "prune"])
            #expect(news[1].wrong == [.init(subject: "the run", text: "volume.a shrank to a tenth.")])
            try host.run("verify", 0.5, .complete)
            #expect(try bulletin.news(from: host.standing()).map(\.id).count == 1)
        }
    }

    /// A volume that is gone is no complete night's business, but somebody's.
    @Test func whatIsGoneIsToldOnceAndUntilItIsBack() async throws {
        try await withTestSite { host in
            try host.backup(26, whole)
            try host.backup(2, ["volume.a": .whole])
            var bulletin = Bulletin()
            let news = try bulletin.news(from: host.standing(at: 1.9))
            #expect(news.map(\.about) == ["items"])
            #expect(
                news[0].title == "Gone: 1 item that was saved before" && news[0].next == "holdfast restore volume b")
            #expect(news[0].wrong.map(\.subject) == ["volume.b"])
            #expect(try bulletin.news(from: host.standing(at: 1.8)) == [])
            #expect(try host.standing().wrong.map(\.subject) == ["volume.b"])
            try host.backup(1, whole)
            #expect(try bulletin.news(from: host.standing()).map(\.kind) == [.recovered])
        }
    }

    @Test func ofThePastOnlyTheLastRunIsTold() async throws {
        try await withTestSite { host in
            try host.backup(50, [:], problems: ["": "long ago"])
            try host.backup(2, whole)
            var bulletin = Bulletin()
            #expect(try bulletin.news(from: host.standing()) == [])
        }
    }

    @Test func whatWasToldSurvivesARestart() async throws {
        try await withTestSite { host in
            try host.backup(2, [:], problems: ["": "The disk is full."])
            var bulletin = host.state.bulletin()
            #expect(try bulletin.news(from: host.standing()).count == 1)
            try host.state.keep(bulletin)
            var later = host.state.bulletin()
            #expect(later == bulletin)
            #expect(try later.news(from: host.standing()) == [])
            try host.backup(1, whole)
            #expect(try later.news(from: host.standing()).map(\.kind) == [.recovered])
        }
    }

    /// Somebody writes into the backup directory: that is told once, and when it is over.
    @Test func pointsThatThisHostDidNotSignAreTold() async throws {
        try await withTestSite { host in
            try host.setUp(100)
            _ = try await HostKey.create(in: host.state.signingHome, host: "test")
            try host.backup(2, whole)
            let standing = try host.standing()
            #expect(standing.points.isEmpty && standing.unproven.count == 1 && standing.missing == nil)
            #expect(standing.wrong.contains { $0.subject == "points" })
            #expect(Textfile.text(standing.measurements()).contains("\nholdfast_points_unproven 1\n"))
            var bulletin = Bulletin()
            let news = bulletin.news(from: standing).filter { $0.about == "points" }
            #expect(news.map(\.kind) == [.incomplete] && news[0].title == "Not this host's work: 1 restore point")
            bulletin = try JSON.read(Bulletin.self, try JSON.write(bulletin), place: "")
            #expect(try bulletin.news(from: host.standing()).allSatisfy { $0.about != "points" })
            try Descriptor.folder(host.backups).removeTree(standing.unproven.keys.map(\.description)[0])
            let over = try bulletin.news(from: host.standing()).filter { $0.about == "points" }
            #expect(over.map(\.kind) == [.recovered])
        }
    }
}
