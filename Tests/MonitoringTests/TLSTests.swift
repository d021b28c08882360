import Machine
import Monitoring
import TestKit
import Testing

/// A target that shows a certificate, wants one, and compresses.
@Suite struct TLSTests {
    private static func job(_ name: String, _ port: Int, _ tls: String) -> String {
        """
        - job_name: \(name)
          scheme: https
          scrape_interval: 2s
          static_configs: [{ targets: ["127.0.0.1:\(port)"] }]
          tls_config: { \(tls) }

        """
    }

    @Test(.enabled(if: goesOutDirectly)) func eachOptionCounts() async throws {
        try await withTemporaryFolder { folder in
            let made = try await ChildProcess(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                    "-subj", "/CN=exporter.example", "-addext", "subjectAltName=DNS:exporter.example",
                    "-keyout", "\(folder)/key.pem", "-out", "\(folder)/cert.pem",
                ]
            ).run()
            try #require(made.succeeded, "\(made.errors)")
            let own = "cert_file: \(folder)/cert.pem, key_file: \(folder)/key.pem"
            let trust = "ca_file: \(folder)/cert.pem"
            try await withPythonServer("exporter.py", folder) { port in
                let text =
                    "scrape_configs:\n"
                    + Self.job("right", port, "\(own), \(trust), server_name: exporter.example, min_version: TLS12")
                    + Self.job("unverified", port, "\(own), insecure_skip_verify: true")
                    + Self.job("stranger", port, "\(own), server_name: exporter.example")
                    + Self.job("misnamed", port, "\(own), \(trust), server_name: other.example")
                    + Self.job("addressed", port, "\(own), \(trust)")
                    + Self.job("nobody", port, "\(trust), server_name: exporter.example")
                try await withMonitor(text) { monitor, _ in
                    try await eventually("all were scraped") { await monitor.areAll { $0 != .unknown } }
                    let active = await monitor.targets().active
                    let up = active.filter { $0.health == .up }.map(\.pool)
                    #expect(up == ["right", "unverified"], "\(active.map { "\($0.pool): \($0.lastError)" })")
                    for name in ["stranger", "misnamed", "addressed"] {
                        let error = active.first { $0.pool == name }?.lastError ?? ""
                        #expect(error.contains("certificate is not trusted"), "\(name): \(error)")
                    }
                    #expect(try monitor.store.samples(of: "a").count == 2, "decompressed and read")
                }
            }
        }
    }
}
