package import RestorePoints

/// What came of a backup.
package struct BackupResult: Sendable {
    package enum Made: Sendable {
        case point(Manifest)
        /// A stand-alone file, by its path.
        case file(String, Manifest.Archive)
    }

    /// What was published; nil if nothing was.
    package let made: Made?
    /// What became of each item, also where nothing was published.
    package let items: [Manifest.ItemRecord]
    /// By item: what went wrong, in words.
    package let problems: [String: String]
    package let seconds: Double

    /// How the run ended.
    package var outcome: RunRecord.Outcome { made == nil ? .failed : problems.isEmpty ? .complete : .incomplete }
}
