/// What an SQLite database holds.
package struct SQLiteFacts: Codable, Sendable, Equatable {
    /// Every table in it with its rows, those of SQLite itself and of its indexes included; sorted by name.
    package var tables: [Table]
    /// Bytes of a page.
    package var pageSize: Int64
    /// How many pages there are.
    package var pages: Int64
    /// Of its texts: `UTF-8`, `UTF-16le`, `UTF-16be`.
    package var encoding: String
    /// The number that the program using it keeps there (`PRAGMA user_version`).
    package var userVersion: Int64
    /// What kind of file the program using it says that it is (`PRAGMA application_id`).
    package var applicationID: Int64
    /// `wal`, or `delete` for all the modes with a rollback journal, of which the file knows nothing.
    package var journalMode: String
    /// The version of the library that counted.
    package var library: String

    /// A table and how many rows it has.
    package struct Table: Codable, Sendable, Equatable {
        package var name: String
        /// Nil if they could not be counted: what the table needs is not in our library.
        package var rows: Int64?

        package init(name: String, rows: Int64?) {
            self.name = name
            self.rows = rows
        }
    }

    package init(
        tables: [Table], pageSize: Int64, pages: Int64, encoding: String, userVersion: Int64, applicationID: Int64,
        journalMode: String, library: String
    ) {
        self.tables = tables.sorted { $0.name < $1.name }
        self.pageSize = pageSize
        self.pages = pages
        self.encoding = encoding
        self.userVersion = userVersion
        self.applicationID = applicationID
        self.journalMode = journalMode
        self.library = library
    }

    /// Bytes of the file.
    package var size: Int64 { pageSize * pages }
}
