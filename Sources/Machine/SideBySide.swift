/// Transforms all of `inputs`, at most `limit` at a time, in order of their start.
///
/// - Returns: the results in the order of `inputs`.
/// - Throws: the first failure, after the rest was cancelled and has ended.
package func sideBySide<Input: Sendable, Output: Sendable>(
    _ inputs: [Input], limit: Int = availableCores(), _ transform: @escaping @Sendable (Input) async throws -> Output
) async throws -> [Output] {
    try await withThrowingTaskGroup(of: (Int, Output).self) { group in
        var outputs: [Int: Output] = [:]
        for (index, input) in inputs.enumerated() {
            if index >= limit, let (done, output) = try await group.next() { outputs[done] = output }
            group.addTask { (index, try await transform(input)) }
        }
        for try await (done, output) in group { outputs[done] = output }
        return inputs.indices.compactMap { outputs[$0] }
    }
}
