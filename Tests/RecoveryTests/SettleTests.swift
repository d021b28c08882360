import Glibc
import Machine
import Recovery
import TestKit
import Testing

/// A restore of two volumes, and what a crash at each point of it, of an undo and of a commit leaves on the disk: whoever takes
/// the lock next ends it, and no data that anybody could want is lost.
struct SettleTests {
    /// One moment at which the power goes.
    enum Crash: String, CaseIterable, CustomTestStringConvertible {
        case recordWritten = "record written, nothing swapped"
        case oneSwapped = "one of two swapped"
        case allSwapped = "all swapped"
        case undoOneBack = "undo: one of two back"
        case undoAllBack = "undo: all back"
        case undoOneRemoved = "undo: all back, one removed"
        case undoAllRemoved = "undo: all back and removed"
        case commitBegun = "commit: nothing removed yet"
        case commitOneRemoved = "commit: one of two removed"
        case commitAllRemoved = "commit: all removed"

        var testDescription: String { rawValue }

        /// For each volume: whether the restored folder is live, and whether what is not live was removed.
        var volumes: [(restoredIsLive: Bool, otherIsRemoved: Bool)] {
            switch self {
            case .recordWritten, .undoAllBack: [(false, false), (false, false)]
            case .oneSwapped, .undoOneBack: [(true, false), (false, false)]
            case .allSwapped, .commitBegun: [(true, false), (true, false)]
            case .undoOneRemoved: [(false, true), (false, false)]
            case .undoAllRemoved: [(false, true), (false, true)]
            case .commitOneRemoved: [(true, true), (true, false)]
            case .commitAllRemoved: [(true, true), (true, true)]
            }
        }

        var isCommit: Bool { rawValue.hasPrefix("commit") }

        /// What is live once that is settled; nil: the restore stays, to be undone or committed.
        var settlesTo: String? { self == .allSwapped ? nil : isCommit ? "restored" : "former" }
    }

    @Test(arguments: Crash.allCases, [true, false]) func settles(_ crash: Crash, _ existed: Bool) async throws {
        try await withTestSite { host in
            try lay(crash, existed: existed, in: host)
            let (lock, putRight) = try await host.lock()
            lock.release()
            guard let live = crash.settlesTo else {
                #expect(putRight.isEmpty)
                #expect(liveTexts(host) == ["restored", "restored"])
                #expect(stagedTexts(host) == (existed ? ["former", "former"] : [nil, nil]))
                return
            }
            #expect(putRight.count == 1)
            #expect(liveTexts(host) == (live == "restored" || existed ? [live, live] : [nil, nil]))
            #expect(stagedTexts(host) == [nil, nil])
            #expect(try Restores(host.state).all().isEmpty)
            let (_, again) = try await host.lock()
            #expect(again.isEmpty)
        }
    }

    @Test(arguments: [true, false]) func undoGoesBackAndLeavesNothing(_ existed: Bool) async throws {
        try await withTestSite { host in
            try lay(.allSwapped, existed: existed, in: host)
            let (lock, _) = try await host.lock()
            let undo = try await Undo(host.site())
            #expect(undo.loss.contains("in the 60 s since the restore 2025-12-21T025900Z is lost"))
            #expect(try await undo.run(holding: lock).isEmpty)
            #expect(liveTexts(host) == (existed ? ["former", "former"] : [nil, nil]))
            #expect(stagedTexts(host) == [nil, nil])
            let error = await #expect(throws: RecoveryError.self) { _ = try await Undo(host.site()) }
            #expect(error?.code == "recovery.nothing-to-undo")
        }
    }

    @Test(arguments: [true, false]) func commitDropsTheFormerData(_ existed: Bool) async throws {
        try await withTestSite { host in
            try lay(.allSwapped, existed: existed, in: host)
            let (lock, _) = try await host.lock()
            try await Commit(host.site()).run(holding: lock)
            #expect(liveTexts(host) == ["restored", "restored"])
            #expect(stagedTexts(host) == [nil, nil])
            let error = #expect(throws: RecoveryError.self) { _ = try Commit(host.site()) }
            #expect(error?.code == "recovery.nothing-to-commit")
        }
    }

    /// Somebody put another folder in the place of the restored one: that is no interrupted restore, and the former data
    /// must not go away because of it.
    @Test func folderThatSomebodyReplacedIsLeftAlone() async throws {
        try await withTestSite { host in
            try lay(.allSwapped, existed: true, in: host)
            rename("\(host.volumes)/a/_data", "\(host.volumes)/a/mine")
            try host.make("volumes/a/_data", holding: "newer")
            let (lock, putRight) = try await host.lock()
            #expect(putRight.isEmpty)
            #expect(host.text("volumes/a/_data") == "newer" && host.text("volumes/a/mine") == "restored")
            #expect(stagedTexts(host) == ["former", "former"])
            await #expect(throws: RecoveryError.self) { _ = try await Undo(host.site()).run(holding: lock) }
            #expect(host.text("volumes/a/_data") == "newer")
            #expect(stagedTexts(host)[0] == "former")
        }
    }

    /// The journal is met after the data is settled: a container must not start on half of it.
    @Test func stagingThatIsStillInTheJournalIsNoFormerData() async throws {
        try await withTestSite { host in
            try lay(.recordWritten, existed: true, in: host)
            try host.write(
                "state/journal.jsonl",
                "{\"folder\":\"\(host.volumes)/a\",\"id\":1,\"name\":\"\(Self.staged)\",\"owe\":\"remove\"}\n")
            let (_, putRight) = try await host.lock()
            #expect(putRight == ["went back to the former data: the restore \(Self.restore) was interrupted"])
            #expect(liveTexts(host) == ["former", "former"] && stagedTexts(host) == [nil, nil])
        }
    }

    @Test func onlyTheLastRestoreIsUndone() async throws {
        try await withTestSite { host in
            try lay(.allSwapped, existed: true, in: host)
            let inode = try host.make("volumes/c/_data", holding: "restored")
            try host.make("volumes/c/\(Self.staged)", holding: "former")
            try host.write(
                "state/restores/2025-12-21T025959Z.json",
                record([swap("c", inode, existed: true, in: host)], name: "2025-12-21T025959Z", committing: false))
            let (lock, _) = try await host.lock()
            _ = try await Undo(host.site()).run(holding: lock)
            #expect(host.text("volumes/c/_data") == "former")
            #expect(liveTexts(host) == ["restored", "restored"])
            #expect(try Restores(host.state).all().map(\.restore) == [Self.restore])
        }
    }

    // MARK: - States, laid out by hand

    private static let restore = "2025-12-21T025900Z"
    private static let staged = ".holdfast-2025-12-21T025900Z-_data"

    private func lay(_ crash: Crash, existed: Bool, in host: TestSite) throws {
        var swaps: [String] = []
        for (name, standing) in zip(["a", "b"], crash.volumes) {
            let inode = try host.make("volumes/\(name)/restored", holding: "restored")
            try host.make("volumes/\(name)/former", holding: "former")
            let folder = try Descriptor.folder("\(host.volumes)/\(name)")
            try folder.rename("restored", to: standing.restoredIsLive ? "_data" : Self.staged)
            try folder.rename("former", to: standing.restoredIsLive ? Self.staged : "_data")
            if standing.otherIsRemoved { try folder.removeTree(Self.staged) }
            if !existed { try folder.removeTree(standing.restoredIsLive ? Self.staged : "_data") }
            swaps.append(swap(name, inode, existed: existed, in: host))
        }
        try host.write(
            "state/restores/\(Self.restore).json", record(swaps, name: Self.restore, committing: crash.isCommit))
    }

    private func swap(_ name: String, _ inode: UInt64, existed: Bool, in host: TestSite) -> String {
        """
        {"item": "volume.\(name)", "folder": "\(host.volumes)/\(name)", "live": "_data", "staged": "\(Self.staged)",
         "inode": \(inode), "existed": \(existed)}
        """
    }

    private func record(_ swaps: [String], name: String, committing: Bool) -> String {
        """
        {"restore": "\(name)", "point": "2025-12-20T030000Z", "swaps": [\(swaps.joined(separator: ",\n"))]\
        \(committing ? ", \"committing\": true" : "")}
        """
    }

    private func liveTexts(_ host: TestSite) -> [String?] { ["a", "b"].map { host.text("volumes/\($0)/_data") } }
    private func stagedTexts(_ host: TestSite) -> [String?] {
        ["a", "b"].map { host.text("volumes/\($0)/\(Self.staged)") }
    }
}
