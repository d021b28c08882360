package import Machine

/// What an SQL script holds, found out while it passed.
package struct ScriptSummary: Codable, Sendable, Equatable {
    /// Rows per table of the COPY sections that were passed on, in their order; a table's sections are added up.
    package var tables: [DumpSummary.Table] = []
    /// The databases that the script connects to, in its order; none for a dump of one database.
    package var databases: [String] = []
    /// Whether it connects to databases itself, as what `pg_dumpall` and `pg_dump -C` write does.
    package var isWholeDump = false
    /// Whether pg_dump's closing words came behind the last statement that was passed on.
    package var endsWell = false
    /// Whether nothing was passed on that fails within a transaction, or ends it. A dump with large objects has
    /// transactions of its own.
    package var canBeOneTransaction = true
    /// Statements that were passed on.
    package var statements = 0
    /// Bytes that were passed on.
    package var passedBytes: Int64 = 0
    /// Bytes that were not: other databases' sections, what is not of any database, psql's own commands.
    package var skippedBytes: Int64 = 0
}

/// Reads a plain SQL dump, as `pg_dump` and `pg_dumpall` write it, and passes on what may go to `psql` of one database.
///
/// psql has commands of its own, `\!` among them, which runs a program; so whoever can write into a dump could run
/// programs where it is restored. Hence this reader divides the script as psql's own lexer does (PostgreSQL's
/// `src/fe_utils/psqlscan.l`, and `handleCopyIn` in `src/bin/psql/copy.c`): into statements, quotes, comments and the
/// data behind COPY. A backslash outside of those is a command. pg_dump's own (`\restrict`, `\unrestrict`, `\connect`,
/// `\encoding SQL_ASCII`) are understood and dropped, every other one is refused; so is what one psql would divide in
/// another way than the next.
///
/// It holds only as long as psql stops at the first error (`ON_ERROR_STOP=1`), because behind a COPY that failed it
/// would take data for commands, and reads no `psqlrc` (`-X`). A script that does not name the setting, but changes
/// `standard_conforming_strings` by code that it has the server run, could still deceive it; against that, psql's own
/// `\restrict` helps.
///
/// Whether a script is of one database or of many shows only at its first `\connect`. Until a statement comes that only
/// stands within a database, up to 1 MiB is held back.
package final class ScriptReader {
    /// What becomes of the text that passes.
    enum Route {
        /// Held back.
        case undecided
        case passing
        case skipping
    }

    enum Mode {
        /// Outside of everything.
        case sql
        /// Within a keyword, a name, a number; behind the `E` of `E'…'`.
        case word, escapeQuote
        /// Behind `-`, `/`, `:`, `$` and perhaps a tag, `$` and digits.
        case dash, slash, colon, dollar, parameter
        /// Within `'…'`; behind a backslash of `E'…'`; behind what ends it, unless another quote follows.
        case quote, quoteBackslash, quoteEnd
        /// Within `"…"`, and behind what ends it, unless another follows.
        case name, nameEnd
        case lineComment
        /// Within `/* … */`, and behind its `*` and `/`.
        case comment, commentStar, commentSlash
        /// Within `$tag$ … $tag$`.
        case dollarQuote
        /// Within a command of psql's.
        case command
        /// Behind `COPY … FROM stdin;`, on the same line.
        case copyRest
        case copyData
    }

    /// How much is held back at most, in bytes.
    static let heldLimit = 1 << 20
    /// The longest line with a command of psql's, and the longest tag of a dollar quote, in bytes.
    static let commandLimit = 4096
    static let tagLimit = 256

    let database: String?
    let sink: any ByteSink
    var summary = ScriptSummary()

    // Where it goes.
    var route = Route.undecided
    private var held: [UInt8] = []
    /// What `take` was given, as long as it runs.
    var buffer = UnsafeRawBufferPointer(start: nil, count: 0)
    /// So much of it has gone its way.
    private var gone = 0
    /// Bytes before it.
    var taken: Int64 = 0
    /// The first eight.
    var start: [UInt8] = []
    var line = 1
    /// Where the line begins, among all bytes, if anything but quotes and data stands there.
    var lineStart: Int64 = 0

    // What it is in.
    var mode = Mode.sql
    /// The word, the command's line, or the beginning of the line comment, as far as it came.
    var word: [UInt8] = []
    /// Where it began, among all bytes.
    var wordStart: Int64 = 0
    var wordIsAfterColon = false
    var tag: [UInt8] = []
    /// How much of the tag that ends a dollar quote has come.
    var tagMatch = 0
    var commentDepth = 0
    /// Whether the quote is `E'…'`.
    var isEscaping = false
    /// Which token the last `E'…'` was, and the line of its end.
    var escapeString = (token: 0, line: 0)
    /// Whether the line comment, or the command, is all that stands on its line, between statements.
    var isAlone = false
    /// Where what cannot end by itself began.
    var openedLine = 1

    var statement = ScriptStatement()
    var tokens = 0
    /// The first schema of the search path, which old dumps set.
    var schema = ""
    var copy = CopySection()
    private var tableIndex: [TableName: Int] = [:]

    /// - Parameter database: whose section of a whole dump is passed on; a dump of one database has no sections, and
    ///   passes whatever its name was.
    package init(database: String?, to sink: any ByteSink) {
        self.database = database
        self.sink = sink
        word.reserveCapacity(128)
    }

    /// Takes the next bytes, however they are cut, and passes on what may be.
    ///
    /// - Throws: ``DumpError``, or what the sink throws. The reader is of no use then, and what was passed on until then
    ///   has to be undone.
    package func take(_ bytes: UnsafeRawBufferPointer) throws {
        guard bytes.count > 0 else { return }
        try checkText(bytes)
        buffer = bytes
        gone = 0
        defer {
            buffer = UnsafeRawBufferPointer(start: nil, count: 0)
            taken += Int64(bytes.count)
        }
        try lex()
        try send(upTo: bytes.count)
    }

    /// Takes an array's bytes.
    package func take(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try take($0) } }

    /// To be called at the end of the bytes. The sink is not closed.
    ///
    /// - Throws: `script.cut` within a statement, a quote, a comment, data; `script.no-such-database` and
    ///   `script.many-databases` for a whole dump from which nothing was passed on.
    package func finish() throws -> ScriptSummary {
        try endLexing()
        if route == .undecided { try pass() }
        if summary.isWholeDump {
            guard let database else { throw DumpError.manyDatabases(summary.databases) }
            guard summary.databases.contains(database) else {
                throw DumpError.noSuchDatabase(database, summary.databases)
            }
        }
        return summary
    }

    // MARK: Where it goes

    /// Lets what stands before this place of the buffer go where the route leads.
    func send(upTo end: Int) throws {
        guard end > gone else { return }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[gone..<end])
        gone = end
        switch route {
        case .undecided:
            held.append(contentsOf: bytes)
            if held.count > Self.heldLimit { try pass() }
        case .passing:
            summary.passedBytes += Int64(bytes.count)
            try sink.write(bytes)
        case .skipping: summary.skippedBytes += Int64(bytes.count)
        }
    }

    /// Drops what stands before this place of the buffer and has not gone yet.
    func drop(upTo end: Int) {
        summary.skippedBytes += Int64(max(0, end - gone))
        gone = max(gone, end)
    }

    /// It is a dump of one database: lets go of what was held back.
    func pass() throws {
        route = .passing
        summary.passedBytes += Int64(held.count)
        if !held.isEmpty { try sink.write(held) }
        held = []
    }

    /// What comes, up to a `\connect`, is of no database.
    func skip() {
        if route == .undecided {
            // What was held back is not passed on after all, and counts for nothing.
            summary.skippedBytes += Int64(held.count)
            summary.statements = 0
            summary.canBeOneTransaction = true
            summary.endsWell = false
        }
        held = []
        route = .skipping
    }

    /// A database's section begins.
    func connect(_ name: String) throws {
        guard summary.isWholeDump || route != .passing else {
            throw DumpError.connectsLate(name, line: line)
        }
        skip()
        summary.isWholeDump = true
        if !summary.databases.contains(name) { summary.databases.append(name) }
        if name == database { route = .passing }
        schema = ""
    }

    /// Counts a COPY section that has come to its end.
    func add(_ section: CopySection) {
        guard route == .passing else { return }
        if let index = tableIndex[section.table] {
            summary.tables[index].rows += section.rows
            summary.tables[index].bytes += section.bytes
        } else {
            tableIndex[section.table] = summary.tables.count
            summary.tables.append(.init(name: section.table, rows: section.rows, bytes: section.bytes))
        }
    }
}
