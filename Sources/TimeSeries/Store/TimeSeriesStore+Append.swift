internal import Synchronization

extension TimeSeriesStore {
    /// How far in the future a sample may lie, and how long after its end a window is stored. Milliseconds.
    static let tolerance: Int64 = 600_000
    /// The most that a power cut takes. Milliseconds.
    static let checkpointInterval: Int64 = 60_000
    /// Between two tries to store what the disk refused. Milliseconds.
    static let retryInterval: Int64 = 30_000

    /// Appends one scrape. It is durable when this returns, unless the outcome says otherwise.
    ///
    /// Never throws: what the disk refuses stays in memory, and ``condition`` says why.
    ///
    /// - Parameter now: milliseconds since 1970.
    package func append(_ batch: Batch, now: Int64) -> BatchOutcome {
        writer.withLock { writer in
            var packer = BatchPacker(time: batch.time, reserving: batch.count)
            var (outcome, new) = head.withLock { head in
                // Or one answer could make a file for each day since 1970.
                head.earliest = now - Int64(limits.days) * Day.length
                return (head.append(batch, latest: now + Self.tolerance, &packer), head.unsavedSeries)
            }
            if outcome.appended > 0 || !new.isEmpty { outcome.isDurable = save(&packer, new, &writer, now: now) }
            settle(&writer, now: now)
            return outcome
        }
    }

    /// - Returns: whether it is durable now.
    private func save(
        _ packer: inout BatchPacker, _ new: [(id: UInt32, labels: Labels)], _ writer: inout Writer, now: Int64
    ) -> Bool {
        guard writer.recent != nil else { return renewRecent(&writer, now: now) }
        do {
            try writer.recent?.add(packer.sealed(), until: packer.latest, series: new)
            head.withLock { $0.markSaved(Set(new.map(\.id))) }
            if now - writer.lastCheckpoint >= Self.checkpointInterval || now < writer.lastCheckpoint {
                writer.lastCheckpoint = now
                try writer.recent?.checkpoint()
            }
            return true
        } catch let error as TimeSeriesError where error.kind == .damaged {
            abandonRecent(&writer, error)
            return renewRecent(&writer, now: now)
        } catch {
            refused(error, now: now)
            return false
        }
    }

    func refused(_ error: any Error, now: Int64) {
        health.withLock { health in
            health.unsavedSince = health.unsavedSince ?? now
            health.problem = "\(error)"
        }
    }
}

extension Head {
    /// Appends what can be, and packs that.
    fileprivate mutating func append(_ batch: Batch, latest: Int64, _ packer: inout BatchPacker) -> BatchOutcome {
        var outcome = BatchOutcome()
        for (place, entry) in batch.entries.enumerated() {
            guard entry.time <= latest else {
                outcome.tooNew += 1
                continue
            }
            switch append(Int(entry.series.place), id: entry.series.id, entry.time, entry.value) {
            case .appended:
                outcome.appended += 1
                packer.add(entry.series.id, entry.time, entry.value)
            case .repeated: break
            case .outOfOrder: outcome.outOfOrder += 1
            case .duplicate: outcome.duplicates += 1
            case .tooOld: outcome.tooOld += 1
            case .gone: outcome.gone.append(place)
            }
        }
        return outcome
    }

    fileprivate var unsavedSeries: [(id: UInt32, labels: Labels)] {
        unsaved.map { (series[$0].id, series[$0].labels) }
    }
}
