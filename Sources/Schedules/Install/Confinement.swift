/// What the jobs have to reach, so that systemd can keep them from all else.
///
/// They read the whole host, for that is what they save. What they may change is named here: everything else is
/// read-only for them.
package struct Confinement: Equatable, Sendable {
    /// Folders that jobs write in, absolute, each once and in order.
    package let writes: [String]
    /// Whether a folder below `/tmp` is among what they use, so that they need the host's own.
    package let usesTemporaryFolders: Bool

    /// - Parameters:
    ///   - writes: folders that jobs write in, which need not be there yet.
    ///   - reads: other paths that they use.
    package init(writes: [String], reads: [String]) {
        self.writes = Set(writes).sorted()
        usesTemporaryFolders = (writes + reads).contains { path in
            ["/tmp", "/var/tmp"].contains { path == $0 || path.hasPrefix($0 + "/") }
        }
    }

    /// Lines of `[Service]`. They were measured with `systemd-analyze security`; `docs/formats/schedule.md` tells why the
    /// rest has to stay open. Not among them: `RestrictSUIDSGID=`, which takes `openat2` away, by which we follow no links.
    var directives: [String] {
        [
            "UMask=0077", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=read-only",
        ] + writes.map { "ReadWritePaths=-\(Self.quoted($0))" }
            + (usesTemporaryFolders ? ["ReadWritePaths=-/tmp -/var/tmp"] : ["PrivateTmp=yes"]) + [
                "PrivateDevices=yes", "ProtectClock=yes", "ProtectControlGroups=yes", "ProtectHostname=yes",
                "ProtectKernelLogs=yes", "ProtectKernelModules=yes", "ProtectKernelTunables=yes",
                "ProtectProc=invisible", "KeyringMode=private", "LockPersonality=yes", "MemoryDenyWriteExecute=yes",
                "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", "RestrictNamespaces=yes",
                "RestrictRealtime=yes", "SystemCallArchitectures=native",
                "SystemCallFilter=@system-service", "SystemCallFilter=~@aio @keyring @setuid",
                "SystemCallErrorNumber=EPERM",
                "CapabilityBoundingSet=\(Self.capabilities.joined(separator: " "))",
            ]
    }

    /// To read and write whatever the owner, to keep owners and times, to give threads their priorities, and – SYS_ADMIN – to
    /// see `trusted.` attributes, which would else be missing from the backups without a word.
    private static let capabilities = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_SYS_ADMIN",
        "CAP_SYS_NICE",
    ]

    /// A path as one word of a setting.
    static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            byte < 128 && (Unicode.Scalar(byte).properties.isAlphabetic || "0123456789_./-+@:".utf8.contains(byte))
        }
        guard !isPlain else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "\"": escaped += "\\\(scalar)"
            case "%": escaped += "%%"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return "\"\(escaped)\""
    }
}
