import Machine
import TestKit

/// An archive in our own form with a manifest that fits, whatever is in it: what anybody can make who has the public key.
struct HostileOwnTar {
    /// The folder of the control members.
    let controlFolder = ".holdfast"
    private(set) var bytes: [UInt8] = []
    private(set) var tricks: [String] = []
    private var tar = TarMaker()
    private var lines = ""
    private var entries = 0
    private var stored = 0
    private var names: HostileTar
    private var random: SeededRandom
    private var folders: [[UInt8]] = [[]]

    static let identity = #""host":"00112233445566778899aabbccddeeff","item":"volume.n8n_data""#
    static let point = #""point":"2026-11-22T020000Z""#

    init(_ random: SeededRandom, victims: [String]) {
        self.random = random
        names = HostileTar(random, victims: victims)
        control("begin.json", #"{"format":"holdfast-archive/1",\#(Self.identity),\#(Self.point)}"# + "\n")
        add("5", [], mode: 0o755)
        for _ in 0..<Int.random(in: 1...6, using: &self.random) { member() }
        control("manifest-000001.jsonl", lines)
        control(
            "end.json",
            #"{"bytes":\#(stored),"entries":\#(entries),"format":"holdfast-archive/1",\#(Self.identity),"manifests":1,\#(Self.point),"torn":0}"#
                + "\n")
        bytes = tar.closed
    }

    private mutating func control(_ name: String, _ text: String) {
        var header = TarMaker.Header("\(controlFolder)/\(name)")
        header.mode = 0o400
        tar.add(header, Array(text.utf8))
    }

    private mutating func member() {
        let type = Array("000112235346").randomElement(using: &random) ?? "0"
        let parent = Int.random(in: 0..<4, using: &random) == 0 ? folders.last ?? [] : []
        let odd = Int.random(in: 0..<3, using: &random) == 0
        let name = odd ? names.name() : Array("f\(entries % 4)".utf8)
        let path = parent.isEmpty ? name : parent + [0x2f] + name
        let mode: UInt32 = [0o644, 0o755, 0o4755, 0o2711, 0o600].randomElement(using: &random) ?? 0o644
        let link = Int.random(in: 0..<2, using: &random) == 0 ? Array("f0".utf8) : names.link()
        add(type, path, mode: mode, link: "12".contains(type) ? link : [], "content \(entries)")
        if type == "5" { folders.append(path) }
    }

    private mutating func add(
        _ type: Character, _ path: [UInt8], mode: UInt32, link: [UInt8] = [], _ content: String = ""
    ) {
        var header = TarMaker.Header(Array("./".utf8) + path + (type == "5" && !path.isEmpty ? [0x2f] : []), type)
        header.mode = type == "1" ? 0 : type == "2" ? 0o777 : mode
        header.link = link
        if "34".contains(type) { header.device = (1, 3) }
        let data = type == "0" ? Array(content.utf8) : []
        tar.add(header, data)
        tricks.append("\(type) \(RawPath(path)) → \(RawPath(link)) \(String(mode, radix: 8))")
        entries += 1
        stored += data.count
        lines += line(type, path, header, data)
    }

    /// The canonical line, for names that are UTF-8.
    private func line(_ type: Character, _ path: [UInt8], _ header: TarMaker.Header, _ data: [UInt8]) -> String {
        let kinds: [Character: String] = [
            "0": "file", "1": "hardlink", "2": "symlink", "3": "char", "4": "block", "5": "directory", "6": "fifo",
        ]
        let shown = path.isEmpty ? "." : String(decoding: path, as: UTF8.self)
        var line = "{\"path\":\(Self.quoted(shown)),\"type\":\"\(kinds[type] ?? "")\""
        let link = Self.quoted(String(decoding: header.link, as: UTF8.self))
        if type == "1" { return line + ",\"link\":\(link)}\n" }
        let octal = String(header.mode, radix: 8)
        let mode = String(repeating: "0", count: max(0, 4 - octal.count)) + octal
        line += ",\"mode\":\"\(mode)\",\"uid\":0,\"gid\":0,\"mtime\":\"1700000000.000000000\""
        switch type {
        case "0": line += ",\"size\":\(data.count),\"sha256\":\"\(Digest.of(data))\""
        case "2": line += ",\"link\":\(link)"
        case "3", "4": line += ",\"device\":[1,3]"
        default: break
        }
        return line + "}\n"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\u{0}"..<" ", "\u{7f}": quoted += "\\u00" + [UInt8(scalar.value)].hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
