import Glibc
import Machine

/// Whoever sits in front of it. Every wait for a person ends with Ctrl-C and SIGTERM, not only with Enter.
enum Terminal {
    /// Waits until there is something to read, or its end.
    ///
    /// - Throws: ``Interrupted`` when a signal asked us to stop.
    static func waitForInput(_ file: Int32) throws {
        var waiting = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
        while poll(&waiting, 1, 100) <= 0 {
            if Signals.exitStatus != nil { throw Interrupted() }
        }
    }

    /// Standard input.
    struct Input: ByteSource {
        func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
            try waitForInput(STDIN_FILENO)
            let count = retrying { Glibc.read(STDIN_FILENO, buffer.baseAddress, buffer.count) }
            guard count >= 0 else { throw MachineError.call("read", "standard input") }
            return count
        }
    }

    /// Asks without showing what is typed; nil where there is no terminal.
    static func askSecret(_ question: String) throws -> Redacted? {
        guard let terminal = try? Descriptor.open("/dev/tty", O_RDWR | O_NOCTTY) else { return nil }
        var former = termios()
        guard tcgetattr(terminal.raw, &former) == 0 else { return nil }
        var silent = former
        silent.c_lflag &= ~tcflag_t(ECHO)
        silent.c_lflag |= tcflag_t(ICANON | ISIG)
        guard tcsetattr(terminal.raw, TCSAFLUSH, &silent) == 0 else { return nil }
        defer {
            tcsetattr(terminal.raw, TCSAFLUSH, &former)
            try? terminal.write("\n")
        }
        try terminal.write(question)
        try waitForInput(terminal.raw)
        // A terminal gives one line at a time.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
        defer { buffer.deallocate() }
        let count = try terminal.read(into: buffer)
        return Redacted(String(decoding: buffer[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
