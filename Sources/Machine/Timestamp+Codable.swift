extension Timestamp: Codable {
    /// Reads what ``encode(to:)`` wrote.
    package init(from decoder: any Decoder) throws {
        let one = try decoder.singleValueContainer()
        guard let moment = Timestamp(try one.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: one, debugDescription: "no moment in RFC 3339, UTC")
        }
        self = moment
    }

    /// Writes RFC 3339 in UTC, whole seconds: fractions are dropped.
    package func encode(to encoder: any Encoder) throws {
        var one = encoder.singleValueContainer()
        try one.encode(description)
    }
}
