import Docker
import Glibc
import Machine
import TestKit
import Testing

/// Programs that say that all is well when it is not.
@Suite struct LyingToolTests {
    /// What a gpg does in place of what it was asked for, in the words of a shell; `$real` is the good one.
    private static func lies(_ random: inout SeededRandom) -> [(name: String, script: String)] {
        let (count, more) = (Int.random(in: 0...1500, using: &random), Int.random(in: 1...300, using: &random))
        return [
            ("cuts its output", #""$real" "$@" | head -c \#(count); exit 0"#),
            ("cuts the end off its output", #""$real" "$@" | head -c -\#(more); exit 0"#),
            ("dies in the middle", #""$real" "$@" | head -c \#(count); kill -9 $$"#),
            ("reads a part only", #"head -c \#(count) | "$real" "$@"; exit 0"#),
            ("ends in garbage", #""$real" "$@" | head -c \#(count); head -c \#(more) /dev/urandom; exit 0"#),
            ("adds something", #""$real" "$@"; head -c \#(more) /dev/urandom; exit 0"#),
            ("writes nothing", #"cat > /dev/null; exit 0"#),
            ("does nothing", "exit 0"),
            ("fails in silence", "exit 2"),
            ("fails after all is done", #""$real" "$@"; exit 2"#),
            (
                "writes garbage with good words",
                """
                echo '[GNUPG:] BEGIN_ENCRYPTION 2 9' >&2; cat > /dev/null; head -c \(more) /dev/urandom
                echo '[GNUPG:] END_ENCRYPTION' >&2; exit 0
                """
            ),
            (
                "flips a bit",
                #""$real" "$@" | perl -0777 -pe 'substr($_, \#(count) % (length || 1), 1) ^= "\x04"'; exit 0"#
            ),
            ("floods its talk", #"yes 'gpg: words' | head -c 30000000 >&2; exec "$real" "$@""#),
            ("closes its input and goes on", #"exec 0<&-; "$real" "$@" < /dev/null; exit 0"#),
        ]
    }

    /// The same host, whose gpg lies at the so many-th of its calls that has `option` (empty: at any).
    private func lying(_ host: DemoHost, _ script: String, at option: String, call: Int) async throws -> DemoHost {
        try await host.shimming(
            """
            real=$(PATH=${PATH#*:} command -v gpg)
            case " $* " in *" \(option)"*)
                exec 9>> \(host.folder)/shims/calls-of-gpg; flock 9; echo >&9
                if [ "$(wc -l < \(host.folder)/shims/calls-of-gpg)" = \(call) ]; then
                    touch \(host.folder)/shims/lied; exec 9>&-
                    \(script)
                fi
                exec 9>&-;;
            esac
            """)
    }

    /// With each deed: whatever gpg says at whichever of its calls, what it says is not believed, or was true.
    @Test func aGPGThatLies() async throws {
        for round in Torture.rounds(of: "lying gpgs", short: 6) {
            var round = round
            let deed = [Deed.backup, .backup, .archive, .restore, .restoreElsewhere].randomElement(using: &round.random)
            let lies = Self.lies(&round.random)
            let lie = lies[Torture.seconds == nil ? round.number * 3 % lies.count : round.number % lies.count]
            let options = ["", "--encrypt", "--detach-sign", "--decrypt", "--import", "--verify", "--with-colons"]
            let option = options.randomElement(using: &round.random) ?? ""
            let call = Int.random(in: 1...(option.isEmpty ? 12 : 3), using: &round.random)
            try await withDemoHost(.backedUp) { host in
                let trial = try await Trial(deed ?? .backup, on: host)
                let outcome = try await trial.run(on: lying(host, lie.script, at: option, call: call))
                let text =
                    "a gpg that \(lie.name) at call \(call) \(option) of \(trial.deed)\(host.has("shims/lied") ? "" : " (not met)"), \(round)"
                // From outside a flipped bit cannot be told from a good one; see below.
                if lie.name == "flips a bit", outcome.status == 0, [.backup, .archive].contains(trial.deed) { return }
                try await trial.judge(outcome, text)
            }
        }
    }

    /// What gpg spoilt while it encrypted is found by whoever opens it, and never takes the place of anything.
    @Test func aGPGThatSpoilsWhatItEncrypts() async throws {
        for round in Torture.rounds(of: "gpgs that spoil", short: 2) {
            var round = round
            let place = Int.random(in: 0...2000, using: &round.random)
            try await withDemoHost { host in
                let before = try Belongings(of: host)
                let flip =
                    #""$real" "$@" | perl -0777 -pe 'substr($_, -1 - \#(place) % (length() - 300), 1) ^= "\x01"'; exit 0"#
                let outcome = try await lying(
                    host, flip, at: "--encrypt", call: Int.random(in: 1...2, using: &round.random)
                )
                .holdfast("backup", "--json")
                let text = "byte \(place) from the end, \(round): \(outcome)"
                guard let point = try host.points().first else { return #expect(outcome.status != 0, "\(text)") }
                let verified = try await host.holdfast("verify", point, "--deep", "--key", host.privateKey)
                #expect(verified.status == 1, "\(text): \(verified)")
                var refusals = 0
                for item in [("volume", "n8n_data"), ("volume", "web_data"), ("files", "compose")] {
                    let restored = try await host.restore(item.0, item.1)
                    if restored.status != 0 { refusals += 1 }
                }
                #expect(refusals == 1, "\(text)")
                try await host.shell(
                    "\(CommandRunner.binary) restore undo --yes || true; \(CommandRunner.binary) restore undo --yes || true"
                )
                try before.expectLive(text)
                #expect(try host.leftovers() == [], "\(text)")
            }
        }
    }

    /// Archives of others, made by a tar, a compressor or a gpg that stopped early: never taken for whole.
    @Test func archivesThatWereCut() async throws {
        try await withDemoHost { host in
            try await host.shell(
                """
                mkdir -p source/deep; head -c 90000 /dev/urandom > source/dense; seq 20000 > source/deep/text; echo end > source/z
                tar cf whole.tar -C source .; gzip -k whole.tar; zstd -q whole.tar; xz -k whole.tar
                """)
            var good = try host.snapshot("source")
            // A tar of GNU's own format has whole seconds.
            good.forgetFractions()
            for round in Torture.rounds(of: "cut archives", short: 6) {
                var round = round
                let suffix = ["", ".gz", ".zst", ".xz"].randomElement(using: &round.random) ?? ""
                let whole = try host.bytes("whole.tar\(suffix)")
                // Of the tar itself also at the bounds of its blocks, where nothing but its end is missing.
                let isAtBound = suffix.isEmpty && Bool.random(using: &round.random)
                let end = Self.lastOfContent(try host.bytes("whole.tar"))
                let length =
                    isAtBound
                    ? Int.random(in: 0...end / 512, using: &round.random) * 512
                    : Int.random(in: 0..<(suffix.isEmpty ? end : whole.count), using: &round.random)
                let packing = ["cat", "gzip", "zstd -q"].randomElement(using: &round.random) ?? "cat"
                let isEncrypted = Bool.random(using: &round.random)
                let name = "cut.tar\(isEncrypted ? ".gpg" : "")"
                let seal = "gpg -q --batch --homedir ring --trust-model always -e -r owner@example.org"
                try await host.shell(
                    "head -c \(length) whole.tar\(suffix) | \(suffix.isEmpty ? packing : "cat") | \(isEncrypted ? seal : "cat") > \(name)"
                )
                let text =
                    "\(length) of \(whole.count) bytes of tar\(suffix), then \(packing)\(isEncrypted ? ", gpg" : ""), \(round)"
                let restored = try await host.restore("archive", name, "--to", host.path("out"), "--json")
                try expectHonest(restored, text)
                #expect(restored.status != 0, "\(text): \(restored)")
                #expect(!host.has("out"), "\(text)")
                #expect(try host.leftovers() == [], "\(text)")
                let verified = try await host.holdfast("verify", host.path(name), "--deep", "--key", host.privateKey)
                #expect([1, 4].contains(verified.status), "\(text): \(verified)")
            }
            let restored = try await host.restore("archive", "whole.tar", "--to", host.path("out"))
            #expect(restored.status == 0, "\(restored)")
            #expect(try good.differences(from: host.snapshot("out")) == [])
        }
    }

    /// Where the last content of a tar ends: zeros follow.
    private static func lastOfContent(_ bytes: [UInt8]) -> Int {
        ((bytes.lastIndex { $0 != 0 } ?? 0) / 512 + 1) * 512
    }

    /// A pg_dump that lies in the server's own container.
    @Test(
        .enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)),
        .enabled(if: RealPostgres.isAvailable, Comment(rawValue: RealPostgres.howToGetOne)))
    func aDumpThatLies() async throws {
        try await withEngine { engine in
            try await withPostgresContainer(engine, database: "shop") { postgres in
                try await postgres.psql(
                    "CREATE TABLE orders AS SELECT n, md5(n::text) AS note FROM generate_series(1, 3000) n")
                let container = postgres.container.id
                try await shell(
                    "cp \"$(command -v pg_dump)\" /tmp/pg_dump.real 2>/dev/null || cp -L $(command -v pg_dump) /tmp/pg_dump.real; command -v pg_dump > /tmp/place",
                    in: container, engine)
                for round in Torture.rounds(of: "lying dumps", short: 2) {
                    var round = round
                    let count = Int.random(in: 0...120_000, using: &round.random)
                    let lies = [
                        "/tmp/pg_dump.real \"$@\" | head -c \(count); exit 0",
                        "/tmp/pg_dump.real \"$@\" | head -c \(count); kill -9 $$",
                        "/tmp/pg_dump.real \"$@\" | sed 's/^1234\\t.*$//'; exit 0",
                        "/tmp/pg_dump.real \"$@\" | grep -av '^29'; exit 0",
                        "/tmp/pg_dump.real \"$@\"; exit 1",
                        "/tmp/pg_dump.real \"$@\" --exclude-table=orders; exit 0",
                        "/tmp/pg_dump.real \"$@\" --schema-only; exit 0",
                        "exit 0",
                    ]
                    let lie = lies[round.number % lies.count]
                    try await install(
                        "case \" $* \" in *' --version '*) exec /tmp/pg_dump.real \"$@\";; esac\n\(lie)", in: container,
                        engine)
                    try await withDemoHost { host in
                        try host.configure {
                            ($0.include, $0.dockerSocket) = ([], engine.socket)
                            $0.databases = [
                                "{ name: shop, engine: postgres, container: \(postgres.container.name), user: \(postgres.user), database: shop }"
                            ]
                        }
                        let outcome = try await host.holdfast("backup", "--json")
                        let text = "a pg_dump that lies so: \(lie), \(round)"
                        #expect(outcome.status == 3, "\(text): \(outcome)")
                        let items = try outcome.json()["items"].all
                        let shop = items.first { $0["item"].string == "database.shop" }
                        #expect(shop?["outcome"].string == "failed", "\(text): \(outcome)")
                        #expect(
                            items.first { $0["item"].string == "files.compose" }?["outcome"].string == "whole",
                            "\(text)")
                        #expect(try await host.holdfast("verify", "--all").status == 0, "\(text)")
                    }
                }
            }
        }
    }

    private func shell(_ script: String, in container: String, _ engine: Engine) async throws {
        let result = try await engine.exec(container, ["sh", "-c", script])
        guard result.succeeded else { throw TestKitError(description: "\(script): \(result.text) \(result.errors)") }
    }

    private func install(_ script: String, in container: String, _ engine: Engine) async throws {
        try await shell(
            "place=$(cat /tmp/place); rm -f \"$place\"; printf '%s\\n' '#!/bin/sh' \"$1\" > \"$place\"; chmod 755 \"$place\""
                .replacing("\"$1\"", with: "'\(script.replacing("'", with: "'\\''"))'"),
            in: container, engine)
    }
}
