import Glibc

extension ScriptReader {
    /// Binary files have zeros; psql would stop reading a line at one.
    func checkText(_ bytes: UnsafeRawBufferPointer) throws {
        if taken < 8 { try checkStart(bytes) }
        guard let base = bytes.baseAddress, let zero = memchr(base, 0, bytes.count) else { return }
        let before = bytes[..<(UnsafeRawPointer(zero) - base)]
        throw DumpError.notSQL("it has a zero byte", line: line + before.count { $0 == 0x0a })
    }

    private func checkStart(_ bytes: UnsafeRawBufferPointer) throws {
        start += bytes.prefix(8 - start.count)
        if start.starts(with: Array("PGDMP".utf8)) {
            throw DumpError.notSQL(
                "it is a dump in pg_dump's custom format", remedy: "Such a dump is restored with pg_restore.")
        }
        if start.starts(with: [0x1f, 0x8b]) || start.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) {
            throw DumpError.notSQL("it is compressed", remedy: "Decompress it first.")
        }
        if start.starts(with: [0xff, 0xfe]) || start.starts(with: [0xfe, 0xff]) {
            throw DumpError.notSQL(
                "it is UTF-16, as a shell of Windows redirects it", remedy: "Convert it: iconv -f UTF-16 -t UTF-8")
        }
    }

    func lex() throws {
        var at = 0
        while at < buffer.count {
            switch mode {
            case .copyData: at = takeData(from: at)
            case .quote, .name, .dollarQuote, .comment: at = takeLong(from: at)
            case .word: at = try takeWord(from: at)
            case .lineComment: at = try takeLineComment(from: at)
            case .command: at = try takeCommand(from: at)
            default: if try step(buffer[at], at: at) { at += 1 }
            }
        }
    }

    /// At the end of all bytes.
    func endLexing() throws {
        switch mode {
        case .word: try endWord(before: nil)
        case .dollar: endTag()
        case .command: try runCommand()
        case .quote, .quoteBackslash: throw DumpError.cutScript("a quote", line: openedLine)
        case .name: throw DumpError.cutScript("a quoted name", line: openedLine)
        case .comment, .commentStar, .commentSlash: throw DumpError.cutScript("a comment", line: openedLine)
        case .dollarQuote: throw DumpError.cutScript("a function's body, or another $quote$", line: openedLine)
        case .copyRest, .copyData: throw DumpError.cutScript("the data of \(copy.table)", line: line)
        case .lineComment: try endLineComment(at: 0)
        case .sql, .dash, .slash, .colon, .parameter, .quoteEnd, .nameEnd, .escapeQuote: break
        }
        // psql would send what it has, and half of a DELETE deletes more than a whole one.
        if mode == .dash || mode == .slash || mode == .colon || !statement.isEmpty {
            throw DumpError.cutScript("a statement that has no semicolon", line: line)
        }
    }

    // MARK: One byte at a time

    /// - Returns: false if the byte is to be looked at again, in another mode.
    private func step(_ byte: UInt8, at: Int) throws -> Bool {
        switch mode {
        case .sql: try takePlain(byte, at: at)
        case .dash:
            mode = .sql
            guard byte == 0x2d else { return mark(0x2d) }
            beginLineComment(at: at - 1)
        case .slash:
            mode = .sql
            guard byte == 0x2a else { return mark(0x2f) }
            commentDepth += 1
            openedLine = line
            mode = .comment
        case .colon: return try takeColon(byte)
        case .dollar: return try takeDollar(byte)
        case .parameter: return try takeParameter(byte)
        case .quoteBackslash:
            if byte == 0x0a { line += 1 }
            mode = .quote
        case .quoteEnd:
            if byte == 0x27 {
                statement.add(CollectionOfOne(byte))
                mode = .quote
            } else {
                if isEscaping { escapeString = (tokens, line) }
                mode = .sql
                return false
            }
        case .nameEnd:
            guard byte == 0x22 else {
                mode = .sql
                return false
            }
            statement.add(CollectionOfOne(byte))
            mode = .name
        case .commentStar:
            if byte == 0x2f {
                commentDepth -= 1
                mode = commentDepth == 0 ? .sql : .comment
            } else {
                mode = .comment
                return false
            }
        case .commentSlash:
            mode = .comment
            guard byte == 0x2a else { return false }
            commentDepth += 1
        case .escapeQuote: try beginQuote(isEscaping: true)
        case .copyRest: try takeCopyRest(byte)
        case .word, .quote, .name, .dollarQuote, .comment, .lineComment, .command, .copyData: return false
        }
        return true
    }

    private func takePlain(_ byte: UInt8, at: Int) throws {
        switch byte {
        case 0x0a:
            line += 1
            lineStart = taken + Int64(at) + 1
        case 0x20, 0x09, 0x0b, 0x0c, 0x0d: break
        case 0x27: try beginQuote(isEscaping: false)
        case 0x22:
            begin(.name)
            openedLine = line
            mode = .name
        case 0x24:
            word.removeAll(keepingCapacity: true)
            mode = .dollar
        case 0x2d: mode = .dash
        case 0x2f: mode = .slash
        case 0x3a: mode = .colon
        case 0x3b:
            tokens += 1
            if statement.addSemicolon() { try endStatement() }
        case 0x5c:
            // What stands before it goes; the command itself never does.
            try send(upTo: at)
            isAlone = lineStart == taken + Int64(at) && statement.isEmpty
            drop(upTo: at + 1)
            word = [byte]
            mode = .command
        case _ where byte.startsWord || byte.isDigit:
            word.removeAll(keepingCapacity: true)
            word.append(byte)
            wordStart = taken + Int64(at)
            wordIsAfterColon = false
            mode = .word
        default: _ = mark(byte)
        }
    }

    /// - Returns: false, for the byte behind it.
    private func mark(_ byte: UInt8) -> Bool {
        tokens += 1
        statement.add(mark: byte)
        return false
    }

    private func begin(_ kind: ScriptStatement.Kind) {
        tokens += 1
        statement.begin(kind)
    }

    private func beginQuote(isEscaping: Bool) throws {
        // `E'…'` on one line and `'…'` on the next are one string to the server, and two to psql.
        if escapeString.token == tokens, escapeString.line != line, tokens > 0 {
            throw DumpError.ambiguous("a string that goes on behind E'…' on another line", line: line)
        }
        begin(.string)
        self.isEscaping = isEscaping
        openedLine = line
        mode = .quote
    }

    // MARK: Words

    private func takeWord(from start: Int) throws -> Int {
        var at = start
        while at < buffer.count, buffer[at].continuesWord { at += 1 }
        // Longer ones are no keywords, and no names.
        word.append(contentsOf: buffer[start..<at].prefix(max(0, ScriptStatement.keptLength - word.count)))
        if at < buffer.count { try endWord(before: buffer[at]) }
        return at
    }

    /// The word has come to its end, and in front of this byte.
    private func endWord(before next: UInt8?) throws {
        mode = .sql
        if word.starts(with: [0xef, 0xbb, 0xbf]) { try takeByteOrderMark() }
        guard let first = word.first else { return }
        if wordIsAfterColon { return try endVariable() }
        if first.isDigit {
            // Before PostgreSQL 15 a number ended where letters began: `1e'` was `1` and `e'`.
            guard Self.isNumber(word), next != 0x27 || word.allSatisfy(\.isDigit) else {
                throw DumpError.ambiguous("a number that runs into letters", line: line)
            }
        } else if next == 0x27, word.isWord("E") {
            mode = .escapeQuote
            return
        }
        tokens += 1
        guard statement.add(word: word) else {
            throw DumpError.ambiguous("a COPY within another statement", line: line)
        }
    }

    /// psql skips it at the very beginning, and nowhere else.
    private func takeByteOrderMark() throws {
        word.removeFirst(3)
        guard wordStart == 0, word.first.map({ $0.startsWord }) != false else {
            throw DumpError.ambiguous("a byte order mark", line: line)
        }
    }

    /// `42`, `1e10`, the front of `1e-10`, `0xff`.
    private static func isNumber(_ word: [UInt8]) -> Bool {
        guard let letter = word.firstIndex(where: { !$0.isDigit && $0 != 0x5f }) else { return true }
        let rest = word[(letter + 1)...]
        switch word[letter] | 0x20 {
        case 0x65: return rest.allSatisfy { $0.isDigit || $0 == 0x5f }
        case 0x78 where letter == 1:
            return rest.allSatisfy { $0.isDigit || $0 == 0x5f || ($0 | 0x20) &- 0x61 < 6 }
        case 0x6f where letter == 1, 0x62 where letter == 1: return rest.allSatisfy { $0.isDigit || $0 == 0x5f }
        default: return false
        }
    }

    /// psql puts its variables' values in place of `:NAME`; the last error's message may be anything. It leaves alone
    /// what is none of them, as in `array[1:n]`.
    private func endVariable() throws {
        wordIsAfterColon = false
        guard !word.contains(0x24) else { throw DumpError.ambiguous("a colon in front of a dollar", line: line) }
        let name = String(decoding: word, as: UTF8.self)
        if Self.variables.contains(name) { throw DumpError.command(":" + name, line: line) }
        _ = mark(0x3a)
    }

    /// The variables that psql itself sets to something that is not a number, on or off.
    private static let variables: Set<String> = [
        "COMP_KEYWORD_CASE", "DBNAME", "ENCODING", "HISTFILE", "HOST", "LAST_ERROR_MESSAGE", "PORT", "PROMPT1",
        "PROMPT2", "PROMPT3", "SERVER_VERSION_NAME", "SERVICE", "SERVICEFILE", "SHELL_EXIT_CODE", "USER", "VERSION",
        "VERSION_NAME",
    ]

    private func takeColon(_ byte: UInt8) throws -> Bool {
        mode = .sql
        _ = mark(0x3a)
        if byte == 0x3a || byte == 0x3d {
            _ = mark(byte)
            return true
        }
        if byte == 0x7b { throw DumpError.command(":{", line: line) }
        guard byte.startsWord || byte.isDigit else { return false }
        word.removeAll(keepingCapacity: true)
        wordStart = -1
        wordIsAfterColon = true
        mode = .word
        return false
    }

    // MARK: Dollars

    private func takeDollar(_ byte: UInt8) throws -> Bool {
        if byte == 0x24 {
            begin(.string)
            tag = [byte] + word + [byte]
            tagMatch = 0
            openedLine = line
            mode = .dollarQuote
            return true
        }
        if word.isEmpty, byte.isDigit {
            mode = .parameter
            return mark(0x24)
        }
        guard byte.startsWord || byte.isDigit && !word.isEmpty else {
            endTag()
            return false
        }
        guard word.count < Self.tagLimit else { throw DumpError.ambiguous("a very long $tag", line: line) }
        word.append(byte)
        return true
    }

    /// It was none: a dollar, and a word that may go on.
    private func endTag() {
        _ = mark(0x24)
        mode = word.isEmpty ? .sql : .word
        wordStart = -1
        wordIsAfterColon = false
    }

    /// Behind `$1`.
    private func takeParameter(_ byte: UInt8) throws -> Bool {
        if byte.isDigit { return true }
        if byte.continuesWord { throw DumpError.ambiguous("a parameter that runs into letters", line: line) }
        mode = .sql
        return false
    }

    // MARK: Commands

    private func takeCommand(from start: Int) throws -> Int {
        var end = start
        while end < buffer.count, buffer[end] != 0x0a { end += 1 }
        word += buffer[start..<end]
        guard word.count <= Self.commandLimit else {
            throw DumpError.command(ScriptCommand.name(of: word), line: line)
        }
        guard end < buffer.count else {
            drop(upTo: end)
            return end
        }
        try runCommand()
        line += 1
        lineStart = taken + Int64(end) + 1
        drop(upTo: end + 1)
        return end + 1
    }

    private func runCommand() throws {
        guard isAlone, let command = ScriptCommand(line: word) else {
            throw DumpError.command(ScriptCommand.name(of: word), line: line)
        }
        if case .connect(let name) = command { try connect(name) }
        word.removeAll(keepingCapacity: true)
        mode = .sql
    }
}

extension UInt8 {
    var isDigit: Bool { self &- 0x30 < 10 }
    /// A letter, an underscore, or a byte of any other character.
    var startsWord: Bool { (self | 0x20) &- 0x61 < 26 || self == 0x5f || self >= 0x80 }
    var continuesWord: Bool { startsWord || isDigit || self == 0x24 }
}
