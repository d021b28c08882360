import ArgumentParser
import Glibc
import Machine
import OpenPGP
import Recovery
import RestorePoints
import Settings

/// Whose signature on a restore point counts.
struct SignerOptions: ParsableArguments {
    @Option(
        help: "Fingerprint of the signing key, read off the recovery card; needed where the host's own state is gone.")
    var signer: String?

    /// The key named by the person, else the host's own.
    func trust(_ site: Site) async throws -> SignerTrust {
        if let signer {
            guard let fingerprint = Fingerprint(signer) else {
                throw RecoveryError.refused(
                    "bad-fingerprint", "“\(signer)” is no fingerprint.",
                    remedy: "Give all 40 digits of the recovery card's signing key.")
            }
            let names = [Self.publicKeyName(of: fingerprint), Self.publicKeyName]
            let files = names.map { "\(site.settings.backup.directory)/\($0)" }
            let file = files.first { access($0, F_OK) == 0 } ?? files[1]
            return .pinned(publicKey: try Descriptor.open(file, O_RDONLY).readAll(limit: 1 << 20), fingerprint)
        }
        guard let key = try await HostKey.open(site.state.signingHome) else {
            return .nobody(because: "this host has no signing key (\(site.state.signingHome))")
        }
        return .pinned(publicKey: try await key.publicKey(), key.fingerprint)
    }

    /// Where the host's public signing key lies beside its points.
    static let publicKeyName = "host.asc"

    /// Where the key of another host lies, whose points were brought here.
    static func publicKeyName(of signer: Fingerprint) -> String { "host-\(signer).asc" }
}
