extension Settings {
    /// The `backup.retention` section: which restore points `prune` leaves alone. What several rules keep is kept once.
    package struct Retention: Equatable, Sendable {
        /// Seconds back from the newest point; nil: this rule keeps nothing.
        package var within: Double?
        /// The newest ones, however old.
        package var last: Int
        /// For so many days that have one, the newest of each; likewise the others.
        package var daily: Int
        package var weekly: Int
        package var monthly: Int
        package var yearly: Int

        /// Puts the rules together; by default the newest three.
        package init(
            within: Double? = nil, last: Int = Retention.usualLast, daily: Int = 0, weekly: Int = 0, monthly: Int = 0,
            yearly: Int = 0
        ) {
            self.within = within
            self.last = last
            self.daily = daily
            self.weekly = weekly
            self.monthly = monthly
            self.yearly = yearly
        }

        /// What `keep_last` is where the section does not say.
        package static let usualLast = 3

        /// Whether every rule is off.
        var keepsNothing: Bool { within == nil && [last, daily, weekly, monthly, yearly].allSatisfy { $0 == 0 } }
    }

    /// An entry of `backup.legacy`: a folder with archives that older scripts made.
    package struct Legacy: Equatable, Sendable {
        /// The folder, absolute.
        package var directory: String
        /// Seconds that they are kept, by the date in their names; nil: for ever.
        package var within: Double?

        /// Names a folder.
        package init(directory: String, within: Double? = nil) {
            self.directory = directory
            self.within = within
        }
    }
}
