internal import Machine
internal import Monitoring
internal import PromQL
internal import TimeSeries

/// `rules` and `alerts`.
extension Endpoints {
    func alerts(_ call: Call) async -> Reply {
        let alerts = await watched.ruleGroups().flatMap(\.rules).flatMap { rule -> [AlertStatus] in
            guard case .alerting(_, _, _, let alerts) = rule.kind else { return [] }
            return alerts
        }
        return .list(opening: "{\"alerts\":[", count: alerts.count, closing: "]}") { $1.alert(alerts[$0]) }
    }

    func rules(_ call: Call) async throws -> Reply {
        let wanted = try WantedRules(call.form, limits)
        var groups = await watched.ruleGroups()
        if let token = wanted.token {
            guard let first = groups.firstIndex(where: { Self.token(of: $0) == token }) else {
                throw APIError.parameter(
                    "group_next_token", "invalid group_next_token '\(token)'. were rule groups changed?")
            }
            groups = Array(groups[first...])
        }
        let chosen = groups.compactMap(wanted.part)
        let count = min(chosen.count, wanted.groups ?? .max)
        let rest = count < chosen.count ? ",\"groupNextToken\":\"\(Self.token(of: chosen[count]))\"" : ""
        return .list(opening: "{\"groups\":[", count: count, closing: "]\(rest)}") { index, text in
            text.group(chosen[index], showsAlerts: wanted.showsAlerts)
        }
    }

    /// By which the next page is asked for.
    private static func token(of group: RuleGroupStatus) -> String {
        "\(Digest.of(Array("\(group.file);\(group.name)".utf8)))"
    }
}

/// Which rules are asked for.
private struct WantedRules: Sendable {
    let names: Set<String>
    let groupNames: Set<String>
    let files: Set<String>
    let matchers: [[Matcher]]
    let type: String
    let showsAlerts: Bool
    let groups: Int?
    let token: String?

    init(_ form: FormValues, _ limits: DashboardLimits) throws {
        names = Set(form.all("rule_name[]"))
        groupNames = Set(form.all("rule_group[]"))
        files = Set(form.all("file[]"))
        matchers = try form.matchers(limits)
        type = form["type"].lowercased()
        guard ["", "alert", "record"].contains(type) else {
            throw APIError.parameter("type", "not supported value \(goQuoted(type))")
        }
        switch form["exclude_alerts"].lowercased() {
        case "", "0", "f", "false": showsAlerts = true
        case "1", "t", "true": showsAlerts = false
        case let other:
            throw APIError.parameter(
                "exclude_alerts",
                "error converting exclude_alerts: strconv.ParseBool: parsing \(goQuoted(other)): invalid syntax")
        }
        let next = form["group_next_token"]
        let limit = form["group_limit"]
        guard next.isEmpty || !limit.isEmpty else {
            throw APIError.parameter(
                "group_next_token", "group_limit needs to be present in order to paginate over the groups")
        }
        let number = Int32(limit)
        guard limit.isEmpty || number != nil else {
            throw APIError.parameter(
                "group_limit",
                "group_limit needs to be a valid number: strconv.ParseInt: parsing \(goQuoted(limit)): invalid syntax")
        }
        guard number ?? 1 > 0 else {
            throw APIError.parameter("group_limit", "group_limit needs to be greater than 0")
        }
        groups = number.map(Int.init)
        token = next.isEmpty ? nil : next
    }

    /// The group with the rules of it that are wanted; nil when there are none.
    func part(_ group: RuleGroupStatus) -> RuleGroupStatus? {
        guard groupNames.isEmpty || groupNames.contains(group.name), files.isEmpty || files.contains(group.file) else {
            return nil
        }
        var part = group
        part.rules = group.rules.filter { rule in
            (names.isEmpty || names.contains(rule.name)) && isOfType(rule.kind)
                && (matchers.isEmpty || matchers.contains { rule.labels.satisfy($0) })
        }
        return part.rules.isEmpty ? nil : part
    }

    private func isOfType(_ kind: RuleStatus.Kind) -> Bool {
        switch kind {
        case .recording: type != "alert"
        case .alerting: type != "record"
        }
    }
}

extension ReplyText {
    fileprivate mutating func group(_ group: RuleGroupStatus, showsAlerts: Bool) {
        raw("{")
        member("name", group.name)
        member("file", group.file)
        key("rules")
        raw("[")
        for rule in group.rules {
            comma()
            self.rule(rule, showsAlerts: showsAlerts)
        }
        raw("]")
        member("interval", seconds: Double(group.interval) / 1000)
        member("limit", group.limit)
        member("evaluationTime", seconds: group.evaluationTime)
        member("lastEvaluation", rfc3339(group.lastEvaluation))
        raw("}")
    }

    private mutating func rule(_ rule: RuleStatus, showsAlerts: Bool) {
        raw("{")
        if case .alerting(_, _, _, let alerts) = rule.kind {
            member("state", (alerts.map(\.state).max() ?? .inactive).rawValue)
        }
        member("name", rule.name)
        member("query", rule.expression)
        switch rule.kind {
        case .recording:
            if !rule.labels.isEmpty { member("labels", rule.labels) }
        case .alerting(let hold, let keepFiring, let annotations, let alerts):
            member("duration", seconds: Double(hold) / 1000)
            member("keepFiringFor", seconds: Double(keepFiring) / 1000)
            member("labels", rule.labels)
            self.annotations(annotations)
            key("alerts")
            if showsAlerts { list(alerts) } else { raw("null") }
        }
        member("health", rule.health.rawValue)
        if !rule.lastError.isEmpty { member("lastError", rule.lastError) }
        member("evaluationTime", seconds: rule.evaluationTime)
        member("lastEvaluation", rfc3339(rule.lastEvaluation))
        if case .recording = rule.kind { member("type", "recording") } else { member("type", "alerting") }
        raw("}")
    }

    private mutating func list(_ alerts: [AlertStatus]) {
        raw("[")
        for alert in alerts {
            comma()
            self.alert(alert)
        }
        raw("]")
    }

    fileprivate mutating func alert(_ alert: AlertStatus) {
        raw("{")
        member("labels", alert.labels)
        annotations(alert.annotations)
        member("state", alert.state.rawValue)
        member("activeAt", rfc3339(alert.activeAt))
        if let since = alert.keepFiringSince { member("keepFiringSince", rfc3339(since)) }
        member("value", FloatText.scientific(alert.value))
        raw("}")
    }

    private mutating func annotations(_ annotations: [(name: String, value: String)]) {
        key("annotations")
        raw("{")
        for annotation in annotations { member(annotation.name, annotation.value) }
        raw("}")
    }
}
