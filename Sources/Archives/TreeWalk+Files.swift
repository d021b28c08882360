internal import CLinux
import Glibc
import Machine

/// What is not a folder.
extension TreeWalk {
    func visitFile(_ name: UnsafePointer<CChar>, in folder: Int32) throws -> Outcome {
        let raw = openName(folder, name, O_RDONLY)
        guard raw >= 0 else {
            switch errno {
            // A link, a socket, or nothing has taken its place.
            case ELOOP, ENXIO, ENODEV, ENOENT: return .changed
            default: throw MachineError.call("open", place)
            }
        }
        defer { close(raw) }
        let status = try status(of: raw)
        guard status.st_mode & S_IFMT == S_IFREG else { return .changed }
        if try writeAsLink(status) { return .done }
        try prepare(raw, status)
        let extents = status.st_blocks * 512 < status.st_size ? try findExtents(raw, size: Int64(status.st_size)) : nil
        if let extents {
            entry.extents = extents
            try writeLarge(raw)
        } else if status.st_size > writer.stream.capacity / 2 {
            try writeLarge(raw)
        } else {
            try writeSmall(raw)
        }
        remember(status)
        return .done
    }

    /// Links, FIFOs, devices, sockets, and whatever the folder did not say the kind of.
    func visitOther(_ name: UnsafePointer<CChar>, in folder: Int32) throws -> Outcome {
        var status = stat()
        guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            guard errno == ENOENT else { throw MachineError.call("look at", place) }
            try vanished()
            return .done
        }
        guard let kind = Entry.Kind(mode: status.st_mode) else {
            try writer.note("socket", path)
            report.sockets.add(RawPath(path))
            return .done
        }
        if kind == .file { return .really(regularHint) }
        if kind == .directory { return .really(folderHint) }
        if try writeAsLink(status) { return .done }
        entry.take(status, as: kind)
        setEntryPath()
        switch kind {
        case .symlink: guard try readLink(name, in: folder) else { return .changed }
        case .character, .block:
            entry.major = gnu_dev_major(status.st_rdev)
            entry.minor = gnu_dev_minor(status.st_rdev)
        default: break
        }
        do {
            try writer.attributes.read(.name(in: folder, name), into: &entry)
        } catch let error as MachineError where error.errno == ENOENT {
            return .changed
        }
        try writeMember(digest: nil)
        remember(status)
        return .done
    }

    private func prepare(_ raw: Int32, _ status: stat) throws {
        entry.take(status, as: .file)
        setEntryPath()
        try writer.attributes.read(.file(raw), into: &entry)
    }

    private func readLink(_ name: UnsafePointer<CChar>, in folder: Int32) throws -> Bool {
        // The kernel's links are at most a page long (PATH_MAX); other systems' may be longer.
        try withUnsafeTemporaryAllocation(of: CChar.self, capacity: Limits.path) { buffer in
            guard let base = buffer.baseAddress else { return false }
            let count = readlinkat(folder, name, base, buffer.count)
            guard count >= 0 else {
                if errno == EINVAL || errno == ENOENT { return false }
                throw MachineError.call("read the link", place)
            }
            entry.link += UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
            return true
        }
    }

    /// A file whose data fits into the buffer: read before its header is final, so that one that shrank can be read
    /// again.
    private func writeSmall(_ raw: Int32) throws {
        let stream = writer.stream
        var end = 0
        var shrunk: Int64?
        var header = 0
        var grew = false
        for attempt in 0..<2 {
            try writer.observer?(.opened, RawPath(path))
            shrunk = nil
            try writer.encoder.encode(entry)
            header = writer.encoder.blocks.count
            let size = Int(entry.size)
            // A pax header that is larger than the rest of the buffer: the second way can do that.
            guard header + size + 512 <= stream.capacity else { return try writeLarge(raw) }
            let room = try stream.room(header + size + 512)
            writer.encoder.blocks.withUnsafeBytes { room.copyMemory(from: $0) }
            end = header + size
            if size == 0 { break }
            // One byte more than there should be: that a file grew shows without another call.
            let data = UnsafeMutableRawBufferPointer(rebasing: room[header..<end + 1])
            let count = try read(raw, into: data)
            if count >= size {
                grew = count > size
                break
            }
            shrunk = Int64(count)
            if attempt == 0 {
                try prepare(raw, try status(of: raw))
            } else {
                UnsafeMutableRawBufferPointer(rebasing: data[count...]).initializeMemory(as: UInt8.self, repeating: 0)
            }
        }
        try writer.observer?(.read, RawPath(path))
        let room = try stream.room(end)
        writer.hasher.update(UnsafeRawBufferPointer(rebasing: room[header..<end]))
        let digest = writer.hasher.finish()
        meter.add(bytes: end - header)
        stream.commit(end)
        try stream.pad(entry.size)
        try count(digest: digest)
        try note(shrunk: shrunk, length: grew ? try length(raw) : nil)
    }

    /// Reads from the front until `data` is full or the file ends.
    private func read(_ raw: Int32, into data: UnsafeMutableRawBufferPointer) throws -> Int {
        var total = 0
        while total < data.count {
            let count = retrying { pread(raw, data.baseAddress.map { $0 + total }, data.count - total, off_t(total)) }
            guard count >= 0 else { throw MachineError.call("read", place) }
            if count == 0 { break }
            total += count
            // The byte too many is not worth a second call.
            if total == data.count - 1 { break }
        }
        return total
    }

    /// A file of any size, with holes or without.
    private func writeLarge(_ raw: Int32) throws {
        try writer.observer?(.opened, RawPath(path))
        try writer.encoder.encode(entry)
        try writer.stream.append(writer.encoder.blocks)
        var shrunk: Int64?
        for part in entry.extents ?? [Entry.Extent(offset: 0, length: entry.size)] {
            let end = part.offset + part.length
            var offset = part.offset
            while offset < end, shrunk == nil {
                try stop.check()
                let room = try writer.stream.room(1)
                let want = Int(min(Int64(room.count), end - offset))
                let count = retrying { pread(raw, room.baseAddress, want, off_t(offset)) }
                guard count >= 0 else { throw MachineError.call("read", place) }
                if count == 0 {
                    shrunk = offset
                    break
                }
                let data = UnsafeMutableRawBufferPointer(rebasing: room[..<count])
                writer.hasher.update(UnsafeRawBufferPointer(data))
                writer.stream.commit(count)
                meter.add(bytes: count)
                offset += Int64(count)
                try writer.observer?(.read, RawPath(path))
            }
            if offset < end { try writeZeros(end - offset) }
        }
        try writer.stream.pad(entry.dataSize)
        try count(digest: writer.hasher.finish())
        let length = try length(raw)
        try note(shrunk: shrunk.map { min($0, length) }, length: length)
    }

    /// In place of data that is not there any more.
    private func writeZeros(_ count: Int64) throws {
        try writer.stream.appendZeros(count)
        let zeros = [UInt8](repeating: 0, count: 1 << 16)
        var rest = count
        while rest > 0 {
            zeros.withUnsafeBytes {
                writer.hasher.update(UnsafeRawBufferPointer(rebasing: $0.prefix(Int(min(rest, 1 << 16)))))
            }
            rest -= 1 << 16
        }
    }

    private func length(_ raw: Int32) throws -> Int64 { Int64(try status(of: raw).st_size) }

    /// Notes what happened to the file just written: it shrank to so many bytes, or has now this length.
    private func note(shrunk: Int64?, length: Int64?) throws {
        if let shrunk {
            try writer.note("torn", path, size: shrunk, torn: true)
            report.torn.add(RawPath(path))
        } else if let length, length > entry.size {
            try writer.note("grew", path, size: length)
            report.grew.add(RawPath(path))
        }
    }

    /// The parts of a file that hold data; nil if it has no holes.
    private func findExtents(_ raw: Int32, size: Int64) throws -> [Entry.Extent]? {
        var extents: [Entry.Extent] = []
        var offset: Int64 = 0
        while offset < size {
            let data = Int64(lseek(raw, off_t(offset), linux_seek_data))
            if data < 0 {
                // ENXIO: a hole to the end. EINVAL: a file system that cannot tell.
                if errno == ENXIO { break }
                if errno == EINVAL || errno == EOPNOTSUPP { return nil }
                throw MachineError.call("look for holes in", place)
            }
            if data >= size { break }
            var hole = Int64(lseek(raw, off_t(data), linux_seek_hole))
            if hole < 0 { hole = size }
            if extents.count == Limits.extents - 1 { hole = size }
            extents.append(Entry.Extent(offset: data, length: min(hole, size) - data))
            offset = hole
        }
        if extents.count == 1, extents[0].offset == 0, extents[0].length == size { return nil }
        return extents
    }
}
