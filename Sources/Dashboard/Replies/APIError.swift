internal import Machine
internal import PromQL
internal import TimeSeries

/// Why a request of the API is answered with an error, in Prometheus's terms.
struct APIError: Error {
    enum Kind: String, Sendable {
        case badData = "bad_data"
        case execution
        case canceled
        case timeout
        case `internal` = "internal"
    }

    let kind: Kind
    let message: String
    /// When it is another than what the kind says.
    var status: Int

    init(_ kind: Kind, _ message: String, status: Int? = nil) {
        self.kind = kind
        self.message = message
        self.status = status ?? kind.status
    }

    static func parameter(_ name: String, _ reason: String) -> APIError {
        APIError(.badData, "invalid parameter \(goQuoted(name)): \(reason)")
    }

    static func badForm(_ reason: String) -> APIError {
        APIError(.badData, "error parsing form values: \(reason)")
    }

    /// What a query or the store says; never a path.
    init(_ error: any Error) {
        switch error {
        case let error as APIError: self = error
        case let error as PromQLError: self.init(error)
        case let error as TimeSeriesError:
            self.init(error.kind == .limit ? .execution : .internal, error.what)
        case is CancellationError, is Interrupted: self.init(.canceled, "the request was canceled")
        default: self.init(.internal, explain(error).what)
        }
    }

    private init(_ error: PromQLError) {
        switch error.kind {
        case .syntax, .tooDeep: self = .parameter("query", Self.words(error, in: ""))
        case .timeout: self.init(.timeout, "query timed out in expression evaluation")
        case .cancelled: self.init(.canceled, "query was canceled in expression evaluation")
        case .storage: self.init(.internal, error.what)
        case .execution, .tooManySamples, .tooManySeries: self.init(.execution, error.what)
        }
    }

    /// `1:7: parse error: …`
    static func words(_ error: any Error, in text: String) -> String {
        guard let error = error as? PromQLError else { return explain(error).what }
        if text.isEmpty { return "unknown position: \(error.what)" }
        return error.position.map { "\($0): \(error.what)" } ?? error.what
    }
}

extension APIError.Kind {
    fileprivate var status: Int {
        switch self {
        case .badData: 400
        case .execution: 422
        // nginx's number for a client that is gone.
        case .canceled: 499
        case .timeout: 503
        case .internal: 500
        }
    }
}
