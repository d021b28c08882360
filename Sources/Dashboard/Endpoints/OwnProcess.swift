internal import Glibc
internal import Machine

/// This process's numbers, as Prometheus's client libraries name them (`process_*`), from proc(5).
struct OwnProcess {
    let processorSeconds: Double
    let residentBytes: Double
    let virtualBytes: Double
    /// Seconds since 1970.
    let started: Double
    let openDescriptors: Int
    let maximumDescriptors: Double

    init?() {
        guard let status = Self.fields("/proc/self/stat"), status.count > 24 else { return nil }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        let numbers = status.map { Double($0) ?? 0 }
        processorSeconds = (numbers[14] + numbers[15]) / ticks
        virtualBytes = numbers[23]
        residentBytes = numbers[24] * Double(sysconf(Int32(_SC_PAGESIZE)))
        started = Self.bootTime + numbers[22] / ticks
        openDescriptors = (try? Descriptor.folder("/proc/self/fd").names().count) ?? 0
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        maximumDescriptors = Double(limit.rlim_cur)
    }

    static var threads: Int { Self.fields("/proc/self/stat").flatMap { $0.count > 20 ? Int($0[20]) : nil } ?? 0 }

    /// The fields of proc(5), from 1 on; the program's name, which may hold blanks, counts as one.
    private static func fields(_ path: String) -> [String]? {
        guard let text = content(path), let end = text.lastIndex(of: ")") else { return nil }
        return ["", "", ""] + text[text.index(after: end)...].split(separator: " ").map(String.init)
    }

    private static var bootTime: Double {
        let lines = content("/proc/stat")?.split(separator: "\n") ?? []
        return lines.first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst("btime ".count)) } ?? 0
    }

    private static func content(_ path: String) -> String? {
        guard let file = try? Descriptor.open(path, O_RDONLY | O_CLOEXEC),
            let bytes = try? file.readAll(limit: 1 << 20)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
