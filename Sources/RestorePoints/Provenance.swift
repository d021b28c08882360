internal import Glibc
internal import Machine
internal import OpenPGP

/// Which points are this host's own work, by the signatures of their manifests.
///
/// Whoever can write to the backup directory can put a point there, with any name and any numbers. So a point that says it is
/// this host's counts as fresh, and in retention, only if this host's key signed it. Nothing is said of its archives.
package struct Provenance: Sendable {
    /// Why no signature could be checked; nil where they were.
    package let unknown: String?
    private let findings: [PointName: Finding]

    private enum Finding {
        case refused(String)
        case unreadable(String)
    }

    /// Checks the points that say they are of this host; nobody else's are looked at.
    ///
    /// - Parameters:
    ///   - host: the id of this host; nil if it has none.
    ///   - signingHome: the folder of its signing key.
    package init(of points: [Catalog.Point], host: String?, signingHome: String) {
        do {
            guard let host, let signer = try HostKey.signer(in: signingHome) else {
                (unknown, findings) = ("this host has no signing key (\(signingHome))", [:])
                return
            }
            let found = onAllCores(points.count) { Self.look(at: points[$0], host: host, signer) }
            findings = Dictionary(zip(points, found).compactMap { point, why in why.map { (point.name, $0) } }) { $1 }
            unknown = nil
        } catch {
            (unknown, findings) = (explain(error).what, [:])
        }
    }

    /// Why a point is not this host's work although it says so, or cannot be found to be; nil if it is, or does not say so.
    package func refusal(of point: PointName) -> String? {
        switch findings[point] {
        case .refused(let why), .unreadable(let why): why
        case nil: nil
        }
    }

    /// Why the signature could not even be read: that says nothing against the point.
    package func obstacle(of point: PointName) -> String? {
        guard case .unreadable(let why) = findings[point] else { return nil }
        return why
    }

    private static func look(at point: Catalog.Point, host: String, _ signer: SignerKey) -> Finding? {
        guard (try? point.manifest.get().host) == host else { return nil }
        do {
            let file = try Descriptor.open(
                "\(point.path)/\(Manifest.signatureName)", O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            try signer.verify(point.manifestBytes, signature: try file.readAll(limit: 64 << 10))
            return nil
        } catch let error as MachineError where [ENOENT, ELOOP].contains(error.errno) {
            // Whoever looks without the lock may see it pruned.
            return point.isGone ? nil : .refused("The manifest has no signature.")
        } catch let error as MachineError where error.errno != 0 {
            return .unreadable("\(error.what)")
        } catch {
            return .refused(explain(error).what)
        }
    }
}
