internal import Glibc

/// A name and its value.
package struct Label: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// The labels that name a series: sorted by name in byte order, each name once, no empty value.
///
/// They are one run of bytes (`docs/formats/timeseries.md`), so that comparing and hashing look at memory only, and a
/// series costs one allocation. An absent label and one with an empty value are the same thing.
package struct Labels: Sendable {
    /// Length (LEB128) and bytes of name and value, in turn.
    let bytes: [UInt8]

    /// No labels at all.
    package init() { bytes = [] }

    /// - Precondition: `bytes` were made by a ``LabelsBuilder`` or checked by ``init(checking:)``.
    init(trusted bytes: [UInt8]) { self.bytes = bytes }

    /// Sorts, and leaves empty values out; of one name given twice the last counts.
    package init(_ labels: some Sequence<Label>) {
        var builder = LabelsBuilder()
        for label in labels { builder.set(label.name, label.value) }
        self = builder.labels
    }

    /// As ``init(_:)``.
    package init(_ labels: KeyValuePairs<String, String>) {
        self.init(labels.lazy.map { Label(name: $0.key, value: $0.value) })
    }

    package var isEmpty: Bool { bytes.isEmpty }

    package var count: Int {
        var count = 0
        forEachBytes { _, _ in count += 1 }
        return count
    }

    /// The value of a label; nil when absent.
    package subscript(name: String) -> String? {
        var name = name
        return name.withUTF8 { name in withValue(of: name) { $0.map { String(decoding: $0, as: UTF8.self) } } }
    }

    /// The label that holds the metric's name.
    package static let metricName = "__name__"

    /// The metric's name; nil when absent.
    package var metricName: String? { self[Self.metricName] }

    /// These labels with one more or a changed one; an empty value removes it.
    package func setting(_ name: String, to value: String) -> Labels {
        var builder = LabelsBuilder(self)
        builder.set(name, value)
        return builder.labels
    }

    /// Only the labels of these names (`by`).
    package func keeping(_ names: LabelNames) -> Labels { filtered { names.contains($0) } }

    /// All labels but those of these names (`without`, `ignoring`).
    package func dropping(_ names: LabelNames) -> Labels { filtered { !names.contains($0) } }

    /// All labels but the metric's name.
    package var withoutMetricName: Labels { dropping(.metricName) }

    private func filtered(_ isWanted: (UnsafeBufferPointer<UInt8>) -> Bool) -> Labels {
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        var isWhole = true
        bytes.withUnsafeBufferPointer { bytes in
            var reader = LabelBytesReader(bytes)
            var start = 0
            while let (name, _) = reader.next() {
                if isWanted(name) { kept.append(contentsOf: bytes[start..<reader.position]) } else { isWhole = false }
                start = reader.position
            }
        }
        return isWhole ? self : Labels(trusted: kept)
    }
}

extension Labels {
    /// Shows the bytes of each name and value, in order; they live only as long as the call.
    package func forEachBytes(_ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Void) {
        bytes.withUnsafeBufferPointer { bytes in
            var reader = LabelBytesReader(bytes)
            while let (name, value) = reader.next() { body(name, value) }
        }
    }

    /// Shows the bytes of one label's value; nil when absent.
    package func withValue<Result>(
        of name: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>?) -> Result
    ) -> Result {
        bytes.withUnsafeBufferPointer { bytes in
            var reader = LabelBytesReader(bytes)
            while let (candidate, value) = reader.next() {
                if order(candidate, name) == 0 { return body(value) }
            }
            return body(nil)
        }
    }
}

extension Labels: Hashable {
    package static func == (left: Labels, right: Labels) -> Bool { left.bytes == right.bytes }

    package func hash(into hasher: inout Hasher) {
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}

extension Labels: Comparable {
    /// Label by label, each by name and then by value, in byte order; a prefix comes first.
    package static func < (left: Labels, right: Labels) -> Bool {
        left.bytes.withUnsafeBufferPointer { leftBytes in
            right.bytes.withUnsafeBufferPointer { rightBytes in
                var (left, right) = (LabelBytesReader(leftBytes), LabelBytesReader(rightBytes))
                while true {
                    guard let (rightName, rightValue) = right.next() else { return false }
                    guard let (leftName, leftValue) = left.next() else { return true }
                    let byName = order(leftName, rightName)
                    if byName != 0 { return byName < 0 }
                    let byValue = order(leftValue, rightValue)
                    if byValue != 0 { return byValue < 0 }
                }
            }
        }
    }
}

extension Labels: Sequence {
    package struct Iterator: IteratorProtocol {
        private let bytes: [UInt8]
        private var position = 0

        fileprivate init(_ bytes: [UInt8]) { self.bytes = bytes }

        package mutating func next() -> Label? {
            bytes.withUnsafeBufferPointer { bytes in
                var reader = LabelBytesReader(bytes, from: position)
                guard let (name, value) = reader.next() else { return nil }
                position = reader.position
                return Label(name: String(decoding: name, as: UTF8.self), value: String(decoding: value, as: UTF8.self))
            }
        }
    }

    package func makeIterator() -> Iterator { Iterator(bytes) }
}

extension Labels: CustomStringConvertible {
    /// As Prometheus writes a metric: `up{job="node"}`, without a name `{job="node"}`.
    package var description: String {
        let others = withoutMetricName.map { "\($0.name)=\(quoted($0.value))" }.joined(separator: ", ")
        guard let name = metricName else { return "{\(others)}" }
        return others.isEmpty ? name : "\(name){\(others)}"
    }
}

/// In double quotes, with backslashes where Prometheus's language needs them.
private func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\\": quoted += "\\\\"
        case "\"": quoted += "\\\""
        case "\n": quoted += "\\n"
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}
