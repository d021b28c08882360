import Glibc
import Machine
import RestorePoints
import Settings

@testable import OpenPGP
@testable import Recovery
@testable import Schedules

// Readers of small things: manifests, records, configuration, listings.

/// A manifest that is accepted can be written and is read back as the same.
func readManifest(_ input: [UInt8]) throws {
    guard let point = PointName("2026-11-22T020000Z") else { return }
    let manifest = try Manifest.read(input, folder: point, place: "manifest.json")
    check(manifest.size.bytes >= 0)
    for archive in manifest.archives {
        check(!archive.file.utf8.contains(UInt8(ascii: "/")) && archive.file != "..", "a name that leads out")
        _ = outcome { try manifest.identity(of: archive) }
    }
    let written = try JSON.write(manifest)
    let again = try JSON.write(try Manifest.read(written, folder: point, place: "manifest.json"))
    check(written == again, "a manifest that was read and written is another one")
}

/// Run records, records of restores, private facts.
func readRecords(_ input: [UInt8]) throws {
    if let run = try? JSON.read(RunRecord.self, input, place: "run") { _ = (run.moment, run.command) }
    _ = try? JSON.read(RestoreRecord.self, input, place: "restore")
    _ = try JSON.read(PrivateFacts.self, input, place: PrivateFacts.fileName)
}

/// The journal, read by who only looks.
func readJournal(_ input: [UInt8]) throws {
    let file = try journalFolder.open("journal.jsonl", O_WRONLY | O_CREAT | O_TRUNC)
    try file.write(input)
    try file.close()
    _ = try Journal.unpaid(in: journalFolder)
}

/// Gone as soon as the process is: it has no name any more when it is used.
private let journalFolder: Descriptor = {
    var template = Array("/dev/shm/hf-fuzz-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { fatalError("no folder in memory") }
    let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    guard let folder = try? Descriptor.folder(path) else { fatalError("no folder in memory") }
    pathToRemove = path
    atexit {
        unlink(pathToRemove + "/journal.jsonl")
        rmdir(pathToRemove)
    }
    return folder
}()

// Written once, before the handler that reads it is set.
nonisolated(unsafe) private var pathToRemove = ""

/// However a message is cut into pieces, the inspector says the same.
func readPackets(_ input: [UInt8]) throws {
    let whole = outcome {
        var inspector = PacketInspector()
        try input.withUnsafeBytes { try inspector.take($0) }
        return try inspector.finish()
    }
    let pieces = outcome {
        var inspector = PacketInspector()
        try inPieces(input) { try inspector.take($0) }
        return try inspector.finish()
    }
    check(whole == pieces, "\(whole) or, in pieces, \(pieces)")
    if let envelope = try? whole.get() { check(envelope.length == input.count) }
}

func readSettings(_ input: [UInt8]) throws {
    guard let text = String(validating: input, as: UTF8.self) else { return }
    _ = try Settings.parse(text, file: "holdfast.yml")
}

/// An expression's normal form means the same, and the moments that it names go up.
func readCalendar(_ input: [UInt8]) throws {
    guard let text = String(validating: input, as: UTF8.self) else { return }
    let expression = try CalendarExpression(text)
    let again = try CalendarExpression(expression.description)
    check(expression == again, "\(expression) or \(again)")
    let start = Timestamp(seconds: 1_795_312_800)
    var last = start
    for moment in expression.next(3, after: start, in: .utc) {
        check(moment > last, "\(expression): \(moment) after \(last)")
        last = moment
    }
}

/// What gpg lists of keys, and what it says on its status lines.
func readKeys(_ input: [UInt8]) {
    let text = String(decoding: input, as: UTF8.self)
    let listing = KeyListing(text)
    for key in listing.keys { expectPrintable(key.name) }
}
