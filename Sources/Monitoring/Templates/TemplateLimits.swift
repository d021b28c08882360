/// What the expansion of one template may take.
enum TemplateLimits {
    /// Bytes of its text.
    static let output = 1 << 16
    /// Bytes of all texts that its functions make.
    static let made = 4 << 20
    /// Operands that are evaluated.
    static let steps = 100_000
    /// Templates that call each other.
    static let depth = 100
    /// Queries.
    static let queries = 100
    static let seconds = 10.0
}
