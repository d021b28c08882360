import Glibc
import Machine
import Testing

@Suite struct NamesTests {
    @Test(arguments: [
        ("plain", "plain"), ("ü/日本 👩‍👩‍👧.txt", "ü/日本 👩‍👩‍👧.txt"), ("", ""), ("a\nb", "a\\nb"), ("a\tb", "a\\x09b"),
        ("\u{1B}[31mred", "\\x1b[31mred"), ("\u{7F}", "\\x7f"), ("\u{85}", "\\xc2\\x85"),
        ("\u{9B}31m", "\\xc2\\x9b31m"),
        ("a\u{2028}b", "a\\xe2\\x80\\xa8b"), ("txt.\u{202E}exe", "txt.\\xe2\\x80\\xaeexe"), ("\u{0}", "\\x00"),
    ])
    func namesStayOnOneLineAndDoNotActOnATerminal(name: String, shown: String) {
        #expect(RawPath(name).description == shown)
    }

    @Test func bytesThatAreNotUTF8AreShownAsBytes() {
        let path = RawPath([0x61, 0xFF, 0x62, 0xC3])
        #expect(path.text == nil)
        #expect(path.description == "a\\xffb\\xc3")
        #expect(RawPath("\u{FFFD}").text == "\u{FFFD}")
    }

    @Test func pathsAreCutAndJoined() {
        #expect(RawPath("").appending(RawPath("a")) == RawPath("a"))
        #expect(RawPath("a").appending(RawPath("b")) == RawPath("a/b"))
        #expect(RawPath("//a///b/").components.map { Array($0) } == [Array("a".utf8), Array("b".utf8)])
        #expect(RawPath([0xFF, 0x2F, 0x61]).withCString { RawPath(cString: $0) } == RawPath([0xFF, 0x2F, 0x61]))
        #expect(RawPath("").withCString { strlen($0) } == 0)
    }

    @Test func lastLinesOfATool() {
        #expect("".lastLines(2) == "")
        #expect("a\n\n  b  \n\tc\r\n".lastLines(2) == "b   / c")
        #expect("one".lastLines(3) == "one")
    }
}

@Suite struct SecretsTests {
    private struct Holder {
        let name = "n8n"
        let password = Redacted("hunter2")
        let list = [Redacted("hunter2")]
        let byName = ["key": Redacted("hunter2")]
    }

    /// HAZARDS: secrets in argv, logs.
    @Test func secretIsNeverPrintedByAccident() {
        let secret = Redacted("hunter2")
        let holder = Holder()
        let optional: Redacted? = secret
        var dumped = ""
        dump(secret, to: &dumped)
        dump(holder, to: &dumped)
        let texts = [
            "\(secret)", String(describing: secret), String(reflecting: secret), "\(holder)",
            String(reflecting: holder),
            "\(optional as Any)", "\([secret])", dumped, "\(Mirror(reflecting: secret).children.map(\.value))",
            "\(Mirror(reflecting: holder).children.map(\.value))",
        ]
        for text in texts {
            #expect(!text.contains("hunter2"))
            #expect(text.contains("•••") || text == "[]")
        }
        #expect(secret.exposed == "hunter2")
    }

    /// JSON is made of what is Encodable; a secret is not, so that nobody can write one by adding a property.
    @Test func secretCannotBeWrittenAsJSON() {
        #expect(!((Redacted("hunter2") as Any) is any Encodable))
    }
}

@Suite struct ExplainedTests {
    private struct Plain: Error { let number = 4 }

    @Test func everyErrorCanBeShown() {
        let own = MachineError(code: "machine.x", what: "It failed.", place: "/here", remedy: "Do that.")
        #expect(own.description == "It failed. (/here)\n  → Do that.")
        #expect(explain(own).code == "machine.x")
        #expect(explain(CancellationError()) is Interrupted)
        #expect(explain(Interrupted()).code == "interrupted")
        #expect(explain(Plain()).code == "unexplained")
        #expect(explain(Plain()).what == "Plain(number: 4)")
        #expect(MachineError(code: "c", what: "W.").description == "W.")
    }

    @Test(
        arguments: [
            (ENOSPC, "machine.disk-full"), (EDQUOT, "machine.disk-full"), (EROFS, "machine.read-only"),
            (EACCES, "machine.not-permitted"),
            (ENOENT, "machine.missing"), (EEXIST, "machine.exists"), (EIO, "machine.io-error"),
            (EMFILE, "machine.too-many-files"),
            (ELOOP, "machine.errno-\(ELOOP)"),
        ] as [(Int32, String)])
    func systemCallsHaveCodes(number: Int32, code: String) {
        let error = MachineError.call("open", "/x", errno: number)
        #expect(error.code == code)
        #expect(error.errno == number)
        #expect(error.place == "/x")
        #expect(error.what == "Could not open: \(String(cString: strerror(number))).")
    }
}
