internal import CLinux
import Glibc
import Machine

/// Where the kernel is asked for extended attributes.
enum AttributePlace {
    /// An open file or folder.
    case file(Int32)
    /// A name in an open folder that is not to be opened or followed: a link, a FIFO, a device.
    case name(in: Int32, UnsafePointer<CChar>)

    /// Calls `body` with a descriptor, or −1 and a path that stands for the name.
    fileprivate func resolve<Result>(_ body: (Int32, UnsafePointer<CChar>) -> Result) -> Result {
        switch self {
        case .file(let raw): return body(raw, "")
        case .name(let folder, let name):
            // There is no lgetxattrat before Linux 6.13; /proc leads through the open folder, whatever its path.
            let length = 32 + strlen(name)
            return withUnsafeTemporaryAllocation(of: CChar.self, capacity: length) { buffer in
                guard let path = buffer.baseAddress else { return body(-1, "") }
                withVaList([folder, name]) { _ = vsnprintf(path, length, "/proc/self/fd/%d/%s", $0) }
                return body(-1, path)
            }
        }
    }
}

/// Reads the extended attributes and ACLs of one file after the other.
final class AttributeReader {
    /// The kernel's own limits for the list of names and for a value (`XATTR_LIST_MAX`, `XATTR_SIZE_MAX`).
    private static let size = 65_536

    private let names = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
    private let value = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)

    deinit {
        names.deallocate()
        value.deallocate()
    }

    /// Fills in the entry's attributes and ACLs, which have to be empty.
    ///
    /// - Throws: `ArchiveError`, `MachineError`; not for a file system that has none.
    func read(_ place: AttributePlace, into entry: inout Entry) throws {
        let length = place.resolve { raw, path in
            raw >= 0
                ? linux_flistxattr(raw, names.baseAddress, UInt(names.count))
                : linux_llistxattr(path, names.baseAddress, UInt(names.count))
        }
        if length == 0 { return }
        guard length > 0 else {
            if errno == ENOTSUP || errno == ENOSYS { return }
            throw MachineError.call("list the extended attributes of", entry.shownPath.description)
        }
        var start = 0
        while start < length {
            let name = UnsafeRawBufferPointer(rebasing: names[start..<length]).prefix { $0 != 0 }
            start += name.count + 1
            try read(place, Array(name), into: &entry)
        }
        if entry.attributes.count > 1 { entry.attributes.sort { $0.name.lexicographicallyPrecedes($1.name) } }
    }

    private func read(_ place: AttributePlace, _ name: [UInt8], into entry: inout Entry) throws {
        let length = RawPath(name).withCString { name in
            place.resolve { raw, path in
                raw >= 0
                    ? linux_fgetxattr(raw, name, value.baseAddress, UInt(value.count))
                    : linux_lgetxattr(path, name, value.baseAddress, UInt(value.count))
            }
        }
        guard length >= 0 else {
            // ENODATA: removed since it was listed. ENOTSUP: a name that the file system lists but does not give.
            if errno == ENODATA || errno == ENOTSUP { return }
            throw MachineError.call("read the extended attribute \(RawPath(name)) of", entry.shownPath.description)
        }
        let bytes = UnsafeRawBufferPointer(rebasing: value[..<length])
        let isAccess = name.elementsEqual(AccessList.accessName.utf8)
        guard isAccess || name.elementsEqual(AccessList.defaultName.utf8) else {
            entry.attributes.append(Entry.Attribute(name: name, value: Array(bytes)))
            return
        }
        guard let text = AccessList.text(of: bytes) else {
            throw ArchiveError(
                code: "archive.unknown-acl", what: "The kernel gave an ACL of a form that holdfast does not know.",
                place: entry.shownPath.description, remedy: "Please report it, with the output of: getfacl -n FILE")
        }
        if !isAccess { entry.defaultAccessList = text } else if !AccessList.isTrivial(bytes) { entry.accessList = text }
    }
}

/// Gives a file the attributes and ACLs of its entry.
///
/// - Parameter privileged: false leaves out the attributes that only root can set.
/// - Throws: `ArchiveError` when the file system has no room for them, or cannot hold them at all.
func setAttributes(of entry: Entry, at place: AttributePlace, privileged: Bool) throws {
    for attribute in entry.attributes where privileged || !attribute.needsRoot {
        try set(attribute.name, attribute.value, at: place, entry)
    }
    if !entry.accessList.isEmpty {
        try set(Array(AccessList.accessName.utf8), try kernelForm(entry.accessList, entry), at: place, entry)
    }
    if !entry.defaultAccessList.isEmpty {
        try set(Array(AccessList.defaultName.utf8), try kernelForm(entry.defaultAccessList, entry), at: place, entry)
    }
}

/// Takes away the ACLs that what is made in this folder would inherit.
func removeInheritedAccessLists(_ folder: Int32) {
    _ = linux_fremovexattr(folder, AccessList.defaultName)
    _ = linux_fremovexattr(folder, AccessList.accessName)
}

private func kernelForm(_ text: [UInt8], _ entry: Entry) throws -> [UInt8] {
    guard let kernel = AccessList.kernel(of: text) else { throw ArchiveError.damaged("an ACL", entry.shownPath) }
    return kernel
}

private func set(_ name: [UInt8], _ value: [UInt8], at place: AttributePlace, _ entry: Entry) throws {
    let result = RawPath(name).withCString { name in
        value.withUnsafeBytes { value in
            place.resolve { raw, path in
                raw >= 0
                    ? linux_fsetxattr(raw, name, value.baseAddress, UInt(value.count))
                    : linux_lsetxattr(path, name, value.baseAddress, UInt(value.count))
            }
        }
    }
    guard result != 0 else { return }
    if errno == ENOTSUP {
        throw ArchiveError(
            code: "archive.attributes-unsupported",
            what: "The file system cannot hold the extended attribute or ACL \(RawPath(name)).",
            place: entry.shownPath.description, remedy: "Restore to another one: ext4, xfs or btrfs.")
    }
    throw MachineError.call("set the extended attribute \(RawPath(name)) of", entry.shownPath.description)
}

extension Entry.Attribute {
    /// Whether the kernel lets only root set it.
    var needsRoot: Bool { name.starts(with: "trusted.".utf8) || name.starts(with: "security.".utf8) }
}
