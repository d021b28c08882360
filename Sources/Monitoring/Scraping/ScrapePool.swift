internal import Machine
internal import Settings
internal import TimeSeries

/// The targets of one `scrape_config`: those that are there are scraped, whatever changes.
actor ScrapePool {
    private struct Running: Sendable {
        let loop: ScrapeLoop
        let worker: Worker
    }

    private struct Watching {
        let settings: DiscoverySettings
        let worker: Worker
        var found: [[String: String]] = []
    }

    private var rules: ScrapeRules
    private let surroundings: ScrapeSurroundings
    private let workers: Workers
    private var running: [Target.Identity: Running] = [:]
    /// In the order of their appearance.
    private var order: [Target.Identity] = []
    private var dropped: [Labels] = []
    private var watches: [Int: Watching] = [:]
    private var nextWatch = 0
    private let complaints = Complaints()
    private var isSynchronising = false
    private var isOutdated = false
    private var hasEnded = false

    init(_ settings: ScrapeSettings, in surroundings: ScrapeSurroundings, _ workers: Workers) {
        rules = ScrapeRules(settings)
        self.surroundings = surroundings
        self.workers = workers
    }

    /// Puts settings in force. Targets that are in both keep their loops and what is known of their series.
    func apply(_ settings: ScrapeSettings) async {
        if settings != rules.settings { rules = ScrapeRules(settings) }
        let wanted = settings.files.map(DiscoverySettings.files) + settings.docker.map(DiscoverySettings.docker)
        for (number, watch) in watches where !wanted.contains(watch.settings) {
            watches[number] = nil
            await watch.worker.stop()
        }
        for discovery in wanted where !watches.values.contains(where: { $0.settings == discovery }) {
            await watch(discovery)
        }
        await synchronise()
    }

    /// Ends all of it.
    func end() async {
        hasEnded = true
        let (watches, running) = (self.watches, self.running)
        (self.watches, self.running, order) = ([:], [:], [])
        for watch in watches.values { await watch.worker.stop() }
        await Self.end(Array(running.values))
    }

    private var settings: ScrapeSettings { rules.settings }

    var targets: (active: [TargetStatus], dropped: [Labels]) {
        (order.compactMap { running[$0]?.loop.status }, dropped)
    }

    var metadata: [(target: Labels, metadata: MetricMetadata)] {
        order.compactMap { running[$0]?.loop }.flatMap { loop in
            let labels = loop.status.labels
            return loop.families.map { (labels, $0) }
        }
    }
}

/// What discovers.
extension ScrapePool {
    fileprivate enum DiscoverySettings: Equatable {
        case files(ScrapeSettings.FileDiscovery)
        case docker(ScrapeSettings.DockerDiscovery)

        var discovery: any Discovery {
            switch self {
            case .files(let settings): FileWatch(settings)
            case .docker(let settings): DockerWatch(settings: settings)
            }
        }
    }

    private func watch(_ settings: DiscoverySettings) async {
        let number = nextWatch
        nextWatch += 1
        let discovery = settings.discovery
        // Where targets run already, those of a discovery that was changed must not be gone until its first look.
        let found = running.isEmpty ? [] : (try? await discovery.look().targets) ?? []
        let worker = workers.add { [weak self] in
            var problem: String?
            while !Task.isCancelled {
                problem = await self?.look(discovery, number, before: problem)
                try? await Task.sleep(for: .milliseconds(discovery.pace))
            }
        }
        watches[number] = Watching(settings: settings, worker: worker, found: found)
    }

    /// Looks once; what goes wrong is told when it begins.
    ///
    /// - Returns: what went wrong.
    private func look(_ discovery: any Discovery, _ number: Int, before: String?) async -> String? {
        var problem: (any Error)?
        do {
            let found = try await discovery.look()
            problem = found.problem
            if let known = watches[number], known.found != found.targets {
                watches[number]?.found = found.targets
                await synchronise()
            }
        } catch {
            if Task.isCancelled { return before }
            problem = error
        }
        guard let text = problem.map({ "\(explain($0))" }) else { return nil }
        if text != before { surroundings.report("! \(settings.job): targets cannot be looked for: \(text)") }
        return text
    }
}

/// Who is scraped.
extension ScrapePool {
    /// Brings the loops in line with what was found; while it is at work, others only say that there is more.
    private func synchronise() async {
        isOutdated = true
        guard !isSynchronising else { return }
        isSynchronising = true
        defer { isSynchronising = false }
        while isOutdated, !hasEnded {
            isOutdated = false
            await bringInLine()
        }
    }

    private func bringInLine() async {
        let wanted = wantedTargets()
        let limit = settings.limits.targets
        let refusal =
            limit > 0 && wanted.count > limit
            ? MonitoringError(
                .limit, "\(settings.job) has \(wanted.count) targets, more than target_limit: \(limit).",
                remedy: "Drop some with relabel_configs, or raise the limit.") : nil
        order = wanted.map(\.identity)
        let identities = Set(order)
        // The old ones end before new ones begin: they may have series in common.
        let gone = running.filter { !identities.contains($0.key) }
        for identity in gone.keys { running[identity] = nil }
        await Self.end(Array(gone.values))
        // Meanwhile all of it may have come to its end.
        if hasEnded { return }
        for target in wanted {
            if let known = running[target.identity] {
                known.loop.adopt(target, rules, refusal)
            } else {
                let loop = ScrapeLoop(target, rules, refusal, in: surroundings)
                running[target.identity] = Running(loop: loop, worker: workers.add { await loop.run() })
            }
        }
    }

    private static func end(_ targets: [Running]) async {
        await withDiscardingTaskGroup { group in
            for target in targets {
                group.addTask {
                    await target.worker.stop()
                    await target.loop.end()
                }
            }
        }
    }

    /// Those that relabelling leaves, each once.
    private func wantedTargets() -> [Target] {
        let found =
            settings.groups.flatMap(\.targets) + watches.sorted { $0.key < $1.key }.flatMap(\.value.found)
        var wanted: [Target] = []
        var identities: Set<Target.Identity> = []
        dropped = []
        for labels in found {
            let discovered = Target.populated(labels, settings)
            var relabelled = discovered
            guard rules.targets.apply(to: &relabelled), !relabelled.isEmpty else {
                let limit = settings.limits.droppedTargets
                if limit == 0 || dropped.count < limit { dropped.append(Labels(discovered)) }
                continue
            }
            do {
                let target = try Target(relabelled, discovered: discovered, settings)
                if identities.insert(target.identity).inserted { wanted.append(target) }
            } catch {
                complain(explain(error).what)
            }
        }
        return wanted
    }

    private func complain(_ what: String) {
        if complaints.isNew(what) {
            surroundings.report("! \(settings.job): a target is left out. \(what)")
        }
    }
}
