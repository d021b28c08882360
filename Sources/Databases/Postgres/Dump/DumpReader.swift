/// Watches a dump in pg_dump's custom format (`pg_dump -Fc -Z0`) while its bytes pass, counts the rows of every table,
/// and finds out whether all of it came. Nothing is kept but names.
///
///     header   "PGDMP" version(3) intSize offSize format compression date(7 ints) 3 texts
///     contents int count, then entries (see ``EntryField``), one after another
///     blocks   byte type, int dump id, then
///                data:          chunks
///                large objects: (int oid, chunks) …, int 0
///     chunks   (int length, bytes) …, int 0
///     int      sign byte, 4 bytes little endian     text     int length or −1, bytes
///
/// The source for this is PostgreSQL's own: `ReadHead` and `ReadToc` in `src/bin/pg_dump/pg_backup_archiver.c`, and
/// `pg_backup_custom.c`. Format versions 1.12 (pg_dump 9.0) to 1.16 (pg_dump 17 and 18) are read.
///
/// The end of a dump is not marked: it is where the next block would begin. So a dump counts as whole when every entry
/// that was announced with data has had its block. A table's data ends with the line `\.`, and has to.
package struct DumpReader {
    /// What nobody's dump reaches.
    package struct Limits: Sendable {
        /// Entries of the table of contents.
        package var entries = 5_000_000
        /// Bytes of one text of the table of contents: a function's body, a view.
        package var text = 1 << 30
        /// Bytes of one name.
        package var name = 64 << 10
        /// Bytes of memory for all names that are kept.
        package var kept = 256 << 20

        package init() {}
    }

    static let oldestVersion = "1.12"
    static let newestVersion = "1.16"

    enum Step: Equatable {
        /// Up to and with the format.
        case start
        case compression
        /// So many of the date's numbers have come.
        case date(Int)
        /// So many of the header's texts have come.
        case headerText(Int)
        case entryCount
        case entry(EntryField)
        case blockType
        case blockID
        case chunkLength
        case chunk
        case largeObject
    }

    let limits: Limits
    var step = Step.start
    /// Of the whole dump, so far.
    var position: Int64 = 0

    /// The bytes of the number, or of the text that is kept, as far as they have come.
    var collected: [UInt8] = []
    /// How many bytes of it there are to be.
    var wanted = Self.startLength
    /// So many bytes of a text have still to come.
    var textLeft = 0
    var isInText = false

    // The header.
    var minorVersion = 0
    var offsetSize = 8
    var date: [Int] = []
    var headerTexts: [String] = []

    // The table of contents.
    var entryCount = 0
    var entriesLeft = 0
    var entry = ContentsEntry()
    var contents = DumpContents()

    // The block that is passing.
    var block = Block()
    var finished: [DumpSummary.Table] = []
    var largeObjects = 0

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Takes the next bytes, however they are cut.
    ///
    /// - Throws: ``DumpError``, as soon as it is seen; the reader is of no use then.
    package mutating func take(_ bytes: UnsafeRawBufferPointer) throws {
        var at = 0
        while at < bytes.count {
            let before = at
            if step == .chunk {
                at = try takeChunks(bytes, from: at)
            } else if isInText {
                at = try takeText(bytes, from: at)
            } else {
                let part = min(wanted - collected.count, bytes.count - at)
                collected.append(contentsOf: bytes[at..<(at + part)])
                at += part
                if collected.count == wanted { try collectedAll() }
            }
            position += Int64(at - before)
        }
    }

    /// Takes an array's bytes.
    package mutating func take(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try take($0) } }

    /// To be called at the end of the bytes.
    ///
    /// - Throws: `dump.cut` unless everything came that was announced.
    package func finish() throws -> DumpSummary {
        if step == .start {
            guard Self.magic.starts(with: collected.prefix(Self.magic.count)) else { throw Self.wrongStart }
        }
        guard step == .blockType, collected.isEmpty else {
            throw DumpError.cut(position == 0 ? "it is empty" : "it ends \(whereabouts)")
        }
        if let missing = contents.missing {
            throw DumpError.cut("the data of \(missing) was announced and never came")
        }
        return DumpSummary(
            database: headerTexts[0], made: made, serverVersion: headerTexts[1], dumpVersion: headerTexts[2],
            entries: entryCount, tables: finished, largeObjects: largeObjects, bytes: position,
            owners: contents.owners.sorted(), tablespaces: contents.tablespaces.sorted(),
            announced: contents.announced)
    }

    /// Where it stands, for people.
    private var whereabouts: String {
        switch step {
        case .start, .compression, .date, .headerText: "within its header"
        case .entryCount, .entry: "within its table of contents"
        case .blockType, .blockID: "where the next table's data would begin"
        case .chunkLength, .chunk, .largeObject: "within the data of \(block.owner.map { "\($0)" } ?? "a table")"
        }
    }

    /// Goes on to something of a fixed length.
    mutating func expect(_ next: Step, _ length: Int = Self.intLength) {
        step = next
        wanted = length
        isInText = false
        collected.removeAll(keepingCapacity: true)
    }

    func damaged(_ what: String) -> DumpError { .damaged(what, at: position) }

    static let magic = Array("PGDMP".utf8)
    /// Magic, three bytes of version, the sizes of numbers and offsets, the format.
    static let startLength = 11
    /// A sign and four bytes: PostgreSQL runs on no machine with other ints.
    static let intLength = 5
    static var wrongStart: DumpError { .notADump("it does not begin with PGDMP") }

    /// The number of five bytes.
    func number(_ bytes: [UInt8]) throws -> Int {
        guard bytes.count == Self.intLength, bytes[0] <= 1 else { throw damaged("a number has no sign") }
        let value = bytes[1...].reversed().reduce(0) { $0 << 8 | Int($1) }
        return bytes[0] == 0 ? value : -value
    }
}
