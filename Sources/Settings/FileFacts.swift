import Glibc
import Machine

/// Who may change a file or folder, as `fstat` tells.
package struct FileFacts {
    let owner: UInt32
    let group: UInt32
    let mode: UInt32
    let size: Int

    package init(owner: UInt32, group: UInt32, mode: UInt32, size: Int = 0) {
        self.owner = owner
        self.group = group
        self.mode = mode
        self.size = size
    }

    init(_ status: stat) {
        self.init(owner: status.st_uid, group: status.st_gid, mode: status.st_mode, size: Int(status.st_size))
    }

    /// Looks at what `path` names, symlinks followed.
    init(of path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else { throw MachineError.call("look at", path) }
        self.init(status)
    }

    /// Who asks: effective user and group.
    package struct Caller {
        let user: UInt32
        let group: UInt32

        package init(user: UInt32, group: UInt32) {
            self.user = user
            self.group = group
        }

        package static var current: Caller { Caller(user: geteuid(), group: getegid()) }
    }

    /// Why a configuration with these facts is not read; nil: it may be.
    ///
    /// - Parameter danger: what somebody else who can write it could do.
    package func problem(
        of path: String, because danger: String = ConfigurationFile.runsCommands, caller: Caller = .current
    ) -> SettingsProblem? {
        func problem(_ code: String, _ what: String, _ remedy: String) -> SettingsProblem {
            SettingsProblem(code: code, what: what, position: nil, file: path, remedy: remedy)
        }
        let word = shellWord(path)
        guard mode & S_IFMT == S_IFREG else {
            return problem(
                "settings.not-a-file", "The configuration is not a regular file.", "Name the file itself, holdfast.yml."
            )
        }
        guard owner == 0 || owner == caller.user else {
            return problem(
                "settings.unsafe",
                "The configuration belongs to \(Self.name(ofUser: owner)), but \(danger): "
                    + "it has to belong to root or to whoever runs holdfast.",
                "Look at what it says, then type `chown \(caller.user == 0 ? "root" : "\(caller.user)") \(word)`.")
        }
        guard mode & 0o022 == 0 else {
            return problem(
                "settings.unsafe",
                "The configuration can be written by \(Self.others(mode)) (mode \(octal), "
                    + "owner \(Self.name(ofUser: owner))), but \(danger).",
                "Look at what it says, then type `chmod go-w \(word)`.")
        }
        guard size <= YAMLDocument.sizeLimit else {
            return problem(
                "settings.too-large", "The configuration is larger than 1 MiB.",
                "Is it the right file? A holdfast.yml has a few kilobytes.")
        }
        return nil
    }

    /// Why a folder with these facts is no place for the configuration `file`; nil: it is.
    ///
    /// A group's right to write is let pass for the caller's own group, which many systems make one per user.
    package func problem(ofFolder folder: String, holding file: String, caller: Caller = .current) -> SettingsProblem? {
        let isOwnGroup = group == 0 || group == caller.group
        let open = mode & (isOwnGroup ? 0o002 : 0o022)
        guard open != 0, mode & UInt32(S_ISVTX) == 0 else { return nil }
        return SettingsProblem(
            code: "settings.unsafe",
            what: "The folder of the configuration can be written by \(Self.others(open)) (`\(folder)`, mode \(octal), "
                + "owner \(Self.name(ofUser: owner))): they could put another file in its place.",
            position: nil, file: file,
            remedy: "Type `chmod go-w \(shellWord(folder))`, or move the configuration to /etc/holdfast/.")
    }

    private var octal: String { String(mode & 0o7777, radix: 8) }

    private static func others(_ mode: UInt32) -> String {
        switch mode & 0o022 {
        case 0o020: "its group"
        case 0o002: "everybody"
        default: "its group and everybody"
        }
    }

    private static func name(ofUser user: UInt32) -> String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 1 << 14)
        guard getpwuid_r(user, &entry, &buffer, buffer.count, &found) == 0, let found, let name = found.pointee.pw_name
        else { return "uid \(user)" }
        return "\(String(cString: name)) (uid \(user))"
    }
}
