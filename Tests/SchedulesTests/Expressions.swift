/// Expressions for tests: those of systemd.time(7), and what people and chance write.
enum Expressions {
    /// Understood by systemd and by holdfast.
    static let good =
        manual + shorthands + days + dates + times + monthEnds + zones + usual

    /// The examples of systemd.time(7).
    private static let manual = [
        "Sat,Thu,Mon..Wed,Sat..Sun", "Mon,Sun 12-*-* 2,1:23", "Wed *-1", "Wed..Wed,Wed *-1", "Wed, 17:48",
        "Wed..Sat,Tue 12-10-15 1:2:3", "*-*-7 0:0:0", "10-15", "monday *-12-* 17:00", "Mon,Fri *-*-3,1,2 *:30:45",
        "12,14,13,12:20,10,30", "12..14:10,20,30", "mon,fri *-1/2-1,3 *:30:45", "03-05 08:05:40", "08:05:40", "05:40",
        "Sat,Sun 12-05 08:05:40", "Sat,Sun 08:05:40", "2003-03-05 05:40", "2003-03-05", "03-05", "hourly", "daily",
        "daily UTC", "monthly", "weekly", "weekly Pacific/Auckland", "yearly", "annually", "*:2/3",
        "Thu,Fri 2012-*-1,5 11:12:13",
    ]

    private static let shorthands = [
        "minutely", "quarterly", "semiannually", "semi-annually", "biannually", "bi-annually", "anually", "DAILY",
        "Weekly",
        "Monthly UTC", "hourly Europe/Berlin", "minutely utc", "quarterly America/New_York",
    ]

    private static let days = [
        "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "monday", "TUESDAY", "Wednesday", "thursday", "Friday",
        "saturday",
        "SUNDAY", "Mon,", "Mon..Fri", "Mon-Fri", "Mon..Sun", "Sat,Sun", "Sat..Sun", "Mon,Tue,Wed", "Mon,Wed,Fri",
        "Mon..Wed,Fri..Sun", "Mon..Tue", "Sun,Mon", "Wed..Wed", "Mon  02:00", "Mon *-*-*", "Fri *-*-13", "Sun 04:00",
        "Mon..Fri 18:00", "Sat 00:00:30", "Mon,Mon", "Monday..fri 1:1",
    ]

    private static let dates = [
        "*-*-*", "*-*-1", "*-*-31", "*-*-29", "*-2-29", "*-02-30", "*-4-31", "1-1", "12-31", "2026-12-24", "2027-*-*",
        "2026..2028-1-1", "2026/2-6-15", "99-1-1", "70-1-1", "69-1-1", "30-1-1", "*-1..3-1", "*-1,7-1", "*-*-1..7",
        "*-*-1/5",
        "*-*-2/7", "*-1/3-1", "*-*-1,15", "*-*-1,1,1", "*-*-3..9/3", "*-*-3..10/3", "*-2..11/4-28..31", "2199-12-31",
        "1970-1-1", "2000-02-29", "2100-02-29", "2096..2104-02-29", "*-10-25", "*-3-29", "*-12-31 23:59:59",
        "2026-11-25 17:00:00", "2026-11-25 17:00:01 UTC", "Fri *-*-13 13:13", "Mon *-5-1..7", "Sun *-10-25..31 02:30",
        "@1",
        "@0", "@1795312800", "@4102444800", "Mon @1795312800", "*-*", "*-2",
    ]

    private static let times = [
        "02:00", "2:0", "2:00:00", "00:00", "23:59:59", "*:00", "*:30", "*:0/15", "*:0/30", "*:7/20", "*:5..20/5",
        "*:*",
        "*:*:0", "*:*:*", "*:*:0/20", "*:*:30", "0/2:00", "1/6:30", "8..18:00", "8..18/2:00", "0..6,20..23:15",
        "2,14:30",
        "2..3:00,30", "1..3:30", "02:15", "02:30", "02:45", "02:59:59", "01:30", "01:45", "03:00", "00:30", "*:10,40:5",
        "*:*:0..30/10", "*:*:15..45", "02:30:00..59", "22..23:50..59:55..59", "1:0/1", "10..10:00", "5..5/1:00",
        "0:0:0/30", "23:0/59", "0/23:0", "*-*-* 02:00", "*-*-* *:00:00", "*-*-* 2,3,4:20",
    ]

    private static let monthEnds = [
        "*-*~1", "*-*~01", "*-*~2", "*-*~28", "*-02~01", "*-02~03", "*-*~1..3", "*-*~01..07/1", "Mon *-*~07/1",
        "Mon *-05~07/1", "*-*~7/2", "*-*~3/2", "*-*~1,5", "*-*~2..8/3", "*~1", "2..4~1", "2028-02~1",
        "Fri *-*~1..7 17:00",
        "*-*~28/9", "*-*~1..1",
    ]

    private static let zones = [
        "02:00 UTC", "02:00 Europe/Berlin", "*-*-* 02:30 Europe/Berlin", "*:0/20 America/New_York",
        "*:0/15 Australia/Lord_Howe", "daily Asia/Kolkata", "Mon 02:00 America/New_York", "*-*~1 23:00 Etc/UTC",
        "2026-10-25 02:30 Europe/Berlin", "2026-03-29 02:30 Europe/Berlin", "*:*:0/30 Asia/Kathmandu",
        "00:00 America/Havana", "00:30 America/Havana", "00:00 Asia/Beirut", "*:30 Africa/Casablanca",
        "01:30 Europe/Dublin",
        "Sun 02:00 Pacific/Chatham", "02:45 Pacific/Chatham", "*-*-* 00:15 America/Santiago", "12:00 Pacific/Apia",
    ]

    private static let usual = [
        "*-*-* 02:00:00", "*-*-* 04:00:00", "*-*-* 01..05:00", "*-*-1 03:30", "Sun *-*-1..7 04:00",
        "Sat *-*~1..7 05:00",
        "*-01,04,07,10-01 06:00", "Mon..Fri *-*-* 08..18/2:15",
    ]

    /// Refused by both.
    static let bad = [
        " ", "*", "1", "1:", ":1", "2:00:", "*-", "-1", "*-*-", "2026-", "2026-11-22T02:00", "24:00", "12:60",
        "12:00:60",
        "*-13-1", "*-0-1", "*-1-0", "*-1-32", "2200-1-1", "1969-1-1", "*-*~0", "*-*~29", "*-*~3..1", "~1", "*~1~1",
        "5..3:00", "9..1-1", "0/0:00", "*:0/60", "12/12:00", "*:*:0/60", "*/5:00", "*,1:00", "1,*:00", "1..:00",
        "1.:00",
        "1...2:00", "1/:00", "Foo", "Mon..Foo", "Mon..", "Mon-", "Sat..Mon", "Mon..Wed..Fri", "Mon/2", "Mo 02:00",
        "Montag 02:00", "02:00 Mon", "02:00 ", " 02:00", "02:00 Europe/Nowhere", "02:00 ../zoneinfo/UTC", "daily daily",
        "dayly", "hourly 02:00", "02:00 02:00", "2026-11-22 2026-11-23", "02-00", "a:b", "1a:00", "02:00 +01:00", "@",
        "@x",
        "@1 02:00", "99999999999999999999:00", "Mon,,Tue", ",Mon", "UTC", "2026-1-1-1", "*-*-*~1", "02.00", "*:59:59/1",
        "*-*~1,26", "*-*~1,2,3..23",
        "Mon,Tue02:00", "0x2:00",
    ]

    /// An expression of which most are good.
    static func random(_ random: inout some RandomNumberGenerator) -> String {
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        func field(_ numbers: ClosedRange<Int>, _ every: Int, openSteps: Bool = true) -> String {
            if chance(every) { return "*" }
            return (0..<Int.random(in: 1...3, using: &random)).map { _ in
                let start = Int.random(in: numbers, using: &random)
                var text = chance(50) ? "\(start)" : start < 10 ? "0\(start)" : "\(start)"
                let isRange = chance(30) && start < numbers.upperBound
                if isRange {
                    text += "..\(Int.random(in: start + 1...numbers.upperBound + (chance(3) ? 1 : 0), using: &random))"
                }
                if chance(25), isRange || openSteps {
                    text += "/\(Int.random(in: 1...max(1, (numbers.upperBound - start) / 2), using: &random))"
                }
                return text
            }.joined(separator: ",")
        }
        var words: [String] = []
        if chance(30) {
            let names = ["Mon", "tue", "Wednesday", "Thu", "FRI", "Sat", "Sunday"]
            let first = Int.random(in: 0...6, using: &random)
            words.append(
                chance(50) ? names[first] : "\(names[first])..\(names[Int.random(in: first...6, using: &random)])")
        }
        if chance(60) {
            let fromTheEnd = chance(25)
            let year = chance(80) ? "*-" : field(2026...2040, 0) + "-"
            words.append(
                (chance(80) ? year : "") + field(1...12, 60) + (fromTheEnd ? "~" : "-")
                    + field(1...(fromTheEnd ? 28 : 31), 40))
        }
        if chance(85) || words.isEmpty {
            // Of hours like `02/5`, systemd 252 takes 27 for one, and on days with a change of clocks goes on from there.
            words.append(
                field(0...23, 30, openSteps: false) + ":" + field(0...59, 20)
                    + (chance(30) ? ":" + field(0...59, 20) : ""))
        }
        if chance(20) {
            words.append(
                ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"].randomElement(using: &random)
                    ?? "UTC")
        }
        return words.joined(separator: " ")
    }
}
