/// An absolute path in its shortest spelling; judged as text alone, the disk is not looked at.
package struct HostPath: Equatable {
    package let text: String

    /// Why a text is no such path.
    package enum Fault: Error, Equatable {
        case home
        case variable
        case relative
        case climbs
        case unprintable

        /// The sentence after "`key` …".
        var complaint: String {
            switch self {
            case .home, .variable, .relative: "has to be an absolute path"
            case .climbs: "must not contain `..`"
            case .unprintable: "holds a control character"
            }
        }

        var remedy: String {
            switch self {
            case .home: "`~` is not expanded here: write the whole path, such as `/home/you/backups`."
            case .variable: "Variables are not expanded here: write the whole path."
            case .relative: "Start it with `/`."
            case .climbs: "Write the path that is meant, without `..`."
            case .unprintable: "Remove it; a path stands on one line."
            }
        }
    }

    /// Reads a path; drops double slashes, `.` and a slash at the end.
    package init(_ text: String) throws(Fault) {
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw Fault.unprintable
        }
        guard text.hasPrefix("/") else {
            throw text.hasPrefix("~") ? Fault.home : text.hasPrefix("$") ? Fault.variable : Fault.relative
        }
        let names = text.split(separator: "/").filter { $0 != "." }
        guard !names.contains("..") else { throw Fault.climbs }
        self.text = "/" + names.joined(separator: "/")
    }

    /// The way from `folder` down to `path`: empty if they are the same, nil if it does not lie beneath.
    static func way(from folder: String, to path: String) -> String? {
        if folder == path { return "" }
        let start = folder == "/" ? "/" : folder + "/"
        guard path.utf8.starts(with: start.utf8) else { return nil }
        return String(decoding: path.utf8.dropFirst(start.utf8.count), as: UTF8.self)
    }
}
