package import Archives
package import Docker
package import Machine
package import RestorePoints

/// What a person wants back.
package struct RestoreRequest: Sendable {
    package var kind: Item.Kind
    package var names: [String]
    /// A point's name; nil: for each item the newest point in which it is whole.
    package var from: String?
    /// A folder to restore into, instead of the place it came from.
    package var to: String?
    /// Only these files and folders of the item.
    package var paths: [String]

    package init(kind: Item.Kind, names: [String], from: String? = nil, to: String? = nil, paths: [String] = []) {
        self.kind = kind
        self.names = names
        self.from = from
        self.to = to
        self.paths = paths
    }
}

/// What a restore is going to do; printed before it is done, carried out by ``RestoreRun``.
package struct RestorePlan: Sendable {
    package let items: [RestoreItem]
    /// Containers that are stopped while the data is swapped, and started again afterwards.
    package let users: [Container]
    package let warnings: [String]

    package init(items: [RestoreItem], users: [Container], warnings: [String] = []) {
        self.items = items
        self.users = users
        self.warnings = warnings
    }
}

/// One item of a restore.
package struct RestoreItem: Sendable {
    package let item: Item
    package let source: RestoreSource
    package let target: RestoreTarget
    package let selection: PathSelection?
    /// What is free where the data is staged.
    package let free: ByteCount?

    package init(
        item: Item, source: RestoreSource, target: RestoreTarget, selection: PathSelection? = nil,
        free: ByteCount? = nil
    ) {
        self.item = item
        self.source = source
        self.target = target
        self.selection = selection
        self.free = free
    }
}

/// Where the data comes from.
package enum RestoreSource: Sendable {
    case point(Catalog.Point, Manifest.ItemRecord, Manifest.Archive)
    /// A file that a person named, ours or anybody's.
    case file(ArchiveFile)
    /// One of the volumes of such a file, extracted already.
    case staged(VolumesStaging.StagedVolume)

    /// For people: the point's name, or the file's.
    package var name: String {
        switch self {
        case .point(let point, _, _): point.name.description
        case .file(let file): file.path
        case .staged(let volume): volume.file.path
        }
    }

    /// When the data was saved, if that is known.
    package var moment: Timestamp? {
        guard case .point(let point, _, _) = self else { return nil }
        return point.name.moment
    }

    /// Bytes of data, if that is known before reading.
    package var data: ByteCount? {
        switch self {
        case .point(_, let record, _): ByteCount(record.bytes)
        case .file: nil
        case .staged(let volume): ByteCount(volume.report.bytes)
        }
    }

    /// Bytes of the archive itself.
    package var size: ByteCount {
        switch self {
        case .point(_, _, let archive): ByteCount(archive.size)
        case .file(let file): file.size
        case .staged(let volume): ByteCount(volume.report.bytes)
        }
    }
}

/// Where the data goes.
package enum RestoreTarget: Sendable, Equatable {
    /// In place: `live` in `folder` is exchanged with what was staged beside it.
    case live(folder: String, live: String)
    /// A volume that the engine does not have now: made with its former driver, labels and options.
    case newVolume(String)
    /// A folder of the person's own: not there yet, or empty.
    case folder(String)
}

extension RestorePlan {
    /// Whether anything that lives is exchanged or made.
    package var changesLiveData: Bool {
        items.contains { item in
            if case .folder = item.target { return false }
            return true
        }
    }
}
