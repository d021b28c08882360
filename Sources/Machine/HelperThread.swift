/// Starts a detached thread for blocking code that has to run beside other blocking code.
///
/// Whoever starts it learns of its end by means of its own, and waits for it before it goes away.
package func startHelperThread(_ name: String, _ body: @escaping @Sendable () -> Void) {
    startThread(name, body)
}
