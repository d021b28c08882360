import Machine

/// When a server wants to be asked again.
enum RetryAfter {
    /// Seconds from now on, as the header `Retry-After` has it (RFC 9110, 10.2.3): a number, or a date; nil for neither.
    static func seconds(_ header: String, now: Timestamp) -> Double? {
        if let seconds = Double(header), seconds.isFinite, seconds >= 0 { return seconds }
        return moment(header).map { max(0, $0.since(now)) }
    }

    /// Discord's way: `{"retry_after": 0.65}`.
    static func seconds(body: [UInt8]) -> Double? {
        struct Body: Decodable {
            let seconds: Double

            enum CodingKeys: String, CodingKey { case seconds = "retry_after" }
        }
        guard let seconds = try? JSON.read(Body.self, body, place: "").seconds, seconds >= 0 else { return nil }
        return seconds
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    private static func moment(_ text: String) -> Timestamp? {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let words = text.split(separator: " ").map(String.init)
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: words[2]) else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp("\(words[3])-\(number)-\(words[1])T\(words[4])Z")
    }
}
