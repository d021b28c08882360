/// One number about this host, for whoever watches it, in the terms of Prometheus: name, labels, value in base units.
package struct Measurement: Sendable, Equatable {
    package let name: String
    /// What it means, in one sentence.
    package let help: String
    package let labels: [(name: String, value: String)]
    package let value: Double

    package init(_ name: String, _ help: String, _ labels: [(name: String, value: String)] = [], _ value: Double) {
        self.name = name
        self.help = help
        self.labels = labels
        self.value = value
    }

    package static func == (left: Measurement, right: Measurement) -> Bool {
        left.name == right.name && left.help == right.help && left.value == right.value
            && left.labels.elementsEqual(right.labels) { $0 == $1 }
    }
}

/// Something that has numbers about itself: what joins the two halves of the house, which do not know each other.
package protocol Measured {
    func measurements() throws -> [Measurement]
}
