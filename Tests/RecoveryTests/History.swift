import Glibc
import Machine
import Recovery
import RestorePoints
import TestKit

/// What happened on a host, written as runs leave it: records, and points with manifests and archives of zeros.
extension TestSite {
    /// Hours before ``now``.
    static func hoursAgo(_ hours: Double) -> Timestamp { now.advanced(by: Int64(-hours * 3600)) }

    /// A backup that ended, with its point where anything is whole.
    ///
    /// - Parameter problems: of items that are not whole, and of the run under "".
    @discardableResult
    func backup(
        _ hours: Double, _ items: [String: ItemOutcome], scope: String? = "all", data: Int64 = 1000,
        problems: [String: String] = [:], died: Bool = false
    ) throws -> String {
        let moment = Self.hoursAgo(hours)
        var record = try RunRecord.begin("backup", scope: scope, at: moment, in: state)
        record.items = items
        record.problems = problems
        let isPublished = items.values.contains { $0 != .failed }
        if isPublished { record.point = try point(moment, items, data: data) }
        let outcome: RunRecord.Outcome =
            died ? .died : !isPublished ? .failed : problems.isEmpty ? .complete : .incomplete
        try record.end(outcome, at: moment.advanced(by: 60), in: state)
        return record.run
    }

    /// Any other run that ended.
    @discardableResult
    func run(_ command: String, _ hours: Double, _ outcome: RunRecord.Outcome, _ problem: String? = nil) throws
        -> String
    {
        var record = try RunRecord.begin(command, at: Self.hoursAgo(hours), in: state)
        if let problem { record.problems[""] = problem }
        try record.end(outcome, at: Self.hoursAgo(hours), in: state)
        return record.run
    }

    /// - Returns: the point's name.
    private func point(_ moment: Timestamp, _ items: [String: ItemOutcome], data: Int64) throws -> String {
        let name = PointName(moment)
        let records = items.compactMap { text, outcome -> Manifest.ItemRecord? in
            guard let item = Item(text) else { return nil }
            var record = Manifest.ItemRecord(item: item, outcome: outcome)
            if outcome != .failed { (record.archive, record.bytes, record.entries) = ("\(text).tar.zst.gpg", data, 7) }
            return record
        }
        let archives = records.compactMap(\.archive).map {
            Manifest.Archive(file: $0, size: data, sha256: String(repeating: "0", count: 64), keys: [])
        }
        let manifest = Manifest(
            host: Self.host, point: name, started: moment, finished: moment, previous: nil, recipients: [],
            archives: archives, items: records, holdfast: "test")
        try makeFolders("\(backups)/\(name)")
        let folder = try Descriptor.folder("\(backups)/\(name)")
        try folder.publish(Manifest.fileName, try JSON.write(manifest))
        for archive in archives { try folder.publish(archive.file, [UInt8](repeating: 0, count: Int(data))) }
        return name.description
    }

    /// Takes an item's archive out of a point.
    func remove(archive item: String, ofPointAt hours: Double) throws {
        let point = PointName(Self.hoursAgo(hours))
        try Descriptor.folder("\(backups)/\(point)").removeTree("\(item).tar.zst.gpg")
    }

    /// The host has its id for so many hours.
    func setUp(_ hours: Double) throws {
        try write("state/host.json", #"{"id": "\#(Self.host)", "made": "\#(Self.hoursAgo(hours))"}"#)
    }

    func standing(at hours: Double = 0) throws -> Standing { try Standing(of: site(at: Self.hoursAgo(hours))) }

    private static let host = String(repeating: "ab", count: 16)
}
