import Machine
import Testing

@Suite struct JSONTests {
    private struct Outer: Codable, Equatable {
        var list: [Inner]
        var path: String?
        struct Inner: Codable, Equatable {
            var size: Int64
            var kind: Kind
        }
        enum Kind: String, Codable { case a, b }
    }

    private func message(_ text: String) -> String {
        do {
            _ = try JSON.read(Outer.self, Array(text.utf8), place: "/p/manifest.json")
            return "read"
        } catch {
            #expect(explain(error).code == "machine.bad-json")
            #expect(explain(error).place == "/p/manifest.json")
            return explain(error).what
        }
    }

    @Test(arguments: [
        ("{}", "`list` is missing"), (#"{"list":[{"size":1}]}"#, "`list[0].kind` is missing"),
        (#"{"list":[{"size":1,"kind":"a"},{"size":"x","kind":"a"}]}"#, "`list[1].size` has another type"),
        (#"{"list":null}"#, "`list` has another type"),
        (#"{"list":[{"size":null,"kind":"a"}]}"#, "`list[0].size` has another type"),
        (#"{"list":[{"size":1.5,"kind":"a"}]}"#, "it is cut, no JSON, or has a number that does not fit"),
        (
            #"{"list":[{"size":9223372036854775808,"kind":"a"}]}"#,
            "it is cut, no JSON, or has a number that does not fit"
        ),
        (#"{"list":[{"size":1,"kind":"c"}]}"#, "`list[0].kind` has a value that it cannot have"),
        ("[]", "`the whole` has another type"), ("", "it is cut, no JSON, or has a number that does not fit"),
        (#"{"list":["#, "it is cut, no JSON, or has a number that does not fit"),
        ("{\"list\":[],\"path\":\"\u{0}\"}", "it is cut, no JSON, or has a number that does not fit"),
    ])
    func errorsNameTheKey(text: String, expected: String) {
        #expect(message(text) == "The JSON is not what was expected: \(expected).")
    }

    @Test func bytesThatAreNotUTF8AreAnError() {
        #expect(throws: MachineError.self) {
            try JSON.read(Outer.self, Array(#"{"list":[],"path":""#.utf8) + [0xFF, 0x22, 0x7D], place: "x")
        }
    }

    @Test(arguments: ["[", #"{"list":"#]) func nestingWithoutEndIsAnErrorNotACrash(opening: String) {
        #expect(message(String(repeating: opening, count: 1_000_000)).hasPrefix("The JSON is not what was expected"))
    }

    @Test func writtenFormIsStable() throws {
        let value = Outer(list: [.init(size: .max, kind: .b)], path: "/a/ü \"x\"\n")
        let expected = """
            {
              "list" : [
                {
                  "kind" : "b",
                  "size" : 9223372036854775807
                }
              ],
              "path" : "/a/ü \\"x\\"\\n"
            }

            """
        let bytes = try JSON.write(value)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
        #expect(try JSON.read(Outer.self, bytes, place: "") == value)
        let line = try JSON.writeLine(value)
        #expect(!line.contains(UInt8(ascii: "\n")))
        #expect(try JSON.read(Outer.self, line, place: "") == value)
    }
}
