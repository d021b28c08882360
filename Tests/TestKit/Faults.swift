import Glibc
import Machine

/// A system call of holdfast that fails: the so many-th of its kind below a folder of a host.
package struct Fault: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// An open that may make a file.
        case create
        case write, sync, rename, close, unlink, mkdir
        /// A symbolic or a hard link, a fifo, a device.
        case link
        /// Rights, owner, times, attributes.
        case meta
        /// Any other open, and any read of a file.
        case open, read
        /// Any of those that change something.
        case any

        /// As ``CallRule`` names them.
        private var ops: [String] {
            switch self {
            case .create: ["create"]
            case .write: ["write", "truncate"]
            case .sync: ["sync", "syncfs"]
            case .rename: ["rename", "exchange"]
            case .close: ["close"]
            case .unlink: ["unlink", "rmdir"]
            case .mkdir: ["mkdir"]
            case .link: ["link", "symlink", "mknod"]
            case .meta: ["chmod", "chown", "utimes", "xattr"]
            case .open: ["open"]
            case .read: ["read"]
            case .any: Self.allCases.filter(\.changesSomething).flatMap(\.ops)
            }
        }

        /// Whether a command that only looks makes none of these.
        package var changesSomething: Bool { ![.open, .read, .any].contains(self) }

        /// What may become of such a call on a disk that is full, read-only or dying.
        package var errors: [Int32] {
            switch self {
            case .create: [ENOSPC, EROFS, EIO, EMFILE]
            case .write: [ENOSPC, EIO, EDQUOT, EFBIG]
            case .sync, .close: [EIO, ENOSPC]
            case .rename, .mkdir, .link, .any: [ENOSPC, EROFS, EIO]
            case .unlink, .meta: [EROFS, EIO]
            case .open, .read: [EIO]
            }
        }

        package func rule(below folder: String) -> CallRule {
            CallRule(ops.joined(separator: ","), "\(folder)/*")
        }
    }

    package enum How: String, Sendable {
        /// This call fails, and the next succeeds.
        case once
        /// From this call on all fail.
        case stay
    }

    package var kind: Kind
    /// From 1 on.
    package var number: Int
    package var error: Int32
    package var how: How
    /// A folder of the host; empty: all of it.
    package var below = ""

    package init(_ kind: Kind, _ number: Int, _ error: Int32, _ how: How, below: String = "") {
        self.kind = kind
        self.number = number
        self.error = error
        self.how = how
        self.below = below
    }
}

extension Fault: CustomStringConvertible {
    package var description: String {
        "\(kind.rawValue) \(number) \(how.rawValue) \(String(cString: strerror(error)))\(below.isEmpty ? "" : " below \(below)")"
    }
}

extension DemoHost {
    /// The same host, on which a system call of holdfast fails; ``faultyCalls()`` says which did.
    package func failing(_ fault: Fault) async throws -> DemoHost {
        // The kernel lets go of a file whatever it answers.
        let error = CallDeed.error(fault.error)
        let deed = fault.kind == .close ? error.afterwards : error
        return try await meeting(
            fault.how == .stay ? deed.lasting : deed, at: fault.number, of: fault.kind, below: fault.below)
    }

    /// The same host, on which this is done to a call of holdfast.
    package func meeting(_ deed: CallDeed, at number: Int, of kind: Fault.Kind, below: String = "") async throws
        -> DemoHost
    {
        var host = self
        host.holdfast = try await holdfast.doing(
            deed, at: number, of: kind.rule(below: below.isEmpty ? folder : path(below)), hits: path(Self.hits))
        if has(Self.hits) { try remove(Self.hits) }
        return host
    }

    /// The calls that failed in the last command.
    package func faultyCalls() -> [Call] { Call.read(path(Self.hits)) }

    private static let hits = "faulty-calls"
}
