extension Settings {
    /// The `backup.volumes` section: which volumes are backed up, and what happens around each.
    package struct Volumes: Equatable, Sendable {
        /// The folder that holds the volumes; nil: the engine is asked.
        package var root: String?
        /// Volumes to take: any of these.
        package var include: [Pattern]
        /// Volumes to leave out, whatever `include` says.
        package var exclude: [Pattern]
        /// How the containers that use a volume are kept still while it is read.
        package var quiesce: PatternTable<Quiesce>
        /// Commands around the reading of a volume.
        package var hooks: PatternTable<Hooks>
        /// Volumes that may be empty; any other empty one is an error.
        package var allowEmpty: [Pattern]
        /// Seconds that containers may be kept still for one volume, at most.
        package var maximumDowntime: Double

        /// Puts the section together from valid parts; by default all volumes, untouched.
        package init(
            root: String? = nil, include: [Pattern] = [.all], exclude: [Pattern] = [],
            quiesce: PatternTable<Quiesce> = [], hooks: PatternTable<Hooks> = [], allowEmpty: [Pattern] = [],
            maximumDowntime: Double = Volumes.usualMaximumDowntime
        ) {
            self.root = root
            self.include = include
            self.exclude = exclude
            self.quiesce = quiesce
            self.hooks = hooks
            self.allowEmpty = allowEmpty
            self.maximumDowntime = maximumDowntime
        }

        /// What ``maximumDowntime`` is unless `max_downtime` says otherwise: an hour.
        package static let usualMaximumDowntime = 3600.0

        /// Whether the volume is backed up: included and not excluded.
        package func selects(_ name: String) -> Bool {
            include.contains { $0.matches(name) } && !exclude.contains { $0.matches(name) }
        }

        /// What the file says about keeping this volume still; nil: nothing, so container labels decide.
        package func quiesce(for name: String) -> Quiesce? { quiesce.first(for: name) }

        /// The commands around this volume; nil: the file names none.
        package func hooks(for name: String) -> Hooks? { hooks.first(for: name) }

        /// Whether the volume may be empty without that being an error.
        package func mayBeEmpty(_ name: String) -> Bool { allowEmpty.contains { $0.matches(name) } }
    }

    /// What is done to the containers that use a volume while it is read.
    package enum Quiesce: String, CaseIterable, Equatable, Sendable {
        /// They are stopped and started again.
        case stop
        /// They are frozen and thawed.
        case pause
        /// They run on.
        case none
    }

    /// Shell commands run with `sh -c` in the containers that use a volume.
    package struct Hooks: Equatable, Sendable {
        /// Run before the volume is read, in this order.
        package var before: [String]
        /// Run once it has been read, in this order.
        package var after: [String]

        /// Names the commands.
        package init(before: [String] = [], after: [String] = []) {
            self.before = before
            self.after = after
        }
    }

    /// Values by name pattern, in the order of the file.
    package struct PatternTable<Value: Equatable & Sendable>: Equatable, Sendable, ExpressibleByArrayLiteral {
        /// One line of the table.
        package struct Entry: Equatable, Sendable {
            /// Which names.
            package var pattern: Pattern
            /// What they get.
            package var value: Value

            /// Makes a line.
            package init(_ pattern: Pattern, _ value: Value) {
                self.pattern = pattern
                self.value = value
            }
        }

        /// The lines, in the order of the file.
        package var entries: [Entry]

        /// Makes a table of lines.
        package init(_ entries: [Entry]) { self.entries = entries }

        /// Makes a table of lines.
        package init(arrayLiteral elements: Entry...) { entries = elements }

        /// The value for `name`: that of its exact name if there is one, else that of the first pattern that matches.
        package func first(for name: String) -> Value? {
            let matching = entries.filter { $0.pattern.matches(name) }
            return (matching.first { $0.pattern.isExact } ?? matching.first)?.value
        }
    }
}
