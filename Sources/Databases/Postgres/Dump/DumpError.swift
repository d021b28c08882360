import Machine

/// Why a dump or an SQL script cannot be read or believed.
package struct DumpError: Explained, Equatable {
    package let code: String
    package let what: String
    package let place: String?
    package let remedy: String?

    init(code: String, what: String, place: String? = nil, remedy: String? = nil) {
        self.code = code
        self.what = what
        self.place = place
        self.remedy = remedy
    }
}

extension DumpError {
    /// It is something else.
    static func notADump(_ what: String) -> DumpError {
        DumpError(
            code: "dump.not-a-dump", what: "This is not a dump in pg_dump's custom format: \(what).",
            remedy: "Such a dump is made with: pg_dump -Fc -Z0 DATABASE")
    }

    /// It stops before its end.
    static func cut(_ what: String) -> DumpError {
        DumpError(
            code: "dump.cut", what: "The dump was cut: \(what).",
            remedy: "Dump again, or take another copy; what is missing cannot be made up.")
    }

    /// Its bytes are not what pg_dump wrote.
    static func damaged(_ what: String, at position: Int64) -> DumpError {
        DumpError(
            code: "dump.damaged", what: "The dump is damaged: \(what).", place: "near byte \(position)",
            remedy: "Dump again, or take another copy.")
    }

    /// Its rows cannot be counted.
    static func compressed(_ how: String) -> DumpError {
        DumpError(
            code: "dump.compressed",
            what: "The dump is compressed by pg_dump itself (\(how)), so that its rows cannot be counted.",
            remedy: "Dump with -Z0; archives are compressed as a whole.")
    }

    /// A pg_dump made it that is newer than this code.
    static func tooNew(_ version: String) -> DumpError {
        DumpError(
            code: "dump.too-new",
            what: "The dump's format is version \(version); up to \(DumpReader.newestVersion) is understood.",
            remedy: "Update holdfast, or dump with an older pg_dump.")
    }

    /// A pg_dump made it that was older than PostgreSQL 9.0.
    static func tooOld(_ version: String) -> DumpError {
        DumpError(
            code: "dump.too-old",
            what: "The dump's format is version \(version); from \(DumpReader.oldestVersion) on it is understood.",
            remedy: "Dump with pg_dump 9.0 or newer.")
    }

    /// A named limit was reached.
    static func tooLarge(_ what: String, at position: Int64) -> DumpError {
        DumpError(
            code: "dump.too-large", what: "The dump has \(what).", place: "near byte \(position)",
            remedy: "No honest dump has; find out who made it.")
    }
}
