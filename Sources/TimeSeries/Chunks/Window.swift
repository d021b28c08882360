internal import Machine

/// Two hours, aligned to UTC: what is stored together.
struct Window: Hashable, Comparable, Sendable {
    /// Milliseconds.
    static let length: Int64 = 2 * 3600 * 1000
    static let perDay: Int64 = 12

    /// Counted from 1970 on.
    let number: Int64

    init(_ number: Int64) { self.number = number }

    /// The window that a time in milliseconds lies in.
    init(of time: Int64) {
        let number = time / Self.length
        self.number = time % Self.length < 0 ? number - 1 : number
    }

    var start: Int64 { number * Self.length }
    var end: Int64 { start + Self.length }
    var day: Day { Day(number: (number - ofDay) / Self.perDay) }
    /// 0…11
    var ofDay: Int64 {
        let rest = number % Self.perDay
        return rest < 0 ? rest + Self.perDay : rest
    }

    /// Its bit among those of its day.
    var bit: UInt16 { 1 << UInt16(ofDay) }

    static func < (left: Window, right: Window) -> Bool { left.number < right.number }
}

/// A day in UTC.
struct Day: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Milliseconds.
    static let length = Window.length * Window.perDay

    /// Counted from 1970 on.
    let number: Int64

    init(number: Int64) { self.number = number }

    /// Reads what ``description`` writes; nil for anything else.
    init?(_ text: some StringProtocol) {
        guard let time = Timestamp(String(text), pattern: "%Y-%m-%d") else { return nil }
        number = time.seconds / 86_400
    }

    var start: Int64 { number * Self.length }
    var end: Int64 { start + Self.length }
    var description: String { Timestamp(seconds: number * 86_400).format("%Y-%m-%d") }

    static func < (left: Day, right: Day) -> Bool { left.number < right.number }
}
