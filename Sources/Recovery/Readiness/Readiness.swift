internal import Archives
internal import Docker
internal import Glibc
internal import Machine
internal import OpenPGP
internal import RestorePoints
internal import Settings

/// Whether tonight's backup would work, and whether anything would be missing from it: one finding a line.
package struct Readiness: Sendable {
    package struct Finding: Sendable, Equatable {
        package enum Level: String, Sendable {
            case ok
            case warn
            case fail
        }

        package let level: Level
        /// What was looked at: `gpg`, `recipient`, `volume n8n_data`.
        package let subject: String
        package let text: String
        package let remedy: String?

        package init(level: Level, subject: String, text: String, remedy: String?) {
            self.level = level
            self.subject = subject
            self.text = text
            self.remedy = remedy
        }
    }

    let site: Site
    var findings: [Finding] = []

    package init(_ site: Site) { self.site = site }

    /// Looks at everything; a thing that cannot be looked at is a finding, never a reason to stop.
    package mutating func findings() async -> [Finding] {
        findings = []
        ok("configuration", site.settings.file)
        await keys()
        await host()
        await space()
        await sources()
        await databases()
        await schedule()
        return findings
    }

    // MARK: - Keys

    private mutating func keys() async {
        do {
            ok("gpg", "version \(try await Keyring.gpgVersion())")
        } catch {
            return fail("gpg", error)
        }
        if site.recipients.isEmpty {
            findings.append(
                Finding(
                    level: .fail, subject: "recipient", text: "nobody is named who could read the backups",
                    remedy: "holdfast key import FILE, then write its fingerprint under backup.encryption.recipients"))
        }
        for recipient in site.recipients { await self.recipient(recipient) }
        await privateKeys()
    }

    private mutating func recipient(_ recipient: String) async {
        do {
            let key = try await site.keyring.key(for: recipient)
            try key.requireEncryption(at: site.clock.now())
            guard case .usable(let until?) = key.encryptionState(at: site.clock.now()) else {
                return ok("recipient", "\(key.name), \(key.algorithm), does not expire")
            }
            let days = Int(until.since(site.clock.now()) / 86_400)
            let text = "\(key.name), \(key.algorithm), expires in \(days) days (\(until))"
            guard let limit = Self.expiryLimits.first(where: { days <= $0 }) else { return ok("recipient", text) }
            findings.append(
                Finding(
                    level: limit <= 3 ? .fail : .warn, subject: "recipient", text: text,
                    remedy: "Extend it where its private half is (gpg --quick-set-expire \(key.fingerprint) 2y '*'), "
                        + "export it, and: holdfast key import FILE"))
        } catch {
            fail("recipient", error)
        }
    }

    private mutating func privateKeys() async {
        do {
            var homes = [site.keyring]
            if site.keyring.home != nil { homes.append(Keyring(home: nil)) }
            let names = Set(try await homes.asyncFlatMap { try await $0.privateEncryptionKeys() }.map(\.name))
            guard !names.isEmpty else { return ok("private keys", "no private encryption key on this host") }
            for name in names.sorted() {
                findings.append(
                    Finding(
                        level: .fail, subject: "private keys",
                        text: "the private key of \(name) is on this host, which can so read its own backups",
                        remedy: "Move it away: gpg --export-secret-keys to a stick, then gpg --delete-secret-keys here")
                )
            }
        } catch {
            fail("private keys", error)
        }
    }

    // MARK: - The host's own state

    private mutating func host() async {
        do {
            if let key = try await HostKey.open(site.state.signingHome) {
                ok("signing key", "\(key.fingerprint)")
            } else {
                findings.append(
                    Finding(
                        level: .fail, subject: "signing key", text: "this host has none",
                        remedy: "holdfast init makes it"))
            }
            let state = try site.state.open()
            let unpaid = try Journal.unpaid(in: state).count + Restores(site.state).unsettled()
            if unpaid == 0 {
                ok("journal", "nothing is left over")
            } else if FileLock.isHeld(HeldLock.lockName, in: state) {
                let holder = FileLock.holder(of: HeldLock.lockName, in: state) ?? "another holdfast"
                ok("journal", "\(counted(unpaid, "thing")) to be put right, which \(holder) does at its end")
            } else {
                findings.append(
                    Finding(
                        level: .fail, subject: "journal",
                        text: "an interrupted run left \(counted(unpaid, "thing")) to be put right",
                        remedy: "holdfast resume"))
            }
            for record in try Restores(site.state).all() {
                findings.append(
                    Finding(
                        level: .warn, subject: "restore",
                        text: "the former data of the restore \(record.restore) is still kept",
                        remedy: "holdfast restore commit drops it, holdfast restore undo goes back to it"))
            }
        } catch {
            fail("state", error)
        }
    }

    private mutating func space() async {
        let directory = site.settings.backup.directory
        do {
            guard access(directory, W_OK) == 0 else {
                throw MachineError.call("write to the backup directory", directory)
            }
            let points = try ownPoints()
            if let last = points.last { latest(last) }
            let whole = points.last { (try? $0.manifest.get().outcome) == .complete }
            let free = freeSpace(at: directory)
            let last = try whole?.manifest.get().size
            let text = "\(directory), \(free.map { "\($0) free" } ?? "free space unknown")"
            if let last, let free, free < last {
                findings.append(
                    Finding(
                        level: .fail, subject: "space", text: "\(text), but the last complete point took \(last)",
                        remedy: "Free some space or move backup.directory"))
            } else {
                ok(
                    "space",
                    text + (last.map { ", the last complete point took \($0)" } ?? ", no point yet to forecast from"))
            }
        } catch {
            fail("space", error)
        }
    }

    /// The points without those that only say they are this host's, which get a finding.
    private mutating func ownPoints() throws -> [Catalog.Point] {
        let points = try site.catalog.points()
        let provenance = try site.provenance(of: points)
        let refused = points.filter { provenance.refusal(of: $0.name) != nil }
        guard let first = refused.first else { return points }
        findings.append(
            Finding(
                level: .warn, subject: "points",
                text:
                    "\(counted(refused.count, "point")) not signed by this host, from \(first.name) on: they count for nothing",
                remedy: "holdfast status names them. Find out who put them there, then remove them by hand"))
        return points.filter { provenance.refusal(of: $0.name) == nil }
    }

    /// The newest point, if not everything is in it.
    private mutating func latest(_ point: Catalog.Point) {
        guard let manifest = try? point.manifest.get(), manifest.outcome == .incomplete else { return }
        let items = manifest.items.filter { $0.outcome != .whole }.map { "\($0.item) \($0.outcome.rawValue)" }
        findings.append(
            Finding(
                level: .warn, subject: "last backup",
                text: "\(point.name) is incomplete: \(items.joined(separator: ", "))",
                remedy: "holdfast show \(point.name) says why; then: holdfast backup"))
    }

    // MARK: - Sources

    private mutating func sources() async {
        switch site.engine {
        case .reachable(let engine):
            ok("engine", "Docker \(engine.version.version) at \(engine.socket)")
        case .absent(let reason):
            findings.append(
                Finding(
                    level: site.settings.backup.volumes.root == nil ? .fail : .warn, subject: "engine",
                    text: reason.what,
                    remedy: site.settings.backup.volumes.root == nil
                        ? reason.remedy
                        : "Volumes are read from backup.volumes.root as they lie; nothing can be stopped"))
        }
        for source in site.settings.backup.files { self.source("files \(source.name)", source.path, mayBeEmpty: false) }
        guard let engine = site.engine.engine else { return volumesWithoutEngine() }
        do {
            let volumes = try await engine.volumes()
            let containers = try await engine.containers()
            for volume in volumes where site.settings.backup.volumes.selects(volume.name) {
                self.volume(volume, users: containers.filter { $0.uses(volume) })
            }
            missing(from: volumes.map(\.name))
            uncovered(volumes, containers)
        } catch {
            fail("engine", error)
        }
    }

    private mutating func volumesWithoutEngine() {
        guard let root = site.settings.backup.volumes.root else { return }
        do {
            let names = try volumeNames(in: root)
            missing(from: names)
            for name in names where site.settings.backup.volumes.selects(name) {
                source(
                    "volume \(name)", "\(root)/\(name)/_data", mayBeEmpty: site.settings.backup.volumes.mayBeEmpty(name)
                )
            }
        } catch {
            fail("volumes", error)
        }
    }

    private mutating func missing(from names: [String]) {
        for name in site.settings.backup.volumes.missing(from: names) {
            findings.append(
                Finding(
                    level: .fail, subject: "volume \(name)",
                    text: "is named under backup.volumes.include, but there is no such volume",
                    remedy: "docker volume ls; nothing was created"))
        }
    }

    private mutating func volume(_ volume: Volume, users: [Container]) {
        let path = site.settings.backup.volumes.root.map { "\($0)/\(volume.name)/_data" } ?? volume.mountpoint
        let subject = "volume \(volume.name)"
        if !volume.isPlain, !isMounted(path) {
            findings.append(
                Finding(
                    level: .warn, subject: subject,
                    text: "has mount options and is not mounted now: it can only be read while a container uses it",
                    remedy: "Start a container that uses it before the backup, or exclude it"))
            return
        }
        guard source(subject, path, mayBeEmpty: site.settings.backup.volumes.mayBeEmpty(volume.name)) else { return }
        let running = users.filter { $0.state == .running }
        let quiesced = site.settings.backup.volumes.quiesce(for: volume.name)
        let stopped = running.allSatisfy { (quiesced?.rawValue ?? $0.labels[PlannedItem.Label.quiesce]) == "stop" }
        guard !running.isEmpty, !stopped else { return }
        for database in LiveDatabase.find(in: path) {
            if let entry = entry(for: database, in: volume, running) {
                ok(subject, "\(database.engine) lives in it (\(database.sign)) and is dumped as \(entry)")
                continue
            }
            findings.append(
                Finding(
                    level: .warn, subject: subject,
                    text:
                        "\(database.engine) lives in it (\(database.sign)): its files, copied while it runs, may not start again",
                    remedy: database.entry(volume: volume.name, container: running.first?.name)
                        .map { "Add to backup.databases: \($0)" }
                        ?? "backup.volumes.quiesce: { \(volume.name): stop }"))
        }
    }

    @discardableResult
    private mutating func source(_ subject: String, _ path: String, mayBeEmpty: Bool) -> Bool {
        do {
            if try Descriptor.open(path, O_RDONLY | O_DIRECTORY).isEmpty(), !mayBeEmpty {
                findings.append(
                    Finding(
                        level: .fail, subject: subject, text: "\(path) is empty",
                        remedy: "If it may be: backup.volumes.allow_empty; else exclude it"))
                return false
            }
            ok(subject, path)
            return true
        } catch {
            fail(subject, error)
            return false
        }
    }

    /// What lives on this host and is in no backup.
    private mutating func uncovered(_ volumes: [Volume], _ containers: [Container]) {
        let missed = volumes.filter { volume in
            !site.settings.backup.volumes.selects(volume.name)
                && !isDumped(volume, containers.filter { $0.uses(volume) && $0.state == .running })
        }.map(\.name)
        if !missed.isEmpty {
            findings.append(
                Finding(
                    level: .warn, subject: "not covered",
                    text: "volumes in no backup: \(missed.joined(separator: ", "))",
                    remedy: "If that is meant, all is well; else see backup.volumes.include and exclude"))
        }
        let present = Set(volumes.map(\.name))
        for gone in volumesOfPoints(site) where !present.contains(gone) && site.settings.backup.volumes.selects(gone) {
            findings.append(
                Finding(
                    level: .warn, subject: "volume \(gone)", text: "is in earlier restore points, but no longer there",
                    remedy: "If that is not meant: holdfast restore volume \(gone)"))
        }
        let binds = BindMounts(containers).uncovered(by: site.settings)
        if !binds.isEmpty {
            findings.append(
                Finding(
                    level: .warn, subject: "not covered",
                    text: "bind mounts in no backup: \(binds.joined(separator: ", "))",
                    remedy: "Name their folders under backup.files"))
        }
    }

    // MARK: -

    mutating func ok(_ subject: String, _ text: String) {
        findings.append(Finding(level: .ok, subject: subject, text: text, remedy: nil))
    }

    mutating func fail(_ subject: String, _ error: any Error) {
        let explained = explain(error)
        let place = explained.place.map { " (\($0))" } ?? ""
        findings.append(Finding(level: .fail, subject: subject, text: explained.what + place, remedy: explained.remedy))
    }

    /// Days before a key's expiry at which `check` begins to warn, warns again, and fails.
    private static let expiryLimits = [3, 14, 30]
}

extension Array {
    fileprivate func asyncFlatMap<Output>(_ transform: (Element) async throws -> [Output]) async throws -> [Output] {
        var outputs: [Output] = []
        for element in self { outputs += try await transform(element) }
        return outputs
    }
}
