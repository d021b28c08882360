import Settings
import Testing

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func text(of alphabet: String, upTo length: Int) -> String {
        let alphabet = Array(alphabet.unicodeScalars)
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...length, using: &self) {
            text.append(alphabet[Int.random(in: 0..<alphabet.count, using: &self)])
        }
        return String(text)
    }
}

@Suite struct MutationTests {
    private static let scraps = [
        "*", "&a ", "*a", "<<: ", "? ", ": ", "- ", "---\n", "...\n", "\t", "\n", "\r\n", "\"", "'", "[", "]", "{", "}",
        "|\n", ">\n", "!!binary ", "!a ", "%YAML 1.1\n", "#", "\u{feff}", "\u{0}", "\u{85}", "\u{2028}", "😀", "\\ud800",
        "~",
        "\"\\xff\"", ",", "directory: /x\n", "backup:\n", "exclude", "é", "\u{f0000}", "\u{ffff}", "!%ff ", "&", "%",
    ]

    private static let whole = """
        backup:
          directory: /var/backups/inlock/encrypted
          encryption:
            recipients: ["0123456789ABCDEF0123456789ABCDEF01234567"]
            keyring: /etc/holdfast/keyring
          compression: zstd
          volumes:
            root: &root /var/lib/docker/volumes
            include: ["*"]
            exclude: ["*_cache"]
            quiesce: { n8n_data: stop }
            hooks: { n8n_data: { before: [ls], after: [ls] } }
          files:
            - { name: compose, path: /home/comzis/inlock-infra }
            - name: other
              path: *root
          databases:
            - { name: n8n, engine: postgres, service: postgres, project: n8n, user: n8n, database: [n8n, "a b"] }
            - { name: app, engine: postgres, url: "postgresql://u@[::1]:5432/app?sslmode=require", lock_timeout: 30s }
            - { name: kuma, engine: sqlite, volume: kuma_data, file: kuma.db }
        docker: { socket: /var/run/docker.sock }
        state: /var/lib/holdfast

        """

    @Test func aDamagedFileIsReadOrRefusedAndNeverTheEndOfTheProgram() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("SettingsTests: mutations with seed \(seed)")
        var random = SeededRandom(seed: seed)
        for _ in 0..<4_000 {
            let text = Self.damaged(Self.whole, using: &random)
            do {
                let settings = try Settings.parse(text, file: "h.yml")
                #expect(settings.backup.directory.hasPrefix("/"), "seed \(seed)")
            } catch let error as SettingsError {
                Self.check(error, seed: seed)
            } catch {
                Issue.record("\(error), seed \(seed)")
            }
        }
    }

    private static func check(_ error: SettingsError, seed: UInt64) {
        #expect(!error.problems.isEmpty && error.problems.count <= 20, "seed \(seed)")
        for problem in error.problems {
            #expect(
                problem.code.hasPrefix("settings.") && !problem.what.isEmpty && problem.remedy != nil, "seed \(seed)")
            #expect(problem.position.map { $0.line > 0 && $0.column > 0 } ?? true, "seed \(seed)")
            #expect(!problem.what.unicodeScalars.contains { $0.value >= 0xF0001 && $0.value < 0xF0014 }, "seed \(seed)")
        }
    }

    private static func damaged(_ text: String, using random: inout SeededRandom) -> String {
        var scalars = Array(text.unicodeScalars)
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let at = Int.random(in: 0...scalars.count, using: &random)
            let end = min(scalars.count, at + Int.random(in: 0...30, using: &random))
            switch Int.random(in: 0..<4, using: &random) {
            case 0: scalars.removeSubrange(at..<end)
            case 1:
                let scrap = scraps[Int.random(in: 0..<scraps.count, using: &random)]
                scalars.insert(contentsOf: scrap.unicodeScalars, at: at)
            case 2: scalars.insert(contentsOf: scalars[at..<end], at: Int.random(in: 0...scalars.count, using: &random))
            default: scalars.replaceSubrange(at..<scalars.count, with: scalars[end...])
            }
        }
        var result = String.UnicodeScalarView()
        result.append(contentsOf: scalars)
        return String(result)
    }
}
