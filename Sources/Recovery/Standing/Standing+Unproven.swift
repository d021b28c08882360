internal import Machine
internal import RestorePoints

/// Points that say they are this host's and are not.
extension Standing {
    /// As one thing that is wrong; none where every point is what it says.
    var wordsOfUnproven: [News.Part] {
        guard !unproven.isEmpty else { return [] }
        let names = unproven.keys.sorted()
        let reasons = Set(unproven.values).sorted().prefix(3).joined(separator: " ")
        let shown = names.prefix(5).map(\.description).joined(separator: ", ")
        let rest = names.count > 5 ? " and \(names.count - 5) more" : ""
        return [
            News.Part(
                subject: "points",
                text:
                    "\(shown)\(rest): not signed by this host, so \(names.count == 1 ? "it counts" : "they count") for nothing. "
                    + reasons + "\n  → Find out who put that there. prune never removes it: do so by hand.")
        ]
    }

    /// The same as news.
    func newsOfUnproven() -> News {
        let name = unproven.keys.sorted().map(\.description).joined(separator: " ")
        return News(
            id: "unproven-\(Digest.of(Array(name.utf8)).description.prefix(32))", kind: .incomplete, about: "points",
            title: "Not this host's work: \(counted(unproven.count, "restore point"))",
            summary: "Somebody put into the backup directory, or changed there, what only this host should write.",
            since: nil, wrong: wordsOfUnproven, good: [], next: "holdfast status")
    }
}
