import Glibc
import Machine
import Settings
import Testing

@Suite struct LocateTests {
    @Test func looksAtThePlacesInOrder() throws {
        let both = ["HOLDFAST_CONFIG": "/e.yml"]
        #expect(try Settings.locate(explicit: "/x.yml", environment: both) { _ in true } == "/x.yml")
        #expect(try Settings.locate(explicit: nil, environment: both) { _ in true } == "/e.yml")
        #expect(try Settings.locate(explicit: nil, environment: [:]) { _ in true } == "./holdfast.yml")
        #expect(
            try Settings.locate(explicit: nil, environment: ["HOLDFAST_CONFIG": ""]) { $0.hasPrefix("/etc") }
                == "/etc/holdfast/holdfast.yml")
    }

    @Test func whatIsNamedIsNotReplaced() {
        #expect(throws: SettingsError.self) {
            try Settings.locate(explicit: "/x.yml", environment: [:]) { $0 != "/x.yml" }
        }
        #expect(throws: SettingsError.self) {
            try Settings.locate(explicit: nil, environment: ["HOLDFAST_CONFIG": "/e.yml"]) { $0 != "/e.yml" }
        }
    }

    @Test func namesThePlacesAndInit() throws {
        let error = try #require(throws: SettingsError.self) {
            try Settings.locate(explicit: nil, environment: [:]) { _ in false }
        }
        #expect(error.code == "settings.not-found")
        for part in ["--config", "$HOLDFAST_CONFIG", "./holdfast.yml", "/etc/holdfast/holdfast.yml", "holdfast init"] {
            #expect("\(error)".contains(part))
        }
    }
}

@Suite struct LoadTests {
    private static let good = "backup: { directory: /b }\n"

    /// Runs `body` with a folder that goes away afterwards.
    private func withFolder(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/holdfast-settings-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        let folder = try #require(made)
        defer {
            for name in ["h.yml", "link.yml", "in/h.yml", "in"] { remove(folder + "/" + name) }
            remove(folder)
        }
        try body(folder)
    }

    private func write(_ text: String, to path: String, mode: mode_t = 0o600) throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        try file.write(text)
        try file.close()
        #expect(chmod(path, mode) == 0)
    }

    private func problem(of path: String) throws -> SettingsError {
        try #require(throws: SettingsError.self) { try Settings.load(from: path) }
    }

    @Test func readsASafeFileAlsoThroughALink() throws {
        try withFolder { folder in
            try write(Self.good, to: folder + "/h.yml", mode: 0o644)
            #expect(symlink("h.yml", folder + "/link.yml") == 0)
            #expect(try Settings.load(from: folder + "/h.yml").backup.directory == "/b")
            #expect(try Settings.load(from: folder + "/link.yml").file == folder + "/link.yml")
        }
    }

    @Test(arguments: [0o620, 0o602, 0o666, 0o664] as [mode_t])
    func refusesAFileThatOthersCanWrite(mode: mode_t) throws {
        try withFolder { folder in
            try write(Self.good, to: folder + "/h.yml", mode: mode)
            let error = try problem(of: folder + "/h.yml")
            #expect(error.code == "settings.unsafe")
            #expect(error.what.contains("mode \(String(mode, radix: 8))"))
            #expect(error.remedy?.contains("chmod go-w \(folder)/h.yml") == true)
        }
    }

    @Test func refusesAFolderThatOthersCanWriteUnlessItIsSticky() throws {
        try withFolder { folder in
            #expect(mkdir(folder + "/in", 0o700) == 0)
            try write(Self.good, to: folder + "/in/h.yml")
            #expect(symlink("in/h.yml", folder + "/link.yml") == 0)
            #expect(chmod(folder + "/in", 0o777) == 0)
            for path in ["/in/h.yml", "/link.yml"] {
                let error = try problem(of: folder + path)
                #expect(error.code == "settings.unsafe")
                #expect(error.remedy?.contains("chmod go-w \(folder)/in") == true)
            }
            #expect(chmod(folder + "/in", 0o1777) == 0)
            #expect(try Settings.load(from: folder + "/in/h.yml").backup.directory == "/b")
        }
    }

    @Test func refusesWhatIsNoFile() throws {
        try withFolder { folder in
            #expect(mkfifo(folder + "/h.yml", 0o600) == 0)
            for path in [folder, folder + "/h.yml"] {
                let error = try problem(of: path)
                #expect(error.code == "settings.not-a-file")
            }
            #expect(throws: MachineError.self) { try Settings.load(from: folder + "/missing.yml") }
        }
    }

    @Test func refusesWhatIsTooLargeOrNoText() throws {
        try withFolder { folder in
            try write(String(repeating: "#", count: (1 << 20) + 1), to: folder + "/h.yml")
            let large = try problem(of: folder + "/h.yml")
            #expect(large.code == "settings.too-large")
            let file = try Descriptor.open(folder + "/h.yml", O_WRONLY | O_TRUNC)
            try file.write(Array("a: b\nc: ".utf8) + [0xFF])
            let error = try problem(of: folder + "/h.yml")
            #expect(error.place == folder + "/h.yml:2:1")
            #expect(error.what.contains("UTF-8"))
        }
    }

    @Test func judgesOwners() {
        let regular = UInt32(S_IFREG) | 0o600
        let user = FileFacts.Caller(user: 1000, group: 1000)
        let root = FileFacts.Caller(user: 0, group: 0)
        func problem(_ owner: UInt32, _ caller: FileFacts.Caller) -> SettingsProblem? {
            FileFacts(owner: owner, group: 7, mode: regular).problem(of: "/x y", caller: caller)
        }
        #expect(problem(0, root) == nil)
        #expect(problem(0, user) == nil)
        #expect(problem(1000, user) == nil)
        #expect(problem(4242, user)?.code == "settings.unsafe")
        #expect(problem(4242, user)?.what.contains("uid 4242") == true)
        #expect(problem(4242, root)?.remedy?.contains("chown root '/x y'") == true)
    }

    @Test func judgesGroupsOfFolders() {
        func isSafe(_ mode: UInt32, group: UInt32) -> Bool {
            FileFacts(owner: 0, group: group, mode: UInt32(S_IFDIR) | mode)
                .problem(ofFolder: "/d", holding: "/d/h.yml", caller: FileFacts.Caller(user: 1000, group: 1000)) == nil
        }
        #expect(isSafe(0o775, group: 1000))
        #expect(isSafe(0o775, group: 0))
        #expect(!isSafe(0o775, group: 33))
        #expect(!isSafe(0o777, group: 1000))
        #expect(isSafe(0o1777, group: 33))
    }
}
