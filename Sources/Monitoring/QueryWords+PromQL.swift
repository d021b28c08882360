internal import PromQL
package import Settings

extension QueryWords {
    /// As the query language has them.
    package static let promQL = QueryWords(
        duration: { DurationText.milliseconds($0) },
        patternFault: { pattern in
            do throws(InvalidPattern) {
                _ = try RegularExpression(pattern)
                return nil
            } catch {
                return error.reason
            }
        })
}
