package import Machine
internal import RestorePoints

extension Standing: Measured {
    /// Successes only, never mere runs: a moment that failures moved would silence an alert. What never succeeded has 0.
    package func measurements() -> [Measurement] {
        var all: [Measurement] = []
        for item in items {
            let labels = [(name: "item", value: item.item.description)]
            all.append(
                Measurement(
                    "holdfast_item_last_success_timestamp_seconds",
                    "Begin of the newest run that saved the item whole.",
                    labels, Double(item.lastWhole?.moment.seconds ?? 0)))
            if let data = item.lastWhole?.data {
                all.append(
                    Measurement(
                        "holdfast_item_data_bytes", "Data of the newest whole copy.", labels, Double(data.bytes)))
            }
            all.append(
                Measurement(
                    "holdfast_item_failing", "Whether the last try did not save the item whole.", labels,
                    item.isFailing ? 1 : 0))
        }
        let successes = [
            ("backup", lastComplete?.moment), ("verify", lastSuccess("verify")?.moment),
            ("prune", lastSuccess("prune")?.moment),
        ]
        for (command, moment) in successes {
            all.append(
                Measurement(
                    "holdfast_last_success_timestamp_seconds", "Begin of the newest run that went well in all.",
                    [("command", command)], Double(moment?.seconds ?? 0)))
        }
        all.append(Measurement("holdfast_points", "Published restore points.", [], Double(points.count)))
        all.append(
            Measurement(
                "holdfast_points_unproven",
                "Points that say they are this host's and are not known to be signed by it.", [],
                Double(unchecked == nil ? unproven.count : points.count)))
        all.append(Measurement("holdfast_points_bytes", "Bytes of all restore points.", [], Double(size.bytes)))
        all.append(
            Measurement(
                "holdfast_skipped_runs", "Runs of the last 7 days not begun because another was at work.", [],
                Double(skipped.count)))
        all.append(
            Measurement("holdfast_looked_timestamp_seconds", "When these numbers were taken.", [], Double(now.seconds)))
        return all
    }
}
