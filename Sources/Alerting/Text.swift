extension String {
    /// At most `limit` units of size, cut between characters; what was cut ends in `…`.
    ///
    /// - Parameter size: how much a character counts; by default its UTF-16 units, the most that a service may count.
    func cut(to limit: Int, by size: (Character) -> Int = { $0.utf16.count }) -> String {
        let room = limit - size("…")
        var used = 0
        var end = startIndex
        for index in indices {
            used += size(self[index])
            if used > limit { return self[..<end] + "…" }
            if used <= room { end = self.index(after: index) }
        }
        return self
    }
}
