import Glibc
import Machine

/// A folder that is there for one test. The path is short, because gpg's sockets must fit into 108 bytes.
///
/// - Parameter parent: `/dev/shm` for what is to be quick, and need not be on a disk.
package func withTemporaryFolder<Result>(
    below parent: String = "/tmp", isolation: isolated (any Actor)? = #isolation,
    _ body: (String) async throws -> Result
) async throws -> Result {
    var template = Array("\(parent)/hf-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw MachineError.call("make a folder", parent) }
    let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    defer { try? Descriptor.folder(parent).removeTree(String(path.dropFirst(parent.count + 1))) }
    return try await body(path)
}

/// A reproducible source of randomness (SplitMix64): the same seed, the same numbers.
package struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
