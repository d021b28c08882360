extension DumpError {
    /// A command of psql's that no dump needs.
    static func command(_ word: String, line: Int) -> DumpError {
        DumpError(
            code: "script.meta-command",
            what: "The script has the psql command \(word), which may do anything on this machine; it is refused.",
            place: "line \(line)",
            remedy: "pg_dump writes no such command: find out who put it there. If you wrote it yourself, restore the "
                + "script by hand.")
    }

    /// It stops before its end.
    static func cutScript(_ what: String, line: Int) -> DumpError {
        DumpError(
            code: "script.cut", what: "The script was cut: it ends within \(what).", place: "line \(line)",
            remedy: "Take another copy of it, or another restore point.")
    }

    /// It is something else.
    static func notSQL(_ what: String, line: Int? = nil, remedy: String? = nil) -> DumpError {
        DumpError(
            code: "script.not-sql", what: "This is not an SQL script as pg_dump writes it: \(what).",
            place: line.map { "line \($0)" },
            remedy: remedy ?? "If the script is good nevertheless, restore it by hand with psql.")
    }

    /// Two versions of psql, or psql and the server, would divide it differently.
    static func ambiguous(_ what: String, line: Int) -> DumpError {
        DumpError(
            code: "script.ambiguous",
            what: "The script has \(what), which may mean one thing or another; it is refused.", place: "line \(line)",
            remedy:
                "pg_dump does not write this: find out who did. If you wrote it yourself, restore the script by hand.")
    }

    /// A setting that changes what quotes and backslashes mean.
    static func setting(_ name: String, line: Int) -> DumpError {
        DumpError(
            code: "script.setting",
            what: "The script sets \(name) so that quotes or backslashes would mean something else.",
            place: "line \(line)",
            remedy: "Restore the script by hand, or dump again from a server with usual settings.")
    }

    /// It has no section of that name.
    static func noSuchDatabase(_ name: String, _ found: [String]) -> DumpError {
        DumpError(
            code: "script.no-such-database", what: "The script has no database \"\(name)\"; it has \(list(found)).",
            remedy: "Name one of those.")
    }

    /// Nobody said which of its databases is meant.
    static func manyDatabases(_ found: [String]) -> DumpError {
        DumpError(
            code: "script.many-databases", what: "The script is a dump of whole databases: \(list(found)).",
            remedy: "Say which one is to be restored.")
    }

    /// It connects elsewhere after its first half was meant for where it was.
    static func connectsLate(_ name: String, line: Int) -> DumpError {
        DumpError(
            code: "script.many-databases",
            what: "The script goes on in the database \"\(name)\" in the middle, as no dump does.",
            place: "line \(line)", remedy: "Divide it, and restore its parts one by one.")
    }

    private static func list(_ names: [String]) -> String { names.map { "\"\($0)\"" }.joined(separator: ", ") }
}
