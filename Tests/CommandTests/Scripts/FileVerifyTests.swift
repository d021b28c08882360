import TestKit
import Testing

/// `verify FILE`: what older scripts made is checked as far as can be, and no further in words.
@Suite struct FileVerifyTests {
    private static let seal = "gpg -q --batch --homedir ring --trust-model always -r owner@example.org -e"

    private func verify(_ host: DemoHost, _ deep: Bool) async throws -> CommandRunner.Outcome {
        try await host.holdfast.run(
            [CommandRunner.binary, "verify", "./x", "--json"] + (deep ? ["--deep", "--key", host.privateKey] : []))
    }

    private static let script = """
        printf -- '-- PostgreSQL database dump\\n\\nCREATE TABLE public.t (a integer);\\nCOPY public.t (a) FROM stdin;\\n1\\n2\\n\\\\.\\n\\n--\\n-- PostgreSQL database dump complete\\n--\\n\\n'
        """

    @Test(arguments: ["tar cz volumes | \(seal) > x", "\(script) | \(seal) > x"])
    func fromOutsideOnly(script: String) async throws {
        try await withDemoHost { host in
            try await host.shell(script)
            let outside = try await verify(host, false)
            #expect(outside.status == 5, "\(outside)")
            let findings = try outside.json()[0]["findings"].all + outside.json()["findings"].all
            #expect(findings.map { $0["verdict"].string } == ["ok", "not checked"], "\(outside)")
            #expect(outside.output.contains("from outside only") && outside.output.contains(host.keys.owner.packetID))
            let deep = try await verify(host, true)
            expectDone(deep)
            #expect(deep.output.contains("nobody’s signature"), "\(deep)")
            #expect(deep.output.contains(script.contains("tar") ? "end mark" : "closing line"), "\(deep)")
        }
    }

    @Test(arguments: ["tar czf x volumes", "tar cf x volumes", "\(script) > x", "\(script) | gzip > x"])
    func whatIsNotEncryptedIsReadAnyway(script: String) async throws {
        try await withDemoHost { host in
            try await host.shell(script)
            expectDone(try await verify(host, false))
        }
    }

    @Test(arguments: [
        ("tar cz volumes | \(seal) | head -c -20 > x", [1, 1]),
        ("tar cf y volumes; head -c 20480 y | \(seal) > x", [5, 1]),
        ("\(script) > y; head -c 100 y | \(seal) > x", [5, 1]), ("\(script) | sed '/complete/d' | gzip > x", [1, 1]),
        ("tar czf y volumes; head -c 300 y > x", [1, 1]), ("head -c 9999 /dev/zero > x", [1, 1]),
        ("tar cz volumes | gpg -q --batch --homedir ring --trust-model always -r other@example.org -e > x", [5, 5]),
        ("tar cz volumes | \(seal) --armor > x", [5, 5]),
    ])
    func whatIsBroken(script: String, statuses: [Int]) async throws {
        try await withDemoHost { host in
            try await host.shell(script)
            for (deep, status) in zip([false, true], statuses) {
                let outcome = try await verify(host, deep)
                #expect(Int(outcome.status) == status, "\(deep): \(outcome)")
            }
        }
    }
}
