import Glibc
import Machine
import TestKit
import Testing

/// The archives of older scripts: listed, and removed by the dates in their names.
@Suite struct LegacyCommandTests {
    private func withArchives(_ body: (DemoHost) async throws -> Void) async throws {
        try await withDemoHost(.backedUp) { host in
            try await host.shell(
                """
                mkdir -p old && cd old
                for day in 01 02 03 20 21; do tar czf volumes-2025-11-$day-020000.tar.gz ../compose; done
                gpg --batch -q --import ../stick/private.asc
                for day in 01 20; do
                    echo 'SELECT 1;' | gpg --batch -q --trust-model always -e -r \(host.keys.owner.digits) \
                        > postgres-2025-11-$day.sql.gpg
                done
                tar czf n8n_data.tar.gz ../compose
                # What the older scripts left when something failed.
                : > volumes-2025-11-22-020000.tar.gz
                ln -s volumes-2025-11-21-020000.tar.gz volumes-2025-10-01-020000.tar.gz
                touch -d 2035-01-01 volumes-2025-11-01-020000.tar.gz
                gpgconf --kill all
                """)
            try host.configure { $0.backup = ["legacy: [ { directory: \"\(host.folder)/old\", keep_within: 7d } ]"] }
            try await body(host)
        }
    }

    @Test func theyAreListed() async throws {
        try await withArchives { host in
            let text = try await host.holdfast("list")
            #expect(text.status == 0, "\(text)")
            #expect(text.output.contains("Older archives in \(host.folder)/old\n"), "\(text)")
            #expect(text.output.contains("2025-11-20 02:00:00") && text.output.contains("no date"), "\(text)")
            #expect(text.output.contains("no regular file: left alone"), "\(text)")
            // Who reads points by a script reads points.
            let points = try await host.holdfast("list", "--json").json()
            #expect(points.all.count == 2 && points.all.allSatisfy { $0["point"].string != nil })
            let older = try await host.holdfast("list", "--legacy", "--json").json()
            #expect(older.all.count == 10)
            let first = older.all.first { $0["archive"].string == host.folder + "/old/postgres-2025-11-01.sql.gpg" }
            #expect(first?["encrypted"].bool == true && first?["dated"].string == "2025-11-01 00:00:00")
        }
    }

    @Test func theyGoByTheirNamesAndTheNewestGoodOneStays() async throws {
        try await withArchives { host in
            let report = try await host.prune()
            let gone = report["legacy"].all.filter { $0["kept"].bool == false }.compactMap { $0["archive"].string }
            #expect(
                gone
                    == [
                        "postgres-2025-11-01.sql.gpg", "volumes-2025-11-01-020000.tar.gz",
                        "volumes-2025-11-02-020000.tar.gz",
                        "volumes-2025-11-03-020000.tar.gz",
                    ].map { "\(host.folder)/old/\($0)" })
            #expect(
                try host.names("old") == [
                    "n8n_data.tar.gz", "postgres-2025-11-20.sql.gpg", "volumes-2025-10-01-020000.tar.gz",
                    "volumes-2025-11-20-020000.tar.gz", "volumes-2025-11-21-020000.tar.gz",
                    "volumes-2025-11-22-020000.tar.gz",
                ])
            // No rule for points: none goes.
            #expect(try host.points().count == 2)
            #expect(report["leftAlone"][0].string?.hasSuffix("volumes-2025-10-01-020000.tar.gz") == true)
            #expect(try await host.prune()["removes"].int == 0)
        }
    }

    @Test func aSuddenDropStopsItUntilAPersonAccepts() async throws {
        try await withArchives { host in
            try await host.shell("head -c 200000 /dev/urandom | gzip > old/volumes-2025-11-19-020000.tar.gz")
            let (points, names) = (try host.points(), try host.names("old"))
            let refused = try await host.holdfast("prune", "--json")
            try expectFailure(
                refused, 4, "recovery.sudden-drop", says: "volumes-2025-11-19-020000.tar.gz has",
                "--accept-drop volumes-2025-11-20-020000.tar.gz")
            #expect(try host.names("old") == names && host.points() == points)
            try await host.prune("--accept-drop", "volumes-2025-11-20-020000.tar.gz")
            #expect(try !host.names("old").contains("volumes-2025-11-01-020000.tar.gz"))
            try await host.prune()
        }
    }

    @Test func aFolderThatIsNotThereIsSaid() async throws {
        try await withArchives { host in
            try await host.shell("mv old elsewhere")
            try expectFailure(
                try await host.holdfast("prune", "--json"), 4, "point.no-directory", says: "backup.legacy")
            let listed = try await host.holdfast("list")
            #expect(
                listed.status == 0 && listed.output.contains("The folder of older archives is not there"), "\(listed)")
            #expect(try await host.holdfast("list", "--legacy").status == 4)
        }
    }
}
