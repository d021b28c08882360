package import Machine

/// Reads an archive, ours or anybody's, from what gpg decrypts.
///
/// All of it is always read to its end: whoever gets a report knows that every layer was complete, and for an archive of
/// ours that every entry was compared with its manifest. A throw can leave a part in the staging folder, which is to be
/// removed. The calls block; see `onThread`.
package enum ArchiveReader {
    /// Whose archive it is.
    package enum Origin: Sendable {
        /// Ours; anything else is refused, and so is another one than the expected.
        case ours(expecting: ArchiveIdentity?)
        /// Anybody's; one of ours is recognised and read by the rules for ours, and by the policy as well.
        case foreign(ForeignPolicy)
    }

    /// Extracts it into an empty folder.
    ///
    /// - Parameters:
    ///   - prefix: the folder of a single archive that is wanted; it becomes the staging folder itself.
    ///   - selection: what is wanted below that.
    ///   - space: the bytes of data that there is room for; more of them end the extraction before the disk is full.
    ///   - each: called with every entry before anything is made of it; what it throws ends the extraction.
    /// - Throws: `ArchiveError`, `MachineError`, `Interrupted`, and what the source throws.
    package static func extract(
        from source: any ByteSource, origin: Origin, into staging: Descriptor, prefix: RawPath? = nil,
        selection: PathSelection? = nil, space: ByteCount? = nil, meter: Meter, stop: StopSignal,
        each: ((ListedEntry) throws -> Void)? = nil
    ) throws -> ExtractionReport {
        let reading = Reading(meter: meter, stop: stop, prefix: prefix, selection: selection, space: space)
        return try read(source, origin, reading, into: staging, each: each)
    }

    /// Reads it and compares every entry with the manifest, without writing anything.
    package static func check(
        from source: any ByteSource, origin: Origin, meter: Meter, stop: StopSignal
    ) throws -> ExtractionReport {
        try read(source, origin, Reading(meter: meter, stop: stop), into: nil, each: nil)
    }

    /// Calls `each` with every entry, in the archive's order, and checks it as ``check(from:origin:meter:stop:)`` does.
    package static func list(
        from source: any ByteSource, origin: Origin, stop: StopSignal, each: (ListedEntry) throws -> Void
    ) throws -> ExtractionReport {
        try withoutActuallyEscaping(each) { each in
            try read(source, origin, Reading(meter: Meter(), stop: stop), into: nil, each: each)
        }
    }

    private static func read(
        _ source: any ByteSource, _ origin: Origin, _ reading: Reading, into staging: Descriptor?,
        each: ((ListedEntry) throws -> Void)?
    ) throws -> ExtractionReport {
        let plain = PlainSource(source)
        defer { plain.close() }
        guard let first = try plain.record() else { throw ArchiveError.cut("it is empty") }
        let isOurs = TarDecoder.isOurs(first)
        if let staging { reading.tree = try StagedTree(in: staging, strict: isOurs) }
        reading.each = each
        switch origin {
        case .ours(let expected):
            guard isOurs else { throw ArchiveError.notOurs }
            try OwnArchive(plain, reading, expecting: expected, judgedBy: nil).read(first)
        case .foreign(let policy):
            if isOurs {
                try OwnArchive(plain, reading, expecting: nil, judgedBy: policy).read(first)
            } else {
                try ForeignArchive(plain, reading, policy).read(first)
            }
        }
        try reading.finish()
        return reading.report
    }
}
