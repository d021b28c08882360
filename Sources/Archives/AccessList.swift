/// POSIX ACLs: the kernel's form and the numeric text that pax headers, manifests and `setfacl -n` use.
///
/// The kernel's form (`linux/posix_acl_xattr.h`): a 32-bit version, 2; then for each entry 16 bits of tag, 16 of
/// permissions and 32 of id, all little-endian.
enum AccessList {
    /// The attribute that holds a file's own ACL, and the one that a folder passes on to what is made in it.
    static let accessName = "system.posix_acl_access"
    static let defaultName = "system.posix_acl_default"

    private static let tags: [(tag: UInt16, word: String, hasID: Bool)] = [
        (0x01, "user", false), (0x02, "user", true), (0x04, "group", false), (0x08, "group", true),
        (0x10, "mask", false), (0x20, "other", false),
    ]

    /// `user::rw-,user:1000:r--,group::r--,mask::r--,other::r--`; nil if the kernel's form is one that we do not know.
    static func text(of kernel: UnsafeRawBufferPointer) -> [UInt8]? {
        guard kernel.count >= 4, (kernel.count - 4).isMultiple(of: 8) else { return nil }
        guard UInt32(littleEndian: kernel.loadUnaligned(as: UInt32.self)) == 2 else { return nil }
        var text: [UInt8] = []
        for offset in stride(from: 4, to: kernel.count, by: 8) {
            let tag = UInt16(littleEndian: kernel.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
            let bits = UInt16(littleEndian: kernel.loadUnaligned(fromByteOffset: offset + 2, as: UInt16.self))
            let id = UInt32(littleEndian: kernel.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self))
            guard let known = tags.first(where: { $0.tag == tag }), bits < 8 else { return nil }
            if !text.isEmpty { text.append(0x2c) }
            text += known.word.utf8
            text.append(0x3a)
            if known.hasID { text.append(decimal: id) }
            text.append(0x3a)
            text.append(bits & 4 != 0 ? 0x72 : 0x2d)
            text.append(bits & 2 != 0 ? 0x77 : 0x2d)
            text.append(bits & 1 != 0 ? 0x78 : 0x2d)
        }
        return text
    }

    /// Whether the ACL says no more than the permission bits do.
    static func isTrivial(_ kernel: UnsafeRawBufferPointer) -> Bool { kernel.count <= 4 + 3 * 8 }

    /// The permissions that a text gives to its mask, which the group's bits of the mode show; nil if it has none.
    static func mask(of text: [UInt8]) -> UInt32? {
        guard let mask = text.split(separator: 0x2c).first(where: { $0.starts(with: "mask::".utf8) }) else {
            return nil
        }
        return zip(mask.suffix(3), [UInt32(4), 2, 1]).reduce(0) { $0 | ($1.0 == 0x2d ? 0 : $1.1) }
    }

    /// The kernel's form of a text; nil if it is not one that `text(of:)` writes.
    static func kernel(of text: [UInt8]) -> [UInt8]? {
        var kernel: [UInt8] = [2, 0, 0, 0]
        for line in text.split(separator: 0x2c, omittingEmptySubsequences: false) {
            let parts = line.split(separator: 0x3a, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2].count == 3 else { return nil }
            let hasID = !parts[1].isEmpty
            guard let known = tags.first(where: { $0.hasID == hasID && parts[0].elementsEqual($0.word.utf8) })
            else { return nil }
            var id = UInt32.max
            if hasID {
                guard let value = number(parts[1]), let small = UInt32(exactly: value) else { return nil }
                id = small
            }
            var bits: UInt16 = 0
            for (letter, bit) in zip(parts[2], [(UInt8(0x72), UInt16(4)), (0x77, 2), (0x78, 1)]) {
                if letter == bit.0 { bits |= bit.1 } else if letter != 0x2d { return nil }
            }
            withUnsafeBytes(of: known.tag.littleEndian) { kernel.append(contentsOf: $0) }
            withUnsafeBytes(of: bits.littleEndian) { kernel.append(contentsOf: $0) }
            withUnsafeBytes(of: id.littleEndian) { kernel.append(contentsOf: $0) }
        }
        return kernel
    }
}
