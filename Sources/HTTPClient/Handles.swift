internal import CCurl
import Machine

/// One transfer of libcurl: owns its handles. Made, run and dropped on one thread; runs once.
///
/// The multi interface is used for a single connection because it can be left at any moment, unlike `curl_easy_perform`.
final class Handles {
    /// How often we look whether somebody still wants the answer, in milliseconds.
    private static let pace: Int32 = 100

    let easy: UnsafeMutableRawPointer
    private let multi: UnsafeMutableRawPointer
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private let place: String
    /// Lists that libcurl was given and does not own.
    private var lists: [UnsafeMutablePointer<curl_slist>] = []

    /// - Parameter place: what errors name.
    init(place: String) throws {
        guard libraryIsReady, let easy = curl_easy_init() else {
            throw HTTPError(.failed, "libcurl could not be started.", place: place)
        }
        guard let multi = curl_multi_init() else {
            curl_easy_cleanup(easy)
            throw HTTPError(.failed, "libcurl could not be started.", place: place)
        }
        self.easy = easy
        self.multi = multi
        self.place = place
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        set(CURLOPT_ERRORBUFFER, errorText)
        set(CURLOPT_NOSIGNAL, 1)
    }

    deinit {
        curl_multi_remove_handle(multi, easy)
        curl_easy_cleanup(easy)
        curl_multi_cleanup(multi)
        for list in lists { curl_slist_free_all(list) }
        errorText.deallocate()
    }

    /// How it ended.
    struct End {
        let code: CURLcode
        /// Libcurl's own words, perhaps none.
        let detail: String
        /// The `errno` of the connection, 0 if none.
        let reason: Int32
        /// How long it took.
        let seconds: Double
    }

    /// Runs it to its end.
    ///
    /// - Parameter failure: what stopped it from inside a callback.
    /// - Throws: ``HTTPError`` when libcurl itself fails, ``Interrupted`` when `signal` is set, and what `failure` gives.
    func run(_ signal: StopSignal, failure: () -> (any Error)?) throws -> End {
        curl_multi_add_handle(multi, easy)
        let start = monotonicSeconds()
        var running: Int32 = 1
        while running > 0 {
            try signal.check()
            let code = curl_multi_perform(multi, &running)
            if let failure = failure() { throw failure }
            guard code == CURLM_OK else {
                let text = String(cString: curl_multi_strerror(code))
                throw HTTPError(.failed, "The request could not be made: \(text).", place: place)
            }
            if running > 0 { curl_multi_poll(multi, nil, 0, Self.pace, nil) }
        }
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE else { continue }
            var reason = 0
            curl_get_number(easy, CURLINFO_OS_ERRNO, &reason)
            return End(
                code: message.pointee.data.result, detail: String(cString: errorText),
                reason: Int32(truncatingIfNeeded: reason), seconds: monotonicSeconds() - start)
        }
        throw HTTPError(.failed, "libcurl lost the request.", place: place)
    }

    // Libcurl refuses an option only when it was built without it or is out of memory: the request then fails by itself.
    func set(_ option: CURLoption, _ value: Int) { curl_set_number(easy, option, value) }
    func set(_ option: CURLoption, _ value: String) { curl_set_text(easy, option, value) }
    func set(_ option: CURLoption, _ value: UnsafeMutableRawPointer?) { curl_set_pointer(easy, option, value) }

    /// Sets a limit of time.
    func set(_ option: CURLoption, _ value: Duration) {
        // 0 would mean "no limit", or 300 s.
        set(option, max(1, Int(min(value / .milliseconds(1), Double(Int32.max)))))
    }

    /// Sets a list of texts.
    func set(_ option: CURLoption, _ lines: [String]) throws {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines {
            guard let longer = curl_slist_append(list, line) else {
                curl_slist_free_all(list)
                throw HTTPError(.failed, "Out of memory.", place: place)
            }
            list = longer
        }
        if let list { lists.append(list) }
        set(option, list)
    }
}

/// Libcurl's one-time start; a global is made once, whichever thread comes first.
private let libraryIsReady = curl_global_init(Int(CURL_GLOBAL_SSL)) == CURLE_OK
