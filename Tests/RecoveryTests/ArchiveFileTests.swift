import Glibc
import Machine
import Recovery
import TestKit
import Testing

/// Whether an archive that a person names has to be decrypted is read from its first bytes.
struct ArchiveFileTests {
    private static let nothingAllowed = ArchiveFile.Allowed(devices: false, setID: false, linksOut: false)

    @Test(
        arguments: [
            ("PKESK packet, old format", [0x85, 0x01, 0x8c, 0x03], true),
            ("PKESK packet, old format, short", [0x84, 0x5e, 0x03], true),
            ("PKESK packet, new format", [0xc1, 0xc0, 0x4c, 0x03], true),
            ("symmetric session key", [0x8c, 0x0d, 0x04, 0x09], true),
            ("encrypted data, MDC", [0xd2, 0xc0, 0x01], true),
            ("armor", Array("-----BEGIN PGP MESSAGE-----\n\nhQEMA".utf8), true),
            ("gzip", [0x1f, 0x8b, 0x08, 0x00], false),
            ("zstd", [0x28, 0xb5, 0x2f, 0xfd], false),
            ("xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], false),
            ("bzip2", Array("BZh91AY".utf8), false),
            ("lz4", [0x04, 0x22, 0x4d, 0x18], false),
            ("tar, ./", Array("./".utf8), false),
            ("a single byte", [0x85], false),
        ] as [(String, [UInt8], Bool)])
    func isKnownByItsFirstBytes(_ kind: String, _ start: [UInt8], _ encrypted: Bool) async throws {
        try await withTestSite { host in
            let path = host.folder + "/archive"
            try Descriptor.open(path, O_WRONLY | O_CREAT).write(start)
            let file = try ArchiveFile([path], allowed: Self.nothingAllowed)
            #expect(file.isEncrypted == encrypted, "\(kind)")
            #expect(file.size == ByteCount(start.count))
        }
    }

    /// Its first bytes are those of a name, which need not be ASCII.
    @Test(arguments: ["gnu", "posix", "ustar"]) func tarOfAnotherAlphabetIsNotEncrypted(_ format: String) async throws {
        try await withTestSite { host in
            try host.write("tree/übersicht/日本", "x")
            let tar = ChildProcess(
                "tar", ["--format", format, "-C", host.folder + "/tree", "-cf", host.folder + "/a.tar", "übersicht"])
            #expect(try await tar.run().succeeded)
            #expect(!(try ArchiveFile([host.folder + "/a.tar"], allowed: Self.nothingAllowed)).isEncrypted)
        }
    }

    /// HAZARDS: `volumes-*.tar.gz.gpg`: a glob that matches many.
    @Test func patternThatMatchesManyListsThem() {
        let error = #expect(throws: RecoveryError.self) {
            try ArchiveFile(["/b/volumes-1.tar.gz.gpg", "/b/volumes-2.tar.gz.gpg"], allowed: Self.nothingAllowed)
        }
        #expect(error?.code == "recovery.several-files")
        #expect(error?.isRefusal == true)
        #expect(error?.what.contains("/b/volumes-1.tar.gz.gpg, /b/volumes-2.tar.gz.gpg") == true)
    }

    @Test func onlyFilesThatHoldSomething() async throws {
        try await withTestSite { host in
            try host.write("empty", "")
            mkfifo(host.folder + "/fifo", 0o600)
            for name in ["empty", "fifo", "state"] {
                let error = #expect(throws: RecoveryError.self) {
                    try ArchiveFile([host.folder + "/" + name], allowed: Self.nothingAllowed)
                }
                #expect(error?.code == "recovery.no-archive", "\(name)")
            }
            let error = #expect(throws: MachineError.self) {
                try ArchiveFile([host.folder + "/missing"], allowed: Self.nothingAllowed)
            }
            #expect(error?.errno == ENOENT)
        }
    }
}
