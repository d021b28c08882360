import PromQL
import Testing

/// What is no expression is refused with the place where it goes wrong.
@Suite struct SyntaxErrorTests {
    @Test(arguments: [
        ("", 1, 1, "no expression found"),
        ("   # only a comment", 1, 1, "no expression found"),
        ("1 +", 1, 4, "unexpected end of expression"),
        ("1 + )", 1, 5, "unexpected “)”"),
        ("(1 + 2", 1, 7, "unclosed “(”"),
        ("foo{", 1, 5, "unclosed “{”"),
        ("foo[5m", 1, 7, "unclosed “[”"),
        ("foo}", 1, 4, "unexpected “}”"),
        ("foo bar", 1, 5, "unexpected “bar” after the expression"),
        ("foo{:}", 1, 5, "expected a label's name"),
        ("foo{bar}", 1, 8, "expected one of"),
        ("foo{bar=}", 1, 9, "expected a string"),
        ("foo{bar=5}", 1, 9, "expected a string"),
        ("foo{1=\"a\"}", 1, 5, "expected a label's name"),
        ("foo{__name__=\"bar\"}", 1, 5, "set twice"),
        ("foo{a=~\"(\"}", 1, 8, "bad regular expression"),
        ("{}", 1, 1, "at least one matcher"),
        ("{a=~\".*\"}", 1, 1, "at least one matcher"),
        ("foo[0s]", 1, 5, "greater than 0"),
        ("foo[5m:0s]", 1, 8, "greater than 0"),
        ("foo[]", 1, 5, "expected a duration"),
        ("foo[5x]", 1, 5, "bad number or duration"),
        ("foo[5m5m]", 1, 5, "bad number or duration"),
        ("sum(foo)[5m]", 1, 9, "ranges only allowed for vector selectors"),
        ("foo offset 5m [5m]", 1, 15, "before the range"),
        ("foo @ 5 [5m]", 1, 9, "before the range"),
        ("foo[5m] offset 5m offset 5m", 1, 19, "multiple times"),
        ("foo @ 1 @ 2", 1, 9, "multiple times"),
        ("(foo) offset 5m", 1, 7, "must follow"),
        ("1 @ 5", 1, 3, "must follow"),
        ("foo @ middle()", 1, 7, "expected a duration"),
        ("foo offset", 1, 11, "expected a duration"),
        ("1 == 1", 1, 3, "must use bool"),
        ("1 + bool 1", 1, 5, "only be used on comparison"),
        ("1 and foo", 1, 3, "not allowed in binary scalar"),
        ("foo and on(a) group_left() bar", 1, 15, "no grouping allowed"),
        ("foo + on(a) group_left(a) bar", 1, 13, "at once"),
        ("foo + on(a) 1", 1, 7, "only allowed between instant vectors"),
        ("foo + group_left() bar", 1, 7, "unexpected “group_left”"),
        ("foo[5m] + 1", 1, 1, "only scalar and instant vector"),
        ("1 + \"a\"", 1, 5, "only scalar and instant vector"),
        ("-\"a\"", 1, 1, "a sign only fits"),
        ("rate(foo)", 1, 6, "expected type range vector"),
        ("rate(foo[5m], 1)", 1, 1, "expected 1 argument"),
        ("round()", 1, 1, "expected at least 1"),
        ("round(foo, 1, 2)", 1, 1, "expected at most 2"),
        ("abs(1)", 1, 5, "expected type instant vector"),
        ("nonsense(foo)", 1, 1, "unknown function"),
        ("sum(1)", 1, 5, "expected type instant vector"),
        ("topk(foo)", 1, 1, "expected 2, got 1"),
        ("topk(foo, foo)", 1, 6, "expected type scalar"),
        ("sum by a (foo)", 1, 8, "expected “(”"),
        ("sum by (a b) (foo)", 1, 11, "expected “)”"),
        ("sum by (1) (foo)", 1, 9, "expected a label's name"),
        ("foo = 1", 1, 5, "unexpected “=”"),
        ("foo ! bar", 1, 5, "unexpected character \"!\""),
        ("föö", 1, 2, "unexpected character \"ö\""),
        ("\"ö\" ö", 1, 5, "unexpected character \"ö\""),
        ("\"abc", 1, 1, "unterminated string"),
        ("'a\nb'", 1, 1, "unterminated string"),
        ("\"\\q\"", 1, 2, "unknown escape"),
        ("\"\\xff\"", 1, 1, "not UTF-8"),
        ("1\n+\n  foo{a=b}", 3, 9, "expected a string"),
        ("0x", 1, 1, "bad number"),
        ("1e", 1, 1, "bad number"),
        ("1.2.3", 1, 4, "after the expression"),
        ("foo[5m+5m]", 1, 7, "experimental"),
        ("limitk(2, foo)", 1, 1, "experimental"),
        ("sort_by_label(foo, \"a\")", 1, 1, "experimental"),
    ])
    func pointsAtThePlace(_ text: String, _ line: Int, _ column: Int, _ part: String) throws {
        let error = try #require(throws: PromQLError.self) { try Expression.parse(text) }
        #expect(error.kind == .syntax)
        #expect(error.position == SourcePlace(line: line, column: column), "\(error)")
        #expect(error.what.contains(part), "\(error.what)")
    }

    @Test(arguments: [
        "foo", ":foo:bar", "{\"with.dots\"}", "{\"with.dots\", \"label name\"=\"x\"}", "sum", "sum{a=\"b\"}", "offset",
        "by", "and", "foo{on=\"a\", by=\"b\",}", "sum by (on, \"with.dots\",) (foo)", "foo and or", "1_000", "0x1F",
        "1.",
        ".5", "1e-3", "1h30m", "+Inf", "nAn", "`raw \\ string`", "'\\x41\\u00e9\\101'", "a @ start()", "a[5m] @ end()",
        "a offset -5m", "a[5m:]", "a[1h:5m] offset 1h @ 10", "rate(a[5m])[1h:]", "(a)[5m:1m]", "SUM(a) BY (b)",
        "a == BOOL b", "a * ON (b) GROUP_LEFT (c) d", "a atan2 b", "count_values(\"v\", a)", "-a ^ -b", "time()",
        "label_join(a, \"b\", \",\")", "a # comment\n+ b",
    ])
    func readsWhatIsOne(_ text: String) throws { _ = try Expression.parse(text) }
}
