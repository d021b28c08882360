import Docker
import Glibc
import Machine
import TestKit
import Testing

/// The seed's commands, typed as it shows them, on a real engine with a real server in it: backed up, destroyed, restored,
/// and compared by other eyes.
@Suite(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
struct SeedSequenceTests {
    /// A host with n8n's volume in use, a second volume, and n8n's database in a container called by its service.
    private func withInlock(
        _ body: (EngineHost, _ n8n: Container, _ postgres: PostgresContainer, _ volumes: [Volume]) async throws -> Void
    ) async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine, name: uniqueName("n8n_data")) { data in
                try await withVolume(host.engine, name: uniqueName("grafana_data")) { other in
                    try await withContainer(host.engine) {
                        $0.volumes = [data.name: "/data"]
                    } _: { n8n in
                        try await withPostgresContainer(host.engine, user: "n8n") { postgres in
                            try host.configure {
                                $0.include = [data.name, other.name]
                                $0.databases = [
                                    "{ name: n8n, engine: postgres, container: \(postgres.container.name), user: n8n }"
                                ]
                            }
                            try await host.run(
                                in: n8n,
                                "mkdir /data/.n8n; echo '{\"key\": 1}' >/data/.n8n/config; ln -s .n8n/config /data/link; chown 1000:1000 /data/.n8n/config"
                            )
                            try host.write("dashboards\n", to: "grafana.db", in: other)
                            try await postgres.psql(Shop.sql)
                            try await body(host, n8n, postgres, [data, other])
                        }
                    }
                }
            }
        }
    }

    /// A shell as the seed's user has it; with `typing`, on a terminal of its own.
    private func shell(
        _ host: EngineHost, _ script: String, home: String = "user", typing answer: String? = nil
    ) async throws -> CommandRunner.Outcome {
        var runner = host.holdfast
        runner.environment.merge(host.demo.scriptEnvironment) { _, new in new }
        runner.environment["VOLUMES_DIR"] = nil
        runner.environment["DOCKER_HOST"] = "unix://\(host.engine.socket)"
        runner.environment["GNUPGHOME"] = "\(host.folder)/\(home)"
        runner.folder = DemoHost.scripts.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            .joined(separator: "/")
        try host.demo.write("typed.sh", "set -e -o pipefail\n" + script)
        let command = "bash \(host.demo.path("typed.sh"))"
        guard let answer else { return try await runner.run(["bash", "-c", command]) }
        return try await runner.run(
            ["bash", "-c", "sleep 0.1; (sleep 0.2; cat) | script -qec '\(command)' /dev/null"],
            input: Array(answer.utf8))
    }

    @Test func theVolumes() async throws {
        try await withInlock { host, n8n, _, volumes in
            let (demo, saved) = (host.demo, try volumes.map { try host.demo.snapshot($0.mountpoint) })
            try demo.write("admin-inlock-ai.pub", demo.keys.owner.public)
            let backup = try await shell(
                host,
                """
                ./scripts/import-gpg-key.sh \(demo.path("admin-inlock-ai.pub"))
                ./scripts/check-backup-readiness.sh
                export GPG_RECIPIENT="owner@example.org"
                ./scripts/backup-volumes.sh
                """)
            expectDone(backup)
            let file = try #require(try demo.archives("volumes-").first)
            #expect(isName(file, "volumes", ".tar.gz.gpg"))

            try await host.run(in: n8n, "rm -r /data/.n8n; echo since >/data/since")
            _ = try await host.engine.removeVolume(volumes[1].name)
            let elsewhere = try await host.restore(
                "archive", "\(demo.encrypted)/\(file)", "--volumes", "--volumes-root", host.folder, "--json")
            try expectFailure(elsewhere, 4, "recovery.other-volumes", says: host.folder)
            let begun = try await host.look(n8n).startedAt
            try await demo.withOwner {
                let restored = try await shell(
                    host, "./scripts/restore-volumes.sh \(demo.encrypted)/volumes-*.tar.gz.gpg --gpg\n", home: "owner",
                    typing: "y\n")
                expectDone(restored)
                #expect(restored.output.contains("Restore this?"), "\(restored)")
            }
            for (volume, then) in zip(volumes, saved) { try expectSame(then, demo.snapshot(volume.mountpoint)) }
            // ★ “Restart services manually” is not needed: it was stopped meanwhile, and runs.
            let now = try await host.look(n8n)
            #expect(now.state == .running && now.startedAt != begun)
            #expect(try await host.run(in: n8n, "cat /data/link") == "{\"key\": 1}\n")
            #expect(try await host.engine.volume(".holdfast") == nil)

            expectDone(try await host.holdfast("restore", "undo", "--yes"))
            #expect(host.read("since", in: volumes[0]) == "since\n")
            #expect(try await host.engine.volume(volumes[1].name) == nil)
            #expect(try host.staging(of: volumes[0]) == [] && demo.journal == "")
        }
    }

    /// ★ `psql` into a full database ends with 0 and forty errors; and the seed's own line opens what we make.
    @Test func theDatabase() async throws {
        try await withInlock { host, _, postgres, _ in
            let demo = host.demo
            let dump =
                "docker exec \(postgres.container.name) pg_dump -U n8n n8n | sed -E '/^.(un)?restrict /d' | sha256sum"
            let saved = try await shell(host, dump).output
            let backup = try await shell(
                host, "export GPG_RECIPIENT=owner@example.org\n./scripts/backup-databases.sh\n")
            expectDone(backup)
            let file = try #require(try demo.archives("postgres-").first)
            #expect(isName(file, "postgres", ".sql.gpg") && backup.output.contains(file))
            try await postgres.psql(Shop.accident)
            try await demo.withOwner {
                let path = "\(demo.encrypted)/\(file)"
                let restored = try await host.holdfast(
                    "restore", "archive", path, "--database", "n8n.n8n", "--yes", "--key", demo.privateKey)
                expectDone(restored)
                #expect(try await shell(host, dump).output == saved)
                expectDone(try await host.holdfast("restore", "commit", "--yes"))
                // Into an empty one, by stock tools.
                try await postgres.psql("CREATE DATABASE empty")
                let byHand = try await shell(
                    host,
                    "gpg --batch -q --decrypt \(path) | docker exec -i \(postgres.container.name) psql -q -v ON_ERROR_STOP=1 -U n8n -d empty",
                    home: "owner")
                expectDone(byHand)
                #expect(try await shell(host, dump.replacing("n8n n8n", with: "n8n empty")).output == saved)
            }
        }
    }

    /// ★ `pg_dump | gpg` reports gpg's success: a dead producer leaves a good name with half of it.
    @Test func aDeadProducerLeavesNoFile() async throws {
        try await withInlock { host, _, postgres, _ in
            for end in ["| head -c 2000; exit 1", "| head -c 2000; kill -9 $$", "| grep -v 'dump complete'"] {
                let docker = try await host.docker([
                    "exec", postgres.container.name, "sh", "-c",
                    """
                    p=$(command -v pg_dump); [ -e $p.real ] || mv $p $p.real
                    printf '#!/bin/sh\\ncase "$*" in *--version*) exec %s.real "$@" ;; esac\\n%s.real "$@" %s\\n' $p $p "$1" >$p
                    chmod 755 $p
                    """, "sh", end,
                ])
                expectDone(docker)
                let backup = try await shell(host, "./scripts/backup-databases.sh\n")
                #expect(backup.status == 1 && backup.output.contains("database.n8n"), "\(end): \(backup)")
                #expect(try host.demo.archives("postgres-") == [], "\(end)")
            }
        }
    }
}
