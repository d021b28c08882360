import Glibc
import Machine
import TestKit

/// A backup directory, as it was and as somebody left it.
struct Tampering {
    /// One file of it, by its path from there.
    enum Content: Equatable {
        case bytes([UInt8])
        /// A symbolic link to a copy that lies elsewhere.
        case link(String)
        case fifo
        case folder
    }

    private let directory: String
    private let pristine: [String: Content]
    /// Names of the points, oldest first.
    let points: [String]

    init(_ directory: String) throws {
        self.directory = directory
        points = try Descriptor.folder(directory).names().filter { $0.hasSuffix("Z") }
        var files: [String: Content] = [:]
        for point in points {
            for name in try Descriptor.folder("\(directory)/\(point)").names() {
                let file = try Descriptor.open("\(directory)/\(point)/\(name)", O_RDONLY)
                files["\(point)/\(name)"] = .bytes(try file.readAll(limit: 1 << 30))
            }
        }
        pristine = files
    }

    /// What was done, in words, and to which files of which points.
    struct Change: CustomStringConvertible {
        var description: String
        fileprivate(set) var files: [String: Content?] = [:]

        /// Names of the changed files of a point.
        func names(in point: String) -> Set<String> {
            Set(files.keys.filter { $0.hasPrefix(point + "/") }.map { String($0.dropFirst(point.count + 1)) })
        }
    }

    /// Does to the directory what a seed says, gives it to `body`, and puts it right again.
    ///
    /// Nothing happens when a change comes out as no change.
    func changed(
        _ random: inout SeededRandom, isolation: isolated (any Actor)? = #isolation,
        _ body: (Change) async throws -> Void
    ) async throws {
        var change = make(&random)
        change.files = change.files.filter { $0.value != pristine[$0.key] }
        guard !change.files.isEmpty else { return }
        do {
            for (path, content) in change.files { try put(content, at: path) }
            try await body(change)
        } catch {
            try putRight(change)
            throw error
        }
        try putRight(change)
    }

    private func putRight(_ change: Change) throws {
        for path in change.files.keys { try put(pristine[path], at: path) }
    }

    private func put(_ content: Content?, at path: String) throws {
        let (point, name) = (String(path.prefix { $0 != "/" }), String(path.drop { $0 != "/" }.dropFirst()))
        let folder = try Descriptor.folder("\(directory)/\(point)")
        if folder.has(name) { try folder.removeTree(name) }
        switch content {
        case .bytes(let bytes):
            let file = try folder.open(name, O_WRONLY | O_CREAT | O_EXCL)
            try file.write(bytes)
        case .link(let target): symlink(target, "\(directory)/\(path)")
        case .fifo: mkfifo("\(directory)/\(path)", 0o600)
        case .folder: try folder.makeFolder(name)
        case nil: break
        }
    }

    // MARK: - What is done

    /// A file as it was; empty for what was none.
    func bytes(_ path: String) -> [UInt8] {
        if case .bytes(let bytes) = pristine[path] { bytes } else { [] }
    }

    private func make(_ random: inout SeededRandom) -> Change {
        let path = pristine.keys.sorted().randomElement(using: &random) ?? ""
        switch Int.random(in: 0..<16, using: &random) {
        case 0...4: return flip(path, &random)
        case 5: return cut(path, &random)
        case 6: return append(path, &random)
        case 7: return swapBlocks(path, &random)
        case 8: return swapFiles(path, &random)
        case 9: return replay(path, &random)
        case 10: return swapManifests(&random)
        case 11: return Change(description: "\(path) removed", files: [path: nil])
        case 12: return add(&random)
        case 13: return edit(&random)
        case 14: return replace(path, &random)
        default: return olderPoint(&random)
        }
    }

    /// Flips bits in one region: where packets begin, where keys stand, in the data, where its check stands, at the end.
    private func flip(_ path: String, _ random: inout SeededRandom) -> Change {
        var changed = bytes(path)
        let end = changed.count
        let regions = [0..<3, 0..<16, 0..<100, 90..<110, 0..<end, end - 24..<end, end - 1..<end]
        let region = (regions.randomElement(using: &random) ?? 0..<end).clamped(to: 0..<end)
        var places: [Int] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: region.isEmpty ? 0..<end : region, using: &random)
            changed[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            places.append(place)
        }
        return Change(description: "\(path) flipped at \(places) of \(end)", files: [path: .bytes(changed)])
    }

    private func cut(_ path: String, _ random: inout SeededRandom) -> Change {
        let whole = bytes(path)
        let lengths = [0, 1, whole.count - 1, whole.count - 22, Int.random(in: 0..<whole.count, using: &random)]
        let length = max(0, lengths.randomElement(using: &random) ?? 0)
        return Change(
            description: "\(path) cut to \(length) of \(whole.count)",
            files: [path: .bytes(Array(whole.prefix(length)))])
    }

    private func append(_ path: String, _ random: inout SeededRandom) -> Change {
        let other = pristine.keys.sorted().randomElement(using: &random) ?? path
        let noise = (0..<Int.random(in: 1...600, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        let tails = [
            noise, [0], [0x0a], bytes(path), bytes(other), [0xca, 3, 0x50, 0x47, 0x50], [0xd3, 0x14] + noise,
        ]
        let tail = tails.randomElement(using: &random) ?? [0]
        return Change(
            description: "\(tail.count) bytes behind \(path), as \(tail.prefix(4))",
            files: [path: .bytes(bytes(path) + tail)])
    }

    private func swapBlocks(_ path: String, _ random: inout SeededRandom) -> Change {
        var changed = bytes(path)
        let length = min(Int.random(in: 1...64, using: &random), changed.count / 2)
        let one = Int.random(in: 0...(changed.count / 2 - length), using: &random)
        let other = Int.random(in: changed.count / 2...(changed.count - length), using: &random)
        for offset in 0..<length { changed.swapAt(one + offset, other + offset) }
        return Change(
            description: "\(path): \(length) bytes at \(one) and at \(other) exchanged", files: [path: .bytes(changed)])
    }

    private func swapFiles(_ path: String, _ random: inout SeededRandom) -> Change {
        let other = pristine.keys.sorted().randomElement(using: &random) ?? path
        var change = Change(description: "\(path) and \(other) exchanged")
        change.files[path] = .bytes(bytes(other))
        change.files[other] = .bytes(bytes(path))
        return change
    }

    /// A file of one point in the place of the same file of the other.
    private func replay(_ path: String, _ random: inout SeededRandom) -> Change {
        let name = path.drop { $0 != "/" }
        let source = points.first { !path.hasPrefix($0) } ?? ""
        return Change(
            description: "\(path) is that of \(source)", files: [path: .bytes(bytes("\(source)\(name)"))])
    }

    private func swapManifests(_ random: inout SeededRandom) -> Change {
        let names = [["manifest.json"], ["manifest.json.sig"], ["manifest.json", "manifest.json.sig"]]
        let chosen = names.randomElement(using: &random) ?? []
        var change = Change(description: "\(chosen) of both points exchanged")
        for name in chosen {
            change.files["\(points[0])/\(name)"] = .bytes(bytes("\(points[1])/\(name)"))
            change.files["\(points[1])/\(name)"] = .bytes(bytes("\(points[0])/\(name)"))
        }
        return change
    }

    private func add(_ random: inout SeededRandom) -> Change {
        let point = points.randomElement(using: &random) ?? ""
        let names = [
            "x", ".hidden", "manifest.json~", "volume.other.tar.zst.gpg", "x.partial", "manifest.json.sig.1", " ",
            "volume.n8n_data.tar.gz.gpg", "\u{1b}[2J",
        ]
        let name = names.randomElement(using: &random) ?? "x"
        let contents: [Content] = [.bytes([]), .bytes([1, 2]), .folder, .fifo, .link("/etc/passwd")]
        return Change(
            description: "\(point)/\(RawPath(name)) added",
            files: ["\(point)/\(name)": contents.randomElement(using: &random) ?? .folder])
    }

    /// A change of the manifest's text that is still JSON, as often as not.
    private func edit(_ random: inout SeededRandom) -> Change {
        let path = "\(points.randomElement(using: &random) ?? "")/manifest.json"
        var text = String(decoding: bytes(path), as: UTF8.self)
        let edits: [(String, String)] = [
            ("\"outcome\" : \"whole\"", "\"outcome\" : \"torn\""), ("\"complete\"", "\"incomplete\""), (" : ", ": "),
            ("\n", "\n\n"), ("\"size\" : ", "\"size\" : 1"), ("\"entries\" : ", "\"entries\" : 1"),
            ("\"host\" : \"", "\"host\" : \"a"), ("\"previous\"", "\"previous_\""), ("Z\"", "z\""),
            ("\"sha256\" : \"", "\"sha256\" : \"0"), ("\"item\"", "\"items\""), ("}", "},"), ("[", "[["),
            ("volume.n8n_data", "volume.web_data"), ("\"archive\"", "\"extra\" : 1, \"archive\""),
        ]
        let (old, new) = edits.randomElement(using: &random) ?? ("", "")
        if let range = text.ranges(of: old).randomElement(using: &random) { text.replaceSubrange(range, with: new) }
        return Change(description: "\(path): \(old) is \(new)", files: [path: .bytes(Array(text.utf8))])
    }

    private func replace(_ path: String, _ random: inout SeededRandom) -> Change {
        let noise = (0..<bytes(path).count).map { _ in UInt8.random(in: 0...255, using: &random) }
        let other = points.first { !path.hasPrefix($0) } ?? ""
        let contents: [Content] = [
            .bytes(noise), .bytes([UInt8](repeating: 0, count: noise.count)), .fifo, .folder,
            .link("../\(other)\(path.drop { $0 != "/" })"),
        ]
        let content = contents.randomElement(using: &random) ?? .fifo
        return Change(description: "\(path) replaced by \(content)".prefix(120).description, files: [path: content])
    }

    /// All of one point under the name of the other.
    private func olderPoint(_ random: inout SeededRandom) -> Change {
        let (from, to) = Bool.random(using: &random) ? (points[0], points[1]) : (points[1], points[0])
        var change = Change(description: "\(from) under the name of \(to)")
        for path in pristine.keys where path.hasPrefix(to + "/") { change.files[path] = .some(nil) }
        for path in pristine.keys where path.hasPrefix(from + "/") {
            change.files[to + path.dropFirst(from.count)] = .bytes(bytes(path))
        }
        return change
    }
}
