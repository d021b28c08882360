import Settings
import Testing

/// YAML files whose meaning other rooms know, as values with their places.
@Suite struct PlacedDocumentTests {
    private func document(_ text: String) throws -> PlacedDocument { try PlacedDocument(text, file: "f.yml") }

    /// The value in short: texts in quotes if they were, keys in their order.
    private func words(_ value: PlacedValue?) -> String {
        guard let value else { return "" }
        switch value.content {
        case .scalar(let text, let isPlain): return isPlain ? text : "'\(text)'"
        case .list(let values): return "[\(values.map { words($0) }.joined(separator: ", "))]"
        case .mapping(let pairs): return "{\(pairs.map { "\($0.key): \(words($0.value))" }.joined(separator: ", "))}"
        }
    }

    @Test(arguments: [
        ("", ""), ("# nothing", ""), ("a", "a"), ("\"1\"", "'1'"), ("[1, ~, a]", "[1, ~, a]"),
        ("a: {b: 1}\nc: [x]", "{a: {b: 1}, c: [x]}"),
        ("a: &x {b: 1, c: 2}\nd: *x", "{a: {b: 1, c: 2}, d: {b: 1, c: 2}}"),
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", "{a: {b: 1, c: 2}, d: {c: 3, b: 1}}"),
        ("a: &x {b: 1}\ny: &y {b: 2, c: 3}\nd: {<<: [*x, *y]}", "{a: {b: 1}, y: {b: 2, c: 3}, d: {b: 1, c: 3}}"),
        ("<<: text", "{<<: text}"),
    ])
    func isReadAsItStands(_ text: String, _ expected: String) throws {
        #expect(words(try document(text).root) == expected)
    }

    @Test func whatIsNothingIsTold() throws {
        let root = try #require(try document("[~, null, \"\", \"~\"]").root)
        guard case .list(let values) = root.content else {
            Issue.record("no list")
            return
        }
        #expect(values.map(\.isNull) == [true, true, false, false])
        #expect(values[0].words == "nothing" && values[2].words == "``")
    }

    @Test(arguments: [
        ("a: 1\na: 2", "settings.duplicate-key", "f.yml:2:1"),
        ("a: [", "settings.syntax", "f.yml:2:1"),
        ("a: 1\n---\nb: 2", "settings.syntax", "f.yml:3:1"),
    ])
    func whatIsWrongIsPlaced(_ text: String, _ code: String, _ place: String) throws {
        let error = try #require(throws: SettingsError.self) { try document(text) }
        #expect(error.code == code && error.place == place, "\(error)")
    }

    @Test func aliasesCannotMultiply() throws {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x]\n"
        for level in 1..<12 {
            let aliases = [String](repeating: "*a\(level - 1)", count: 8).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(throws: SettingsError.self) { try document(text) }
    }

    /// Whether the number of references is what is refused.
    private func isRefused(anchors: Int, references: Int) -> Bool {
        let names = (0..<anchors).map { "a\($0): &a\($0) {x: 1}\n" }.joined()
        let uses = (0..<references).map { "b\($0): *a\($0 % anchors)\n" }.joined()
        do {
            _ = try document(names + uses)
            return false
        } catch {
            return true
        }
    }

    @Test(arguments: [
        (1, 2_000, false), (2, 160, false), (2, 170, true), (3, 50, false), (30, 24, false), (30, 26, true),
    ])
    func referencesMayBeManyWhereTheyCannotMultiply(_ anchors: Int, _ references: Int, _ refused: Bool) {
        #expect(isRefused(anchors: anchors, references: references) == refused)
    }

    /// Every character of a value is found where it stands in the file.
    @Test(arguments: [
        "abc def", "'a''b c'", "\"a\\\"b\\\\c\"", "|\n  one\n    two\n  three", ">\n  one\n  two", "one\n  two",
        "\"one\n  two\"",
    ])
    func placesOfCharacters(_ scalar: String) throws {
        let text = "k: \(scalar)\n"
        let document = try document(text)
        guard case .mapping(let pairs) = document.root?.content, let value = pairs.first?.value,
            case .scalar(let content, _) = value.content
        else {
            Issue.record("no text")
            return
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.unicodeScalars) }
        for (offset, character) in content.unicodeScalars.enumerated() where !character.properties.isWhitespace {
            let place = try #require(document.position(of: offset, in: value))
            let found = lines[place.line - 1][place.column - 1]
            // An escape is where it begins.
            #expect(found == character || found == "\\", "\(offset) of \(content)")
        }
    }
}
