import Yams

extension Settings.Retention {
    private static let help = "Write `retention: { keep_within: 30d, keep_last: 3 }`."

    /// Reads the `backup.retention` section.
    init?(reading reader: NodeReader) {
        guard let fields = reader.fields(of: .retention, remedy: Self.help) else { return nil }
        func count(_ key: String) -> Int? { fields[key].flatMap { $0.count() } }
        self.init(
            within: fields["keep_within"].flatMap { $0.duration() }, last: count("keep_last") ?? Self.usualLast,
            daily: count("keep_daily") ?? 0, weekly: count("keep_weekly") ?? 0, monthly: count("keep_monthly") ?? 0,
            yearly: count("keep_yearly") ?? 0)
        guard keepsNothing else { return }
        reader.badValue("\(reader.label) keeps nothing at all.", remedy: Self.help)
        return nil
    }
}

extension Settings.Legacy {
    private static let help = "Write `- { directory: /var/backups/inlock, keep_within: 7d }`."

    /// Reads `backup.legacy`; entries with something wrong in them are reported and left out.
    static func list(reading reader: NodeReader) -> [Settings.Legacy] {
        guard reader.node.sequence != nil else {
            reader.wrongType(expected: "a list of folders", remedy: help)
            return []
        }
        return reader.list(of: "folders") { element -> Settings.Legacy? in
            guard let fields = element.fields(of: .legacy, remedy: help) else { return nil }
            let within = fields["keep_within"].flatMap { $0.duration() }
            let folder = fields.require("directory", remedy: "Add `directory: /…`: where the older archives lie.")
            return folder?.hostPath().map { Settings.Legacy(directory: $0, within: within) }
        } ?? []
    }
}
