import Machine
import TestKit
import Testing

@Suite struct DigestTests {
    /// FIPS 180-2.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            String(repeating: "a", count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ])
    func knownVectors(text: String, expected: String) {
        #expect(Digest.of(Array(text.utf8)).description == expected)
    }

    @Test func piecesGiveTheSameAsTheWhole() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed: seed)
        let bytes = (0..<200_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let hasher = Hasher256()
        for _ in 0..<20 {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 0...min(rest.count, 5000), using: &random)
                Array(rest.prefix(count)).withUnsafeBytes { hasher.update($0) }
                rest = rest.dropFirst(count)
            }
            // finish() starts anew.
            #expect(hasher.finish() == Digest.of(bytes), "seed \(seed)")
        }
    }

    @Test func hexadecimalBothWays() {
        let all = (0...255).map(UInt8.init)
        #expect([UInt8](hex: all.hex) == all)
        #expect([UInt8](hex: all.hex.uppercased()) == all)
        #expect([0x00, 0x0f, 0xff].hex == "000fff")
        #expect([UInt8]().hex == "")
        #expect([UInt8](hex: "") == [])
        for bad in ["0", "0g", "0x", " 0", "0 ", "é", "１２", "00\n", "\u{0}\u{0}"] {
            #expect([UInt8](hex: bad) == nil, "\(bad)")
        }
    }

    @Test func digestIsReadFromExactly64Digits() {
        let text = Digest.of([1]).description
        #expect(Digest(hex: text)?.description == text)
        #expect(Digest(hex: text.uppercased())?.description == text)
        for bad in [
            "", String(text.dropLast()), String(text.dropLast(2)), text + "00", "g" + text.dropFirst(), text + "\n",
        ] {
            #expect(Digest(hex: bad) == nil)
        }
    }
}
