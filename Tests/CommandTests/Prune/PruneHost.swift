import Glibc
import Machine
import TestKit
import Testing

/// What tests of `prune` do on a host.
extension DemoHost {
    /// Sets what is kept: `keep_last: 2`.
    func keep(_ rules: String, _ change: (inout DemoConfiguration) -> Void = { _ in }) throws {
        try configure {
            $0.backup = ["retention: { \(rules) }"]
            change(&$0)
        }
    }

    /// The same host, so many days off; negative ones are past. The host comes from ``withClock(offBy:)``.
    func on(day: Int) -> DemoHost {
        var host = self
        host.holdfast.environment["CLOCK_OFF_BY"] = "\(day * 86_400)"
        return host
    }

    /// Backs up once on each of these days, counted from today.
    ///
    /// - Returns: the names of the points.
    @discardableResult
    func backUp(on days: ClosedRange<Int>) async throws -> [String] {
        var points: [String] = []
        for day in days { points.append(try await on(day: day).backup()) }
        return points
    }

    /// Prunes, and expects that to go well.
    ///
    /// - Returns: the report.
    @discardableResult
    func prune(_ arguments: String..., at location: SourceLocation = #_sourceLocation) async throws -> JSONValue {
        let outcome = try await holdfast.run([CommandRunner.binary, "prune", "--json"] + arguments)
        #expect(outcome.status == 0, "\(outcome)", sourceLocation: location)
        return try outcome.json()
    }

    /// The same host, on which every file takes a while to remove.
    func removingSlowly() async throws -> DemoHost {
        var host = self
        try write(
            "shims/slow.c",
            """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <unistd.h>
            int unlinkat(int folder, const char *name, int flags) {
                int (*real)(int, const char *, int) = dlsym(RTLD_NEXT, "unlinkat");
                usleep(5000);
                return real(folder, name, flags);
            }
            """)
        try await shell("cd shims && clang -shared -fPIC -o slow.so slow.c -ldl")
        let others = host.holdfast.environment["LD_PRELOAD"].map { ":\($0)" } ?? ""
        host.holdfast.environment["LD_PRELOAD"] = "\(folder)/shims/slow.so\(others)"
        return host
    }
}

extension JSONValue {
    /// Of a report: names of the points that go.
    var removed: [String] { self["points"].all.filter { $0["kept"].bool == false }.compactMap { $0["point"].string } }

    /// Of a report: why a point stays or goes for an item's sake.
    func reasons(_ item: String, in point: String) -> [String] {
        self["points"].all.first { $0["point"].string == point }?["items"].all.first { $0["item"].string == item }?[
            "reasons"
        ].all.compactMap(\.string) ?? []
    }
}
