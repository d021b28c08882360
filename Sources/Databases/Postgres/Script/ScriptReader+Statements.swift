/// What is known of the statement that passes: its first tokens, and how deep in it we are.
struct ScriptStatement {
    enum Kind { case word, name, string, mark }

    /// So many tokens are kept, of each so many bytes.
    static let keptTokens = 12
    static let keptLength = 256

    /// How many tokens there were.
    private(set) var count = 0
    /// Within so many parentheses.
    private(set) var depth = 0
    /// Within so many BEGIN … END of a function's body, as psql counts them.
    private(set) var bodyDepth = 0
    /// Whether `FROM stdin` stood in it, outside of parentheses.
    private(set) var isFromInput = false

    private var kinds: [Kind] = []
    private var ends: [Int] = []
    private var text: [UInt8] = []
    private var isKeeping = false
    /// First letters of its first words, if they are those that psql looks for.
    private var letters: (UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0)
    private var words = 0
    private var lastIsFrom = false
    /// Whether the last token was a semicolon that did not end it.
    private var lastIsSemicolon = false

    /// Whether nothing of it has come yet.
    var isEmpty: Bool { count == 0 }

    // MARK: Building

    /// A token begins, whose bytes are added next.
    mutating func begin(_ kind: Kind) {
        count += 1
        lastIsFrom = false
        lastIsSemicolon = false
        isKeeping = count <= Self.keptTokens
        guard isKeeping else { return }
        kinds.append(kind)
        ends.append(text.count)
    }

    /// Bytes of the token.
    mutating func add(_ bytes: some Collection<UInt8>) {
        guard isKeeping, let end = ends.last else { return }
        let start = ends.count > 1 ? ends[ends.count - 2] : 0
        text.append(contentsOf: bytes.prefix(max(0, Self.keptLength - (end - start))))
        ends[ends.count - 1] = text.count
    }

    /// A mark: an operator's character, a parenthesis, a comma.
    mutating func add(mark byte: UInt8) {
        begin(.mark)
        add(CollectionOfOne(byte))
        if byte == 0x28 { depth += 1 }
        if byte == 0x29, depth > 0 { depth -= 1 }
    }

    /// A keyword, an unquoted name or a number.
    ///
    /// - Returns: false for a COPY that stands where some psql would run it, and others would not.
    mutating func add(word: [UInt8]) -> Bool {
        let follows = (isFrom: lastIsFrom, isSemicolon: lastIsSemicolon)
        begin(.word)
        add(word)
        if follows.isSemicolon, word.isWord("COPY") { return false }
        if follows.isFrom, word.isWord("STDIN") { isFromInput = true }
        lastIsFrom = depth == 0 && word.isWord("FROM")
        track(word)
        return true
    }

    /// A semicolon.
    ///
    /// - Returns: whether it ends the statement.
    mutating func addSemicolon() -> Bool {
        if depth == 0, bodyDepth == 0 { return true }
        add(mark: 0x3b)
        lastIsSemicolon = true
        return false
    }

    mutating func removeAll() {
        count = 0
        depth = 0
        bodyDepth = 0
        isFromInput = false
        kinds.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        text.removeAll(keepingCapacity: true)
        isKeeping = false
        letters = (0, 0, 0, 0)
        words = 0
        lastIsFrom = false
        lastIsSemicolon = false
    }

    /// psql's own guess at whether semicolons belong to a function's body (`{identifier}` in psqlscan.l), and a little
    /// more: within CREATE SCHEMA a function may stand as well.
    private mutating func track(_ word: [UInt8]) {
        guard let first = word.first, !first.isDigit else { return }
        if words < 4 {
            let letter = Self.isTracked(word) ? first | 0x20 : 0
            switch words {
            case 0: letters.0 = letter
            case 1: letters.1 = letter
            case 2: letters.2 = letter
            default: letters.3 = letter
            }
        }
        words += 1
        guard letters.0 == 0x63, depth == 0, isFunction else { return }
        if word.isWord("BEGIN") || bodyDepth > 0 && word.isWord("CASE") { bodyDepth += 1 }
        if bodyDepth > 0, word.isWord("END") { bodyDepth -= 1 }
    }

    private static func isTracked(_ word: [UInt8]) -> Bool {
        word.isWord("CREATE") || word.isWord("OR") || word.isWord("REPLACE") || word.isWord("FUNCTION")
            || word.isWord("PROCEDURE") || word.isWord("SCHEMA")
    }

    /// CREATE [OR REPLACE] FUNCTION or PROCEDURE, or CREATE SCHEMA, by their first letters.
    private var isFunction: Bool {
        switch letters.1 {
        case 0x66, 0x70, 0x73: true
        case 0x6f: letters.2 == 0x72 && (letters.3 == 0x66 || letters.3 == 0x70)
        default: false
        }
    }

    // MARK: Reading

    private func bytes(_ index: Int) -> ArraySlice<UInt8>? {
        guard ends.indices.contains(index) else { return nil }
        return text[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }

    /// The keyword, in capitals, that this token may be; empty for what is none.
    func keyword(_ index: Int) -> String {
        guard kinds.indices.contains(index), kinds[index] == .word, let bytes = bytes(index), bytes.count <= 15 else {
            return ""
        }
        return String(decoding: bytes.lazy.map { (0x61...0x7a).contains($0) ? $0 & 0xdf : $0 }, as: UTF8.self)
    }

    /// The token's text, with a name's letters as the server takes them; nil for a mark.
    func value(_ index: Int) -> String? {
        guard kinds.indices.contains(index), kinds[index] != .mark, let bytes = bytes(index) else { return nil }
        guard kinds[index] == .word else { return String(decoding: bytes, as: UTF8.self) }
        return String(decoding: bytes.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// The name that begins with this token, and how many tokens it has.
    func tableName(_ index: Int, schema: String) -> TableName {
        guard let first = value(index) else { return TableName(schema: "", name: "") }
        if bytes(index + 1).map(Array.init) == [0x2e], let second = value(index + 2) {
            return TableName(schema: first, name: second)
        }
        return TableName(schema: schema, name: first)
    }

    /// Whether it can run within a transaction, and leaves it open.
    var fitsInTransaction: Bool {
        let second = keyword(1)
        switch keyword(0) {
        case "VACUUM", "BEGIN", "START", "COMMIT", "ROLLBACK", "END", "ABORT": return false
        case "ALTER": return second != "SYSTEM"
        case "CREATE", "DROP":
            return !["DATABASE", "TABLESPACE"].contains(second) && !(2...3).contains { keyword($0) == "CONCURRENTLY" }
        case "REINDEX":
            return !["DATABASE", "SYSTEM"].contains(second) && !(1...6).contains { keyword($0) == "CONCURRENTLY" }
        default: return true
        }
    }

    /// Whether it may stand before the first `\connect` of a whole dump.
    var isPreamble: Bool {
        let globals = ["DATABASE", "ROLE", "USER", "GROUP", "TABLESPACE", "SYSTEM"]
        switch keyword(0) {
        case "SET", "RESET", "SELECT", "GRANT", "REVOKE": return true
        case "CREATE", "ALTER", "DROP": return globals.contains(keyword(1))
        case "COMMENT": return globals.contains(keyword(2))
        default: return false
        }
    }
}

extension ScriptReader {
    /// The statement has come to its end.
    func endStatement() throws {
        defer { statement.removeAll() }
        mode = .sql
        guard !statement.isEmpty else { return }
        if route == .undecided, !statement.isPreamble { try pass() }
        switch statement.keyword(0) {
        case "SET": try checkSet()
        case "SELECT": try checkSelect()
        case "COPY" where statement.isFromInput:
            copy = CopySection(table: statement.tableName(1, schema: schema))
            mode = .copyRest
        default: break
        }
        guard route != .skipping else { return }
        summary.statements += 1
        summary.endsWell = false
        if !statement.fitsInTransaction { summary.canBeOneTransaction = false }
    }

    /// Encodings in which a character's later byte may be a backslash, so that psql and we would divide differently.
    private static let unsafeEncodings: Set<String> = [
        "sjis", "shiftjis", "mskanji", "win932", "windows932", "shiftjis2004", "big5", "win950", "windows950", "gbk",
        "win936", "windows936", "uhc", "win949", "windows949", "gb18030", "johab",
    ]

    /// Watches the settings that change what quotes and backslashes mean:
    /// SET [SESSION | LOCAL] name { = | TO } value
    private func checkSet() throws {
        let at = ["SESSION", "LOCAL"].contains(statement.keyword(1)) ? 2 : 1
        let value = statement.value(at + 2) ?? ""
        switch statement.value(at)?.lowercased() {
        case "standard_conforming_strings":
            guard ["on", "true", "1", "yes"].contains(value.lowercased()) else {
                throw DumpError.setting("standard_conforming_strings", line: line)
            }
        case "client_encoding": try checkEncoding(value)
        case "names": try checkEncoding(statement.value(at + 1) ?? "")
        case "search_path": schema = value
        default: break
        }
    }

    private func checkSelect() throws {
        for index in 1..<ScriptStatement.keptTokens {
            switch statement.value(index)?.lowercased() {
            case "standard_conforming_strings"?: throw DumpError.setting("standard_conforming_strings", line: line)
            case "client_encoding"?: throw DumpError.setting("client_encoding", line: line)
            case "search_path"?: schema = ""
            default: break
            }
        }
    }

    private func checkEncoding(_ name: String) throws {
        let letters = name.lowercased().filter { $0.isLetter || $0.isNumber }
        guard Self.unsafeEncodings.contains(letters) else { return }
        throw DumpError.setting("client_encoding", line: line)
    }
}

extension [UInt8] {
    /// Whether this is the keyword, which has capital letters only.
    func isWord(_ keyword: StaticString) -> Bool {
        guard count == keyword.utf8CodeUnitCount else { return false }
        for index in indices where self[index] & 0xdf != keyword.utf8Start[index] { return false }
        return true
    }
}
