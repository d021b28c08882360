import Machine

extension DatabaseError {
    /// What `psql` ended with. Exit status 2 is a connection that did not come about or was lost, 3 an SQL error, which
    /// `VERBOSITY=verbose` gives its code (psql(1), "Exit Status"; the server's language does not matter).
    init(psql end: RunningCommand.End, _ database: String, _ place: PostgresPlace) {
        let server = "\(place.description), database \(RawPath(database))"
        if let (state, message) = Self.sqlError(end.errors) {
            self.init(sqlState: state, message, place: server)
        } else if end.status == .exited(2) {
            self.init(
                .unreachable, "No connection to the database: \(Self.words(end.errors))", place: server,
                remedy:
                    "See whether the server runs, and container, url, user, database and password_file in holdfast.yml."
            )
        } else if [.exited(126), .exited(127)].contains(end.status) {
            // What the engine says when a container has no such program.
            self.init(
                .noTools, "There is no psql to speak to the server with.", place: place.description,
                remedy: "Name the container that the server itself runs in.")
        } else {
            self.init(.statementFailed, "psql ended with \(end.status): \(Self.words(end.errors))", place: server)
        }
    }

    /// An error of the server's, by its SQLSTATE (PostgreSQL, Appendix A).
    init(sqlState: String, _ message: String, place: String) {
        switch sqlState {
        case "55P03":
            self.init(
                .lockTimeout, "Somebody else holds a lock: \(message).", place: place,
                remedy: "See pg_stat_activity for who; backup.databases[].lock_timeout says how long we wait.")
        case "42501":
            self.init(
                .permission, "The server does not permit it: \(message).", place: place,
                remedy: "Use a user that owns all of it or is a superuser, or grant it pg_read_all_data.")
        case "53100":
            self.init(
                .diskFull, "The server’s disk is full: \(message).", place: place,
                remedy: "Free some space where the server keeps its data, then try again.")
        case "57P01", "57P02", "57P03", "08006", "08003", "08000":
            self.init(
                .connectionLost, "The server ended the connection: \(message).", place: place,
                remedy: "See the server’s log for why, then try again.")
        case "3D000":
            self.init(
                .noSuchDatabase, "\(message.prefix(1).uppercased())\(message.dropFirst()).", place: place,
                remedy: "See backup.databases in holdfast.yml, and \\l in psql.")
        default: self.init(.statementFailed, "The server says: \(message) (SQLSTATE \(sqlState)).", place: place)
        }
    }

    /// What `pg_dump`, `pg_dumpall` or `pg_restore` ended with.
    init(_ program: String, _ end: RunningCommand.End, _ kind: Kind, _ database: String, _ place: PostgresPlace) {
        self.init(
            kind, "\(program) ended with \(end.status): \(Self.words(end.errors))",
            place: "\(place.description), database \(RawPath(database))")
    }

    /// Finds `SEVERITY:  12345: message` in what psql prints.
    private static func sqlError(_ text: String) -> (state: String, message: String)? {
        for line in text.split(separator: "\n") {
            guard let start = line.firstRange(of: ":  ") else { continue }
            let rest = line[start.upperBound...]
            let state = rest.prefix(5)
            guard state.utf8.count == 5, rest.dropFirst(5).hasPrefix(": "),
                state.first?.isNumber == true || state.first?.isUppercase == true,
                state.allSatisfy({ $0.isASCII && ($0.isNumber || $0.isUppercase) }),
                // Warnings and notices (classes 00 to 02) stop nothing.
                !["00", "01", "02"].contains(state.prefix(2))
            else { continue }
            return (String(state), RawPath(String(rest.dropFirst(7))).description)
        }
        return nil
    }

    private static func words(_ errors: String) -> String {
        let text = errors.lastLines(4)
        return text.isEmpty ? "it did not say why." : RawPath(text).description
    }
}
