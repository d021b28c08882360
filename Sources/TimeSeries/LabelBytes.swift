internal import Glibc

/// Walks over the bytes of ``Labels``.
struct LabelBytesReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    /// Where the next label begins.
    private(set) var position: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>, from position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    /// The next name and value; nil at the end.
    mutating func next() -> (name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>)? {
        guard position < bytes.count else { return nil }
        return (part(), part())
    }

    private mutating func part() -> UnsafeBufferPointer<UInt8> {
        var length = Int(bytes[position])
        position += 1
        if length >= 0x80 {
            length &= 0x7f
            var shift = 7
            while true {
                let byte = Int(bytes[position])
                position += 1
                length |= (byte & 0x7f) << shift
                if byte < 0x80 { break }
                shift += 7
            }
        }
        defer { position += length }
        return UnsafeBufferPointer(rebasing: bytes[position..<position + length])
    }
}

/// `memcmp`, then length.
func order(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Int {
    let common = min(left.count, right.count)
    if common > 0, let leftStart = left.baseAddress, let rightStart = right.baseAddress {
        let order = memcmp(leftStart, rightStart, common)
        if order != 0 { return Int(order) }
    }
    return left.count - right.count
}

/// Names of labels, to keep or to drop.
package struct LabelNames: Hashable, Sendable {
    private let names: Set<String>
    /// The same in byte order.
    private let sorted: [[UInt8]]

    package init(_ names: some Sequence<String>) {
        self.names = Set(names)
        sorted = self.names.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    package static let metricName = LabelNames(["__name__"])

    package func contains(_ name: String) -> Bool { names.contains(name) }

    func contains(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            let comparison = sorted[middle].withUnsafeBufferPointer { order($0, name) }
            if comparison == 0 { return true }
            if comparison < 0 { low = middle + 1 } else { high = middle }
        }
        return false
    }
}

/// Puts labels together from any order.
package struct LabelsBuilder {
    private var parts: [(name: [UInt8], value: [UInt8])] = []

    package init() {}

    package init(_ labels: Labels) {
        labels.forEachBytes { name, value in parts.append((Array(name), Array(value))) }
    }

    package mutating func set(_ name: String, _ value: String) { set(Array(name.utf8), Array(value.utf8)) }

    /// Adds or replaces a label; an empty value removes it.
    package mutating func set(_ name: [UInt8], _ value: [UInt8]) {
        parts.removeAll { $0.name == name }
        if !value.isEmpty { parts.append((name, value)) }
    }

    /// The value of a label that was set; nil when there is none.
    package subscript(name: [UInt8]) -> [UInt8]? { parts.first { $0.name == name }?.value }

    package var labels: Labels {
        let sorted = parts.sorted { $0.name.lexicographicallyPrecedes($1.name) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(sorted.reduce(0) { $0 + $1.name.count + $1.value.count + 2 })
        for part in sorted {
            bytes.appendVarint(UInt64(part.name.count))
            bytes.append(contentsOf: part.name)
            bytes.appendVarint(UInt64(part.value.count))
            bytes.append(contentsOf: part.value)
        }
        return Labels(trusted: bytes)
    }
}

extension Labels {
    /// Takes bytes that lay on a disk; nil when they are no labels: cut, unsorted, doubled, an empty name or value.
    init?(checking bytes: [UInt8]) {
        var position = 0
        var former: ArraySlice<UInt8>?
        func part() -> ArraySlice<UInt8>? {
            guard let length = bytes.varint(at: &position), length > 0, length <= UInt64(bytes.count - position) else {
                return nil
            }
            defer { position += Int(length) }
            return bytes[position..<position + Int(length)]
        }
        while position < bytes.count {
            guard let name = part(), part() != nil else { return nil }
            if let former, !former.lexicographicallyPrecedes(name) { return nil }
            former = name
        }
        self.init(trusted: bytes)
    }
}
