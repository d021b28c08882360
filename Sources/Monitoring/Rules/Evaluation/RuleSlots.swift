/// When a group is due: each `interval`, at an offset that is its own, so that not all groups are due at once and each stays where
/// it is over restarts. Milliseconds.
struct RuleSlots: Equatable, Sendable {
    let interval: Int64
    private let offset: Int64

    init(interval: Int64, file: String, name: String) {
        self.interval = interval
        // FNV-1a.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in "\(file);\(name)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        offset = Int64(hash % UInt64(interval))
    }

    /// The last slot that is not after `time`.
    func last(upTo time: Int64) -> Int64 {
        let rest = (time - offset) % interval
        return time - (rest < 0 ? rest + interval : rest)
    }

    /// The first slot after `time`.
    func next(after time: Int64) -> Int64 { last(upTo: time) + interval }
}
