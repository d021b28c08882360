import Machine
import TestKit
import Testing

/// Whoever can only add to the backup directory must not get anything removed, nor make old backups look fresh.
@Suite struct ForgedPointTests {
    /// Real points of some days ago, and three of today that somebody else put there.
    private func withForgeries(_ body: (DemoHost, _ real: [String], _ forged: [String]) async throws -> Void)
        async throws
    {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            let real = try await host.backUp(on: -6 ... -4)
            try await host.shell(
                """
                forge() {
                    cp -a backups/\(real[0]) "backups/$1"
                    sed -i "s/\(real[0])/$1/" "backups/$1/manifest.json"
                }
                for hour in 1 2 3; do forge "$(date -u -d "$hour hours ago" +%Y-%m-%dT%H0000Z)"; done
                cd backups
                set -- $(ls -d 2*Z | tail -n 3)
                rm "$1/manifest.json.sig" "$2/manifest.json.sig"
                export GNUPGHOME=\(host.folder)/stranger
                mkdir -m 700 "$GNUPGHOME"
                gpg --batch -q --passphrase '' --quick-gen-key stranger ed25519 sign never
                gpg --batch -q --detach-sign "$2/manifest.json"
                gpgconf --kill all
                """)
            try await body(host, real, Array(try host.points().suffix(3)))
        }
    }

    @Test func pruneCountsAndRemovesNoneOfThem() async throws {
        try await withForgeries { host, real, forged in
            try host.keep("keep_last: 2")
            let report = try await host.prune()
            #expect(report.removed == [real[0]])
            #expect(try host.points() == real.suffix(2) + forged)
            for point in report["points"].all where forged.contains(point["point"].string ?? "") {
                #expect(point["kept"].bool == true, "\(point)")
                #expect(point["reasons"][0].string?.hasPrefix("not signed by this host") == true, "\(point)")
            }
            let dry = try await host.holdfast("prune", "--dry-run")
            #expect(dry.status == 0 && dry.output.contains("remove it by hand"), "\(dry)")
            // Real nights go on pushing out real ones.
            let next = try await host.backup()
            #expect(try await host.prune().removed == [real[1]])
            #expect(try host.points().contains(next))
        }
    }

    @Test func theyMakeNothingFreshAndAreNamed() async throws {
        try await withForgeries { host, real, forged in
            let status = try await host.holdfast("status", "--json")
            #expect(status.status == 1, "\(status)")
            let report = try status.json()
            #expect(report["unproven"].all.compactMap(\.string) == forged)
            #expect(report["points"].int == 3)
            #expect(report["items"].all.allSatisfy { $0["isStale"].bool == true && $0["place"].string == real[2] })
            let text = try await host.holdfast("status").output
            #expect(text.contains("points: \(forged[0])") && text.contains("they count for nothing"), "\(text)")
            let check = try await host.holdfast("check").output
            #expect(check.contains("3 points not signed by this host"), "\(check)")
            // Once a person has removed them, nothing is said any more.
            try await host.shell("cd backups && rm -r \(forged.joined(separator: " "))")
            #expect(try await host.holdfast("status", "--json").json()["unproven"].all.isEmpty)
            #expect(!(try await host.holdfast("check").output.contains("not signed by this host")))
        }
    }
}
