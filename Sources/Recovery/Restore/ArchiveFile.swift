internal import Glibc
package import Machine

/// A stand-alone archive that a person named: ours, or `tar … | gpg` of any origin.
package struct ArchiveFile: Sendable {
    package let path: String
    package let size: ByteCount
    package let isEncrypted: Bool
    /// What the person allows it to hold beyond plain data.
    package let allowed: Allowed

    /// What an archive that is not ours may hold only if a person says so.
    package struct Allowed: Sendable {
        package let devices: Bool
        package let setID: Bool
        package let linksOut: Bool

        package init(devices: Bool, setID: Bool, linksOut: Bool) {
            self.devices = devices
            self.setID = setID
            self.linksOut = linksOut
        }
    }

    /// Looks at the file's first bytes.
    ///
    /// - Parameter names: what the command line gave; a shell's pattern may have matched several.
    /// - Throws: when that is not exactly one file.
    package init(_ names: [String], allowed: Allowed) throws {
        guard names.count == 1, let path = names.first else {
            throw RecoveryError.refused(
                "several-files",
                "\(names.count) archives are named, one is needed: \(names.map { RawPath($0).description }.joined(separator: ", ")).",
                remedy: "Name the one that you want; the newest is not chosen for you.")
        }
        let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
            throw RecoveryError.refused(
                "no-archive", status.st_size == 0 ? "The file is empty." : "This is no file.", place: path,
                remedy: "Name an archive: …tar.zst.gpg, …tar.gz.gpg, …tar.gz, …tar")
        }
        self.path = path
        self.allowed = allowed
        size = ByteCount(status.st_size)
        let start = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 8)
        defer { start.deallocate() }
        let count = try file.read(into: start)
        // Every OpenPGP packet begins with a byte whose highest bit is set (RFC 4880, 4.2); none of tar's usual
        // compressions does but xz, which begins with FD 37. A tar begins with a name, in whatever alphabet.
        let isTar = count > 262 && start[257..<262].elementsEqual("ustar".utf8)
        let isPacket = count > 1 && start[0] & 0x80 != 0 && !(start[0] == 0xFD && start[1] == 0x37) && !isTar
        let isArmor = String(decoding: start[..<count], as: UTF8.self).hasPrefix("-----BEGIN PGP")
        isEncrypted = isPacket || isArmor
    }
}
