import Archives

/// A tar made by hand, so that it can hold what no honest program writes.
struct TinyTar {
    private(set) var bytes: [UInt8] = []

    /// Adds one member with a plain ustar header.
    mutating func add(
        _ name: String, type: Character = "0", _ content: [UInt8] = [], link: String = "", mode: UInt32 = 0o644,
        device: (UInt32, UInt32) = (0, 0)
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: [UInt8], _ offset: Int) { header.replaceSubrange(offset..<offset + text.count, with: text) }
        func octal(_ value: Int, _ offset: Int, _ width: Int) {
            let digits = String(value, radix: 8)
            put(Array((String(repeating: "0", count: width - 1 - digits.count) + digits).utf8), offset)
        }
        put(Array(name.utf8.prefix(100)), 0)
        octal(Int(mode), 100, 8)
        octal(0, 108, 8)
        octal(0, 116, 8)
        octal(content.count, 124, 12)
        octal(1_700_000_000, 136, 12)
        put(Array(type.utf8), 156)
        put(Array(link.utf8.prefix(100)), 157)
        put(Array("ustar\u{0}00".utf8), 257)
        octal(Int(device.0), 329, 8)
        octal(Int(device.1), 337, 8)
        put(Array(repeating: 0x20, count: 8), 148)
        octal(header.reduce(0) { $0 + Int($1) }, 148, 7)
        bytes += header + content + [UInt8](repeating: 0, count: -content.count & 511)
    }

    mutating func add(_ name: String, _ text: String) { add(name, Array(text.utf8)) }

    /// With the two blocks that close a tar.
    var closed: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    /// Begins as an archive of ours does.
    static var ours: TinyTar {
        var tar = TinyTar()
        tar.add(
            ".holdfast/begin.json",
            #"{"format":"holdfast-archive/1","host":"\#(Kit.identity.host)","item":"\#(Kit.identity.item)","point":"\#(Kit.identity.point)"}"#
        )
        return tar
    }
}
