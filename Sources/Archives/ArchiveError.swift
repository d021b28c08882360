import Machine

/// Why an archive cannot be made, read or believed.
package struct ArchiveError: Explained {
    package let code: String
    package let what: String
    package let place: String?
    package let remedy: String?

    package init(code: String, what: String, place: String? = nil, remedy: String? = nil) {
        self.code = code
        self.what = what
        self.place = place
        self.remedy = remedy
    }
}

extension ArchiveError {
    /// It does not begin as ours do.
    static var notOurs: ArchiveError {
        ArchiveError(
            code: "archive.not-ours", what: "This is not an archive of holdfast's: it does not begin with begin.json.",
            remedy: "If it was made by something else, restore it with: holdfast restore archive FILE --to DIR")
    }

    /// It has no end.
    static func cut(_ what: String) -> ArchiveError {
        ArchiveError(
            code: "archive.cut", what: "The archive was cut: \(what).",
            remedy: "Take another copy of it, or another restore point.")
    }

    /// Its bytes are not what was written.
    static func damaged(_ what: String, _ place: RawPath? = nil) -> ArchiveError {
        ArchiveError(
            code: "archive.damaged", what: "The archive is damaged: \(what).", place: place?.description,
            remedy: "Take another copy of it, or another restore point.")
    }

    /// It is whole, but another one than was asked for.
    static func other(_ found: ArchiveIdentity, than expected: ArchiveIdentity) -> ArchiveError {
        let host = found.host == expected.host ? "" : " of another host (\(RawPath(found.host)))"
        return ArchiveError(
            code: "archive.other-item", what: "This is the archive of \(found)\(host), not of \(expected).",
            remedy: "Somebody swapped or renamed files; take the restore point from another copy.")
    }

    /// What arrived is not what the archive's own manifest says was stored.
    static func differs(_ path: RawPath, _ key: String) -> ArchiveError {
        ArchiveError(
            code: "archive.differs", what: "What arrived differs from the archive's manifest in its \(key).",
            place: path.description,
            remedy: "Take another copy of the archive; if it happens again with that one, see whether the file system "
                + "that it is restored to keeps all that the source's did.")
    }

    /// A name that would lead out of the folder that is restored into, or could.
    static func unsafePath(_ path: RawPath, _ why: String) -> ArchiveError {
        ArchiveError(
            code: "archive.unsafe-path", what: "The archive has an entry whose name \(why); nothing of it is used.",
            place: path.description, remedy: "Find out who made this archive before you open it with anything else.")
    }

    /// An entry that a stranger's archive may only have when it was asked for.
    static func unsafeEntry(_ path: RawPath, _ what: String, option: String) -> ArchiveError {
        ArchiveError(
            code: "archive.unsafe-entry", what: "The archive has \(what); nothing of it is used.",
            place: path.description, remedy: "If you trust whoever made it, say \(option).")
    }

    /// A named limit was reached.
    static func limit(_ code: String, _ what: String, _ place: RawPath? = nil, remedy: String? = nil) -> ArchiveError {
        ArchiveError(code: "archive.\(code)", what: what, place: place?.description, remedy: remedy)
    }
}
