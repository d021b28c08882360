import Glibc
package import Machine

/// A time zone: what clocks of a place show, at every moment.
///
/// A value: it is read once from its file (TZif, RFC 8536) and asks nobody afterwards.
package struct Zone: Hashable, Sendable, CustomStringConvertible {
    /// `Europe/Berlin`, `UTC`; of the host's own zone, where it has no name, `local time`.
    package let name: String
    private let table: ZoneTable
    private let rule: ZoneRule?

    /// What clocks do for a while.
    package struct Period: Hashable, Sendable {
        /// Seconds ahead of UTC.
        package let offset: Int
        package let isSummer: Bool
        /// `CEST`, `+1030`.
        package let abbreviation: String
    }

    /// Universal time, which needs no file.
    package static let utc = Zone(
        name: "UTC", table: ZoneTable(Period(offset: 0, isSummer: false, abbreviation: "UTC")), rule: nil)

    private init(name: String, table: ZoneTable, rule: ZoneRule?) {
        self.name = name
        self.table = table
        self.rule = rule
    }

    /// The zone of that name.
    ///
    /// - Throws: ``ScheduleError`` `schedule.no-zone` if there is none, `schedule.bad-zone` if its file cannot be read.
    package init(named name: String, _ files: ZoneFiles = .system) throws {
        if name == "UTC" || name == "Etc/UTC" {
            self = Zone(name: name, table: Zone.utc.table, rule: nil)
            return
        }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy(isPlainName), let bytes = try Self.bytes(of: "\(files.folder)/\(name)") else {
            throw Self.unknown(name, files)
        }
        try self.init(name: name, bytes: bytes, place: "\(files.folder)/\(name)")
    }

    /// The host's own: what `$TZ` says, else `/etc/localtime`, else UTC.
    package static func local(_ files: ZoneFiles = .system) throws -> Zone {
        if let variable = files.variable { return try Zone(variable: variable, files) }
        guard let bytes = try bytes(of: files.localtime) else { return .utc }
        return try Zone(name: files.localName ?? "local time", bytes: bytes, place: files.localtime)
    }

    /// What `$TZ` may say: a name, a path, or a rule such as `CET-1CEST,M3.5.0,M10.5.0/3`.
    private init(variable: String, _ files: ZoneFiles) throws {
        let text = variable.hasPrefix(":") ? String(variable.dropFirst()) : variable
        if text.isEmpty {
            self = .utc
        } else if text.hasPrefix("/") {
            guard let bytes = try Self.bytes(of: text) else { throw Self.unknown(text, files) }
            try self.init(name: files.name(of: text) ?? "local time", bytes: bytes, place: text)
        } else if let rule = ZoneRule(text), !text.allSatisfy({ $0.isLetter }) {
            self.init(name: "local time", table: ZoneTable(rule.standard), rule: rule)
        } else {
            try self.init(named: text, files)
        }
    }

    private init(name: String, bytes: [UInt8], place: String) throws {
        guard let (table, footer) = ZoneTable.read(bytes) else {
            throw ScheduleError.failed(
                "bad-zone", "The file of the time zone \(name) is damaged, or older than version 2 of its format.",
                place: place, remedy: "Install it anew: apt-get install --reinstall tzdata")
        }
        self.init(name: name, table: table, rule: ZoneRule(footer))
    }

    private static func bytes(of path: String) throws -> [UInt8]? {
        do {
            return try Descriptor.open(path, O_RDONLY).readAll(limit: 1 << 20)
        } catch let error as MachineError where [ENOENT, ENOTDIR, EISDIR].contains(error.errno) {
            return nil
        }
    }

    private static func unknown(_ name: String, _ files: ZoneFiles) -> ScheduleError {
        let isThere = access(files.folder, F_OK) == 0
        let region = name.split(separator: "/").first.map(String.init) ?? ""
        let names = isPlainName(region[...]) ? (try? Descriptor.folder("\(files.folder)/\(region)").names()) ?? [] : []
        let near = nearest(to: name, among: names.map { "\(region)/\($0)" })
        return .refused(
            "no-zone", "There is no time zone “\(RawPath(name))”.", place: files.folder,
            remedy: isThere
                ? near.map { "Did you mean `\($0)`?" } ?? "Write it as `timedatectl list-timezones` has it, or `UTC`."
                : "Install the zones: apt-get install tzdata; `UTC` works without.")
    }

    // MARK: - Time

    /// What clocks do at a moment.
    package func period(at moment: Timestamp) -> Period {
        if let rule, moment.seconds >= table.end { return rule.period(at: moment.seconds) }
        return table.period(at: moment.seconds)
    }

    /// What clocks show at a moment.
    package func civil(at moment: Timestamp) -> CivilTime {
        CivilTime(secondsSince1970: moment.seconds + Int64(period(at: moment).offset))
    }

    /// The moments at which clocks show `time`, earliest first: none if they jump over it, two if they go back over it.
    package func moments(of time: CivilTime) -> [Timestamp] {
        let seconds = time.secondsSince1970
        let around: [Int64] = [-86_400, -43_200, 0, 43_200, 86_400]
        let offsets = Set(around.map { period(at: Timestamp(seconds: seconds + $0)).offset })
        return offsets.map { Timestamp(seconds: seconds - Int64($0)) }.filter { civil(at: $0) == time }.sorted()
    }

    /// The moment as a clock shows it, and the abbreviation: `Sun 2026-11-22 02:00:00 CET`.
    package func text(_ moment: Timestamp) -> String { "\(civil(at: moment)) \(period(at: moment).abbreviation)" }

    package var description: String { name }
}

/// Whether it is a name as the folders of zones have them, which leads nowhere else.
private func isPlainName(_ part: Substring) -> Bool {
    !part.isEmpty && part != "." && part != ".."
        && part.utf8.allSatisfy { byte in
            byte < 128 && (Unicode.Scalar(byte).properties.isAlphabetic || "0123456789_+-".utf8.contains(byte))
        }
}
