package import Machine

/// What a restore point is called: the moment it was begun, in UTC, `2026-11-22T020000Z`.
///
/// Sorts by time, as text too; local time would repeat an hour each autumn.
package struct PointName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let moment: Timestamp

    package init(_ moment: Timestamp) { self.moment = Timestamp(seconds: moment.seconds) }

    /// Reads a name; nil for anything that ``description`` would not write.
    package init?(_ text: String) {
        guard let moment = Timestamp(text, pattern: Self.pattern) else { return nil }
        self.moment = moment
    }

    package var description: String { moment.format(Self.pattern) }

    package static func < (left: PointName, right: PointName) -> Bool { left.moment < right.moment }

    private static let pattern = "%Y-%m-%dT%H%M%SZ"
}

extension PointName: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let name = PointName(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no name of a restore point")
        }
        self = name
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
