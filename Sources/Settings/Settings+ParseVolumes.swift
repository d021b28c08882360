import Machine

extension Settings.Volumes {
    /// Reads the `backup.volumes` section.
    init?(reading reader: NodeReader) {
        let help = "Write `volumes: { include: [\"*\"] }`; for no volumes at all, `volumes: { include: [] }`."
        guard let fields = reader.fields(of: .volumes, remedy: help) else { return nil }
        self.init(
            root: fields["root"].flatMap { $0.hostPath() },
            include: fields["include"].flatMap { $0.patterns() } ?? [.all],
            exclude: fields["exclude"].flatMap { $0.patterns() } ?? [],
            quiesce: fields["quiesce"].map { Self.quiesce(reading: $0) } ?? [],
            hooks: fields["hooks"].map { Self.hooks(reading: $0) } ?? [],
            allowEmpty: fields["allow_empty"].flatMap { $0.patterns() } ?? [],
            maximumDowntime: fields["max_downtime"].flatMap { $0.duration() } ?? Self.usualMaximumDowntime)
    }

    private static func quiesce(reading reader: NodeReader) -> Settings.PatternTable<Settings.Quiesce> {
        let words = Settings.Quiesce.allCases.map(\.rawValue)
        let help = "Write `stop`, `pause` or `none`."
        return table(reading: reader, remedy: "Write `quiesce: { VOLUME: stop }`.") { value in
            guard let word = value.string(expected: "a word", remedy: help) else { return nil }
            if let mode = Settings.Quiesce(rawValue: word) { return mode }
            let near = nearest(to: word, among: words).map { " – did you mean `\($0)`?" } ?? "."
            value.badValue("\(value.label): `\(printable(word))` is no way to quiesce\(near)", remedy: help)
            return nil
        }
    }

    private static func hooks(reading reader: NodeReader) -> Settings.PatternTable<Settings.Hooks> {
        let help = "Write `hooks: { VOLUME: { before: [\"command\"], after: [\"command\"] } }`."
        return table(reading: reader, remedy: help) { value in
            guard let fields = value.fields(of: .hooks, remedy: help) else { return nil }
            func commands(_ key: String) -> [String] {
                fields[key].flatMap { $0.list(of: "commands") { $0.string(expected: "a command") } } ?? []
            }
            return Settings.Hooks(before: commands("before"), after: commands("after"))
        }
    }

    private static func table<Value>(
        reading reader: NodeReader, remedy: String, _ read: (NodeReader) -> Value?
    ) -> Settings.PatternTable<Value> {
        let entries = reader.entries(remedy: remedy) ?? []
        return Settings.PatternTable(
            entries.compactMap { entry in
                let value = read(entry.value)
                guard let pattern = Settings.Pattern(entry.key) else {
                    entry.keyReader.badValue(
                        "`\(printable(entry.key))` in \(reader.label) is not a pattern.",
                        remedy: "Write a volume's name, or a pattern with `*`, `?` or `[abc]`.")
                    return nil
                }
                return value.map { Settings.PatternTable.Entry(pattern, $0) }
            })
    }
}
