/// Runs `body`, and cancels it when it takes longer than `seconds`.
///
/// - Throws: `late()` once the limit is over and `body` has ended.
package func withDeadline<Result: Sendable>(
    _ seconds: Double, _ body: @escaping @Sendable () async throws -> Result, late: @Sendable () -> any Error
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: .seconds(seconds))
            return nil
        }
        defer { group.cancelAll() }
        if let first = try await group.next(), let result = first { return result }
        group.cancelAll()
        while (try? await group.next()) != nil {}
        throw late()
    }
}
