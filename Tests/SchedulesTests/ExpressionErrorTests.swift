import Machine
import Schedules
import Testing

/// What is wrong, where, and what to write instead.
@Suite struct ExpressionErrorTests {
    @Test(
        arguments: [
            ("", 1, "empty", "`daily`"), ("dayly", 1, "“dayly”", "`daily`"), ("Mondey 02:00", 1, "“Mondey”", "`Mon`"),
            ("Mon..Foo", 6, "“Foo”", "`Mon` … `Sun`"), ("Sat..Mon 02:00", 1, "from Sat to Mon", "`Sat..Sun,Mon..Mon`"),
            ("24:00", 1, "no hour 24", "0 to 23"), ("02:60", 4, "no minute 60", "0 to 59"),
            ("*-13-1", 3, "no month 13", "1 to 12"), ("*-*-32", 5, "no day 32", "1 to 31"),
            ("*-*~29", 5, "no day before the end of the month 29", "1 to 28"),
            ("*-*~3..1", 5, "backwards", "`~1..3`"), ("22..4:00", 1, "backwards", "`22..23,0..4`"),
            ("*/5:00", 2, "`*`", "`0/15`"), ("0/0:00", 3, "step of 0", "`0/15`"), ("*:58/2", 3, "never repeat", "`/2`"),
            ("02:00 CET", 7, "“CET”", "`Europe/Berlin`"), ("02:00 Europe/Berlni", 7, "no time zone", "`Europe/Berlin`"),
            ("02:00:00.5", 9, "Fractions", "whole seconds"), ("2026-11-22T02:00", 11, "blank", "`2026-11-22 02:00`"),
            ("02", 3, "lacks its minutes", "`02:00`"), ("02:00 ", 6, "blank too many", "Remove it"),
            ("02:", 4, "number is missing", "`*`"),
        ])
    func saysWhatWhereAndWhatToDo(text: String, column: Int, what: String, remedy: String) throws {
        let error = try #require(throws: ScheduleError.self) { try CalendarExpression(text) }
        #expect(error.column == column, "\(error)")
        #expect(error.what.contains(what), "\(error)")
        #expect(error.remedy?.contains(remedy) == true, "\(error)")
        #expect(error.isRefusal)
    }

    /// A message may not act on the terminal that it is shown on.
    @Test(arguments: ["02:\u{7f}", "\u{1b}[2J", "02:00 Eu\u{1b}[31mrope/Berlin", "daily\n", "\u{9b}31m 02:00"])
    func whatIsNoPrintIsShownAsACode(text: String) throws {
        let error = try #require(throws: ScheduleError.self) { try CalendarExpression(text) }
        let controls = error.description.unicodeScalars.filter { $0.properties.generalCategory == .control }
        #expect(controls.allSatisfy { $0 == "\n" } && controls.count == 1, "\(error)")
    }

    @Test func withoutZonesOnlyUTCIsKnown() throws {
        let nowhere = ZoneFiles(folder: "/nowhere")
        #expect(throws: Never.self) { try CalendarExpression("02:00 UTC", zones: nowhere) }
        let error = try #require(throws: ScheduleError.self) {
            try CalendarExpression("02:00 Europe/Berlin", zones: nowhere)
        }
        #expect(error.remedy?.contains("tzdata") == true)
    }
}
