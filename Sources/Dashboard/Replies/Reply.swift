internal import PromQL

/// What is answered: a head, and a body in pieces, each written only when the one before has gone.
struct Reply: Sendable {
    static let json = "application/json"
    static let plain = "text/plain; charset=utf-8"

    var status = 200
    var contentType = json
    var headers: [(name: String, value: String)] = []
    /// The body: what stands before the pieces, how many there are, how each is written, what stands after.
    var head = ReplyText()
    var count = 0
    var piece: @Sendable (Int, inout ReplyText) -> Void = { _, _ in }
    var tail = ReplyText()
    /// Whether writing a piece may block, so that it needs a thread.
    var blocks = false
    /// A field that is known only when the body is through.
    var trailer: @Sendable () -> (name: String, value: String)? = { nil }

    /// A line for a person.
    static func text(_ text: String, status: Int = 200) -> Reply {
        var reply = Reply(status: status, contentType: plain)
        reply.head.raw(text + "\n")
        return reply
    }

    /// `{"status":"success","data":…}` with a `data` that `write` makes at once.
    static func success(
        warnings: [String] = [], infos: [String] = [], _ write: (inout ReplyText) -> Void
    ) -> Reply {
        var reply = Reply()
        reply.head.raw("{\"status\":\"success\",\"data\":")
        write(&reply.head)
        reply.close(warnings, infos)
        return reply
    }

    /// The same with pieces: `opening` and `closing` stand around them, commas between them.
    static func list(
        opening: String = "[", count: Int, warnings: [String] = [], infos: [String] = [], closing: String = "]",
        _ piece: @escaping @Sendable (Int, inout ReplyText) -> Void
    ) -> Reply {
        var reply = Reply()
        reply.head.raw("{\"status\":\"success\",\"data\":")
        reply.head.raw(opening)
        reply.count = count
        reply.piece = { index, text in
            if index > 0 { text.raw(",") }
            piece(index, &text)
        }
        reply.tail.raw(closing)
        reply.close(warnings, infos)
        return reply
    }

    static func failure(_ error: APIError) -> Reply {
        var reply = Reply(status: error.status)
        reply.head.raw("{\"status\":\"error\",")
        reply.head.member("errorType", error.kind.rawValue)
        reply.head.member("error", error.message)
        reply.head.raw("}")
        return reply
    }

    private mutating func close(_ warnings: [String], _ infos: [String]) {
        for (name, texts) in [("warnings", warnings), ("infos", infos)] where !texts.isEmpty {
            tail.raw(",")
            tail.string(name)
            tail.raw(":")
            tail.strings(texts)
        }
        tail.raw("}")
    }
}

/// How many warnings and how many infos an answer has at most; of the others there is the number.
private let annotationLimit = 10

extension [Annotation] {
    /// As Prometheus puts them into an answer.
    func texts(_ level: Annotation.Level) -> [String] {
        let texts = filter { $0.level == level }.map(\.description)
        guard texts.count > annotationLimit else { return texts }
        let kind = level == .warning ? "warning" : "info"
        return texts.prefix(annotationLimit) + ["\(texts.count - annotationLimit) more \(kind) annotations omitted"]
    }
}
