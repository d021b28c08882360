import Machine
import RestorePoints

/// A bug, put in on purpose: a deed that is left out, or done too late, as if the program had been written so.
package final class Sabotage {
    package enum Kind: String, CaseIterable, Sendable {
        case fileNotSynchronised = "an archive is published without fsync"
        case folderNotSynchronised = "a point is published without fsync of the backup directory"
        case renamedBeforeSynchronised = "a file has its name before its bytes are on disk"
        case journalAfterDeed = "the journal is written after the deed"
        case paidBeforeStart = "an obligation is paid before the container was started"
        case publishedUnsigned = "a point is published before its signature has its name"
        case tornCountsAsWhole = "retention takes torn items for whole ones"
        case sweepTakesPublished = "the sweep takes a published point for a rest"
        case removedInPlace = "a point is removed without losing its name first"
        case cutLineKept = "a line of the journal that was cut is not dropped"
        case failedProducerCounts = "an archive counts although gpg died"
        case lockExcludesNobody = "the lock excludes nobody"
        case recordAfterSwap = "the restore is on record only after the exchange"
        case formerDroppedEarly = "former data is dropped before the commit is on record"
        case runNotOnRecord = "the run is on record only after it began"
    }

    let kind: Kind
    /// Which process it is that is sabotaged now.
    var process = ""
    private var postponed: [() -> Void] = []
    /// Whether what was postponed is done before the next deed.
    private var isDue = false

    init(_ kind: Kind) { self.kind = kind }

    /// Does `deed`, or what the bug makes of it.
    func act(_ step: Step, _ deed: @escaping () -> Void) {
        if isDue { catchUp() }
        if isLeftOut(step) { return }
        if isPostponed(step) {
            postponed.append(deed)
            return
        }
        deed()
        if !postponed.isEmpty, ends(step) { isDue = true }
    }

    /// A process ended, or died: what it had put off is done, or never will be.
    func end(died: Bool) {
        if died { postponed = [] } else { catchUp() }
        isDue = false
    }

    private func catchUp() {
        let deeds = postponed
        postponed = []
        isDue = false
        for deed in deeds { deed() }
    }

    private func isLeftOut(_ step: Step) -> Bool {
        switch kind {
        case .fileNotSynchronised: step.deed == .synchronize && step.inode?.name.hasSuffix(".gpg.partial") == true
        case .folderNotSynchronised: step.deed == .synchronize && step.inode?.name == "backups"
        case .removedInPlace: step.deed == .rename && step.other.hasSuffix(PointRemoval.suffix)
        case .cutLineKept: step.deed == .truncate && step.inode?.name == Self.journal
        default: false
        }
    }

    private func isPostponed(_ step: Step) -> Bool {
        switch kind {
        case .renamedBeforeSynchronised:
            step.deed == .synchronize && step.inode?.name.hasSuffix(DurableFile.partialSuffix) == true
        case .journalAfterDeed:
            step.inode?.name == Self.journal && [.write, .synchronize].contains(step.deed)
        case .paidBeforeStart:
            step.deed == .engine && ["start", "unpause"].contains { step.name.hasSuffix($0) }
        case .publishedUnsigned: step.deed == .rename && step.other == Manifest.signatureName
        case .recordAfterSwap:
            process == "restore" && step.deed == .rename && step.inode?.name == "restores"
        case .formerDroppedEarly:
            process == "commit" && step.deed == .rename && step.inode?.name == "restores"
        case .runNotOnRecord:
            process == "backup" && step.deed == .rename && step.inode?.name == "runs"
        default: false
        }
    }

    /// The deed that should have come after what is postponed.
    private func ends(_ step: Step) -> Bool {
        switch kind {
        case .renamedBeforeSynchronised: step.deed == .rename
        case .journalAfterDeed: step.deed == .engine || step.deed == .makeFolder
        case .paidBeforeStart: step.inode?.name == Self.journal && step.deed == .synchronize
        case .publishedUnsigned: step.deed == .rename && PointName(step.other) != nil
        case .recordAfterSwap: step.deed == .exchange
        case .formerDroppedEarly: step.deed == .removeFolder
        case .runNotOnRecord: step.deed == .create && step.name.hasSuffix(".gpg.partial")
        default: false
        }
    }

    private static let journal = "journal.jsonl"

    // MARK: - Lies about what is there

    /// The name that is meant.
    func alias(_ name: String) -> String {
        guard kind == .removedInPlace || kind == .sweepTakesPublished, name.hasSuffix(PointRemoval.suffix) else {
            return name
        }
        return String(name.dropLast(PointRemoval.suffix.count))
    }

    /// The names in a folder; nil: as they are.
    func names(of folder: Inode) -> [String]? {
        guard kind == .sweepTakesPublished, process == "resume", folder.name == "backups" else { return nil }
        let names = folder.entries.keys.sorted()
        return names.last { PointName($0) != nil }.map { names + [$0 + PointRemoval.suffix] }
    }

    /// What a file holds; nil: what it does.
    func read(_ file: Inode) -> [UInt8]? {
        guard kind == .tornCountsAsWhole, process == "prune" else { return nil }
        if file.name == Manifest.signatureName, let manifest = file.parent?.entries[Manifest.fileName] {
            return HostSigner.shared.signature(of: Self.untorn(manifest))
        }
        return file.name == Manifest.fileName ? Self.untorn(file) : nil
    }

    private static func untorn(_ file: Inode) -> [UInt8] {
        let text = String(decoding: file.bytes, as: UTF8.self)
        let untorn = text.replacing(#""outcome" : "torn""#, with: #""outcome" : "whole""#)
        return Array(untorn.replacing(#""outcome" : "incomplete""#, with: #""outcome" : "complete""#).utf8)
    }
}

extension Sabotage? {
    /// Does `deed`, if there is nobody to spoil it.
    func act(_ step: Step, _ process: SimulatedProcess, _ deed: @escaping () -> Void) {
        guard let self else { return deed() }
        self.act(step, deed)
    }
}
