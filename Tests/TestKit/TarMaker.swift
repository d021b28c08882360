/// Makes a tar member by member, also such as no honest program writes: nothing that it is given is looked at.
package struct TarMaker {
    package private(set) var bytes: [UInt8] = []

    /// A member's header, field by field.
    package struct Header {
        package var name: [UInt8]
        /// The type flag: `0` file, `1` hard link, `2` symbolic link, `5` folder, `x` pax header, …
        package var type: UInt8
        package var link: [UInt8] = []
        package var mode: UInt32 = 0o644
        package var owner: UInt32 = 0
        /// What the header says; nil: as long as the content is.
        package var size: Size?
        package var device: (major: UInt32, minor: UInt32) = (0, 0)
        package var magic: Magic = .ustar
        /// Whether its sum is the right one.
        package var isSummed = true

        package init(_ name: [UInt8], _ type: Character = "0") {
            self.name = name
            self.type = type.asciiValue ?? 0x30
        }

        package init(_ name: String, _ type: Character = "0") { self.init(Array(name.utf8), type) }
    }

    /// How long a member says that it is.
    package enum Size {
        case octal(UInt64)
        /// The twelve bytes as they stand there: GNU's base 256, or rubbish.
        case raw([UInt8])
    }

    /// What the header says of its own form.
    package enum Magic: CaseIterable { case ustar, gnu, none }

    package init() {}

    /// Adds a member, padded to whole blocks.
    package mutating func add(_ header: Header, _ content: [UInt8] = []) {
        bytes += Self.block(header, count: content.count)
        bytes += content
        bytes += [UInt8](repeating: 0, count: -content.count & 511)
    }

    /// Adds a file.
    package mutating func add(_ name: String, _ content: String) { add(Header(name), Array(content.utf8)) }

    /// Adds a pax header (type `x`, or `g` for all that follow) with these records.
    package mutating func addPax(_ records: [(key: String, value: [UInt8])], type: Character = "x") {
        add(Header("PaxHeaders/x", type), records.reduce([]) { $0 + Self.record($1.key, $1.value) })
    }

    /// Adds bytes as they are.
    package mutating func addRaw(_ more: [UInt8]) { bytes += more }

    /// With the two empty blocks that close a tar.
    package var closed: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    /// A pax record that says its own length rightly.
    package static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let rest = [0x20] + Array(key.utf8) + [0x3d] + value + [0x0a]
        var length = rest.count + 1
        while "\(length)".utf8.count + rest.count != length { length = "\(length)".utf8.count + rest.count }
        return Array("\(length)".utf8) + rest
    }

    /// One header of 512 bytes.
    package static func block(_ header: Header, count: Int) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: [UInt8], _ offset: Int, _ width: Int) {
            let part = text.prefix(width)
            block.replaceSubrange(offset..<offset + part.count, with: part)
        }
        func octal(_ value: UInt64, _ digits: Int) -> [UInt8] {
            let text = String(value, radix: 8)
            return Array((String(repeating: "0", count: max(0, digits - text.utf8.count)) + text).utf8)
        }
        put(header.name, 0, 100)
        put(octal(UInt64(header.mode), 7), 100, 8)
        put(octal(UInt64(header.owner), 7), 108, 8)
        put(octal(UInt64(header.owner), 7), 116, 8)
        switch header.size {
        case nil: put(octal(UInt64(count), 11), 124, 12)
        case .octal(let size): put(octal(size, 11), 124, 12)
        case .raw(let raw): put(raw, 124, 12)
        }
        put(octal(1_700_000_000, 11), 136, 12)
        block[156] = header.type
        put(header.link, 157, 100)
        switch header.magic {
        case .ustar: put(Array("ustar\u{0}00".utf8), 257, 8)
        case .gnu: put(Array("ustar  \u{0}".utf8), 257, 8)
        case .none: break
        }
        if header.magic != .none {
            put(octal(UInt64(header.device.major), 7), 329, 8)
            put(octal(UInt64(header.device.minor), 7), 337, 8)
        }
        sum(&block, at: 0)
        if !header.isSummed { block[148] ^= 1 }
        return block
    }

    /// Puts the right sum into the header that begins at `start`.
    package static func sum(_ tar: inout [UInt8], at start: Int) {
        tar.replaceSubrange(start + 148..<start + 156, with: [UInt8](repeating: 0x20, count: 8))
        let digits = String(tar[start..<start + 512].reduce(0) { $0 + Int($1) }, radix: 8)
        let sum = String(repeating: "0", count: 6 - digits.utf8.count) + digits
        tar.replaceSubrange(start + 148..<start + 155, with: Array(sum.utf8) + [0])
    }
}
