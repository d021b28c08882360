/// The fields of an entry of the table of contents, in their order.
enum EntryField: Int {
    case dumpID, hadDumper, catalogTable, catalogRow, tag, kind, section, definition, dropStatement, copyStatement
    case namespace, tablespace, accessMethod, relationKind, owner, withOIDs, dependency, offset

    var isNumber: Bool { [.dumpID, .hadDumper, .section, .relationKind].contains(self) }
    var isKept: Bool { [.tag, .kind, .namespace, .tablespace, .owner].contains(self) }

    /// The one behind it, in a dump of this version.
    func next(minorVersion: Int) -> EntryField? {
        switch self {
        case .tablespace where minorVersion < 14: .owner
        case .accessMethod where minorVersion < 16: .owner
        default: EntryField(rawValue: rawValue + 1)
        }
    }
}

/// What is kept of an entry while it is read.
struct ContentsEntry {
    var dumpID = 0
    /// Whether a block of data was to be written for it.
    var hasData = false
    var tag = ""
    var kind = ""
    var namespace = ""
}

/// What is kept of the table of contents.
struct DumpContents {
    enum Kind {
        case table, largeObjects, other
    }

    struct Source {
        let kind: Kind
        let name: TableName
        var isSeen = false
    }

    /// Those entries that have data, by their dump ids.
    var sources: [Int: Source] = [:]
    var announced: [TableName] = []
    var owners: Set<String> = []
    var tablespaces: Set<String> = []
    /// How much memory all this takes, about.
    private(set) var size = 0

    /// The first of those whose data has not come, for people.
    var missing: String? {
        sources.filter { !$0.value.isSeen }.min { $0.key < $1.key }.map { "\($0.value)" }
    }

    mutating func add(owner: String) { if owners.insert(owner).inserted { size += owner.utf8.count + 64 } }

    mutating func add(tablespace: String) {
        if tablespaces.insert(tablespace).inserted { size += tablespace.utf8.count + 64 }
    }

    /// - Returns: false if there is one with that id already.
    mutating func add(_ entry: ContentsEntry) -> Bool {
        let kind: Kind =
            switch entry.kind {
            case "TABLE DATA": .table
            case "BLOBS": .largeObjects
            default: .other
            }
        guard entry.hasData || kind == .table else { return true }
        let name = TableName(schema: entry.namespace, name: entry.tag)
        size += name.schema.utf8.count + name.name.utf8.count + 192
        if kind == .table { announced.append(name) }
        return !entry.hasData || sources.updateValue(Source(kind: kind, name: name), forKey: entry.dumpID) == nil
    }
}

extension DumpContents.Source: CustomStringConvertible {
    var description: String { kind == .largeObjects ? "the large objects" : "\(name)" }
}

extension DumpReader {
    /// Deals with what has been collected, and says what comes next.
    mutating func collectedAll() throws {
        switch step {
        case .start: try takeStart()
        case .compression: try takeCompression()
        case .date(let count):
            date.append(try number(collected))
            if count < 6 { expect(.date(count + 1)) } else { try endDate() }
        case .headerText, .entry: try takeField()
        case .entryCount: try takeEntryCount()
        case .blockType: try takeBlockType()
        case .blockID: try takeBlockID()
        case .chunkLength: try takeChunkLength()
        case .largeObject: try takeLargeObject()
        case .chunk: break
        }
    }

    // MARK: Header

    private mutating func takeStart() throws {
        guard collected.starts(with: Self.magic) else { throw Self.wrongStart }
        let major = collected[5]
        minorVersion = Int(collected[6])
        let version = "\(major).\(minorVersion)"
        if major > 1 || major == 1 && minorVersion > 16 { throw DumpError.tooNew(version) }
        if major < 1 || minorVersion < 12 { throw DumpError.tooOld(version) }
        guard collected[8] == 4 else { throw damaged("its numbers have \(collected[8]) bytes") }
        offsetSize = Int(collected[9])
        guard offsetSize == 4 || offsetSize == 8 else { throw damaged("its offsets have \(offsetSize) bytes") }
        guard collected[10] == 1 else { throw DumpError.notADump("its format is number \(collected[10])") }
        expect(.compression, minorVersion >= 15 ? 1 : Self.intLength)
    }

    private mutating func takeCompression() throws {
        if minorVersion >= 15 {
            let names = ["none", "gzip", "lz4", "zstd"]
            guard let name = names.dropFirst(Int(collected[0])).first else {
                throw damaged("its compression is number \(collected[0])")
            }
            if collected[0] != 0 { throw DumpError.compressed(name) }
        } else {
            let level = try number(collected)
            guard (-1...9).contains(level) else { throw damaged("its compression is of level \(level)") }
            if level != 0 { throw DumpError.compressed("gzip") }
        }
        expect(.date(0))
    }

    private mutating func endDate() throws {
        let ranges = [0...61, 0...59, 0...23, 1...31, 0...11, 0...8099, -1...1]
        guard zip(date, ranges).allSatisfy({ $1.contains($0) }) else { throw damaged("its date is none") }
        expect(.headerText(0))
    }

    /// The header's date.
    var made: String {
        func padded(_ number: Int, _ width: Int = 2) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let day = "\(padded(date[5] + 1900, 4))-\(padded(date[4] + 1))-\(padded(date[3]))"
        return "\(day)T\(padded(date[2])):\(padded(date[1])):\(padded(date[0]))"
    }

    private mutating func takeEntryCount() throws {
        entryCount = try number(collected)
        guard entryCount >= 0 else { throw damaged("its table of contents has less than no entries") }
        guard entryCount <= limits.entries else {
            throw DumpError.tooLarge("a table of contents with \(entryCount) entries", at: position)
        }
        entriesLeft = entryCount
        beginEntry()
    }

    // MARK: Fields

    private mutating func beginEntry() {
        entry = ContentsEntry()
        if entriesLeft == 0 { expect(.blockType, 1) } else { expect(.entry(.dumpID)) }
    }

    /// A number, a text's length, or an entry's last field has come.
    private mutating func takeField() throws {
        if case .entry(.offset) = step { return try endEntry() }
        let value = try number(collected)
        if case .entry(let field) = step, field.isNumber {
            try take(value, as: field)
            return try nextField()
        }
        guard value >= -1 else { throw damaged("a text has a length of \(value)") }
        if value == -1 { return try endText(isNull: true) }
        let limit = isKept ? limits.name : limits.text
        guard value <= limit else {
            throw DumpError.tooLarge("a \(isKept ? "name" : "text") of \(value) bytes", at: position)
        }
        collected.removeAll(keepingCapacity: true)
        if value == 0 { return try endText(isNull: false) }
        textLeft = value
        isInText = true
    }

    private var isKept: Bool {
        if case .entry(let field) = step { field.isKept } else { true }
    }

    mutating func takeText(_ bytes: UnsafeRawBufferPointer, from start: Int) throws -> Int {
        let part = min(textLeft, bytes.count - start)
        if isKept { collected.append(contentsOf: bytes[start..<(start + part)]) }
        textLeft -= part
        if textLeft == 0 { try endText(isNull: false) }
        return start + part
    }

    private mutating func endText(isNull: Bool) throws {
        let text = isNull || !isKept ? "" : String(decoding: collected, as: UTF8.self)
        switch step {
        case .headerText(let count):
            headerTexts.append(text)
            expect(count < 2 ? .headerText(count + 1) : .entryCount)
        case .entry(.dependency) where !isNull: expect(step)
        case .entry(let field):
            take(text, as: field)
            try nextField()
        default: break
        }
    }

    private mutating func take(_ value: Int, as field: EntryField) throws {
        switch field {
        case .dumpID:
            guard value > 0 else { throw damaged("an entry has the id \(value)") }
            entry.dumpID = value
        case .hadDumper:
            guard value == 0 || value == 1 else { throw damaged("an entry neither has data nor has none") }
            entry.hasData = value == 1
        default: break
        }
    }

    private mutating func take(_ text: String, as field: EntryField) {
        switch field {
        case .tag: entry.tag = text
        case .kind: entry.kind = text
        case .namespace: entry.namespace = text
        case .owner where !text.isEmpty: contents.add(owner: text)
        case .tablespace where !text.isEmpty: contents.add(tablespace: text)
        default: break
        }
    }

    private mutating func nextField() throws {
        guard case .entry(let field) = step, let next = field.next(minorVersion: minorVersion) else { return }
        expect(.entry(next), next == .offset ? 1 + offsetSize : Self.intLength)
    }

    private mutating func endEntry() throws {
        // 1: has data, somewhere; 2: has data, and this is where; 3: has none.
        guard (1...3).contains(collected[0]), entry.hasData == (collected[0] != 3) else {
            throw damaged("an entry neither has data nor has none")
        }
        guard contents.add(entry) else { throw damaged("two entries have the id \(entry.dumpID)") }
        guard contents.size <= limits.kept else {
            throw DumpError.tooLarge("more names than memory is given to", at: position)
        }
        entriesLeft -= 1
        beginEntry()
    }
}
