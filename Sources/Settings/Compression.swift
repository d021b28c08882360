import Machine

extension Settings {
    /// How an archive is compressed before it is encrypted; written `zstd`, `zstd:3`, `gzip:6`, `none`.
    package enum Compression: Equatable, Sendable, CustomStringConvertible {
        /// Zstandard, level 1…19.
        case zstd(level: Int)
        /// gzip, level 1…9.
        case gzip(level: Int)
        /// As it is.
        case none

        /// What is used unless told otherwise.
        package static let standard = Compression.zstd(level: 3)

        /// The word that the file has for it, level included.
        package var description: String {
            switch self {
            case .zstd(let level): "zstd:\(level)"
            case .gzip(let level): "gzip:\(level)"
            case .none: "none"
            }
        }

        /// Reads the word that the file has for it.
        ///
        /// - Throws: ``Fault``, when it is none of them or its level is out of range.
        package init(_ word: String) throws(Fault) {
            let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts[0]
            guard let levels = Self.levels[name] else {
                throw Fault.unknown(nearest: nearest(to: name, among: Self.names))
            }
            guard parts.count == 2 else {
                self = Self.make(name, level: name == "gzip" ? 6 : 3)
                return
            }
            guard let levels else { throw Fault.takesNoLevel }
            guard let level = Int(parts[1]), levels.contains(level) else {
                throw Fault.levelOutOfRange(name: name, levels: levels)
            }
            self = Self.make(name, level: level)
        }

        /// Why a word is no compression.
        package enum Fault: Error, Equatable {
            /// Neither zstd, gzip nor none; `nearest` is what may have been meant.
            case unknown(nearest: String?)
            /// The level is no number, or none that this algorithm has.
            case levelOutOfRange(name: String, levels: ClosedRange<Int>)
            /// `none` has no levels.
            case takesNoLevel
        }

        private static let names = ["zstd", "gzip", "none"]
        private static let levels: [String: ClosedRange<Int>?] = [
            "zstd": 1...19, "gzip": 1...9, "none": nil as ClosedRange<Int>?,
        ]

        private static func make(_ name: String, level: Int) -> Compression {
            switch name {
            case "zstd": .zstd(level: level)
            case "gzip": .gzip(level: level)
            default: .none
            }
        }
    }
}
