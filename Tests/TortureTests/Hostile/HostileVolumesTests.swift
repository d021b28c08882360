import Machine
import TestKit
import Testing

/// Strangers' archives of volumes, by the built program: all volumes or none, and no way from one into another.
@Suite struct HostileVolumesTests {
    @Test func inPlaceOrNotAtAll() async throws {
        try await withDemoHost { host in
            try await host.shell("mkdir -p volumes/other/_data; echo precious > volumes/other/_data/file")
            let before = try host.snapshot("volumes")
            var restored = 0
            for round in Torture.rounds(of: "hostile archives of volumes", short: 24) {
                var random = round.random
                let (tar, tricks) = Self.make(&random)
                let about = "\(round): \(tricks)"
                try host.write("x.tar", tar)
                let outcome = try await host.restore("archive", host.path("x.tar"), "--volumes", "--json")
                let now = try host.snapshot("volumes")
                if outcome.status == 0 {
                    restored += 1
                    #expect(Self.linksOut(now) == [], "\(about) \(outcome)")
                    let other = { (path: [UInt8]) in path.starts(with: "other/_data".utf8) }
                    #expect(
                        before.items.filter { other($0.key) } == now.items.filter { other($0.key) }, "\(about)")
                    let undone = try await host.holdfast("restore", "undo", "--yes")
                    #expect(undone.status == 0, "\(about) \(undone)")
                } else {
                    #expect([1, 4].contains(outcome.status), "\(about) \(outcome)")
                    #expect(try outcome.json()["error"]["remedy"].string?.isEmpty == false, "\(about) \(outcome)")
                }
                let different = Self.essence(before).differences(from: Self.essence(try host.snapshot("volumes")))
                #expect(different == [], "\(about) \(outcome)")
                #expect(try host.leftovers() == [], "\(about)")
                let isPrintable = (outcome.output + outcome.errors).unicodeScalars.allSatisfy {
                    $0 == "\n" || $0.properties.generalCategory != .control
                }
                #expect(isPrintable, "\(about) \(outcome)")
            }
            #expect(restored > 0)
        }
    }

    /// Volumes' own folders change their times when staging comes and goes.
    private static func essence(_ tree: TreeSnapshot) -> TreeSnapshot {
        var tree = tree
        for path in ["", "n8n_data", "web_data", "other"] { tree.forgetTimes(of: Array(path.utf8)) }
        return tree
    }

    /// Symbolic links that lead out of their volume, and files that two volumes share.
    private static func linksOut(_ tree: TreeSnapshot) -> [String] {
        tree.items.compactMap { path, item in
            let depth = path.split(separator: 0x2f).count - 3
            let climb = item.link.split(separator: 0x2f).prefix { $0.elementsEqual("..".utf8) }.count
            let isOut = item.type == "link" && (item.link.first == 0x2f || climb > depth)
            let isShared = !item.firstName.isEmpty && item.firstName.prefix { $0 != 0x2f } != path.prefix { $0 != 0x2f }
            return isOut || isShared ? "\(RawPath(path)): \(item)" : nil
        }
    }

    private static func make(_ random: inout SeededRandom) -> ([UInt8], [String]) {
        var tar = TarMaker()
        var tricks: [String] = []
        func add(_ name: String, _ type: Character = "0", link: String = "", _ content: String = "") {
            var header = TarMaker.Header(name, type)
            header.link = Array(link.utf8)
            if type == "5" { header.mode = 0o755 }
            tar.add(header, Array(content.utf8))
            tricks.append("\(type) \(RawPath(name)) → \(link)")
        }
        if Bool.random(using: &random) { add("n8n_data/", "5") }
        add("n8n_data/_data/", "5")
        add("n8n_data/_data/config.json", "0", "theirs")
        let oddities: [(name: String, type: Character, link: String)] = [
            ("web_data/_data/index.html", "0", ""), ("web_data/_data/", "5", ""), ("n8n_data/_data/deep/file", "0", ""),
            ("n8n_data/_data/link", "2", "config.json"), ("n8n_data/_data/hard", "1", "n8n_data/_data/config.json"),
            ("n8n_data/_data/link", "2", "../../other/_data/file"), ("n8n_data/_data/link", "2", ".."),
            ("n8n_data/_data/hard", "1", "other/_data/file"),
            ("web_data/_data/hard", "1", "n8n_data/_data/config.json"),
            ("other/_data", "2", "../n8n_data/_data"), ("n8n_data/_data", "2", "../other/_data"),
            ("../other/_data/file", "0", ""), ("n8n_data/../other/_data/file", "0", ""), ("metadata.db", "0", ""),
            ("n8n_data/opts.json", "0", ""), ("n8n_data/.holdfast-x/file", "0", ""), ("n8n_data/x", "0", ""),
            ("stray", "0", ""), ("N8N_DATA/_data/x", "0", ""), ("n8n_data/_data/_data/x", "0", ""),
            ("metadata.db/_data/x", "0", ""), ("n8n_data/_data/a\u{1b}[31m\nb", "2", "/etc"), ("_data/x", "0", ""),
            (".holdfast/_data/x", "0", ""), ("n8n_data/_data/.holdfast/begin.json", "0", ""),
            ("volumes/n8n_data/_data/x", "0", ""), ("n8n_data/_data/config.json/below", "0", ""),
            ("n8n_data/_data/disk", "4", ""),
        ]
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let oddity = oddities.randomElement(using: &random) ?? oddities[0]
            add(oddity.name, oddity.type, link: oddity.link, oddity.type == "0" ? "theirs" : "")
        }
        return (tar.closed, tricks)
    }
}
