import Glibc
import TimeSeries

/// Writes scrapes until somebody kills it: `SeriesWriter FOLDER FIRST`.
///
/// Scrape number N stands at N × 15 s after 2026-11-25 and gives each of the series the value N. Its number is written to
/// standard error once it is durable.
@main
enum SeriesWriter {
    static func main() throws {
        let folder = CommandLine.arguments[1]
        var number = Int64(CommandLine.arguments[2]) ?? 0
        let store = try TimeSeriesStore(folder, now: time(number))
        while true {
            var batch = Batch(time: time(number))
            for series in 0..<50 {
                // A few come and go.
                let name = series < 40 ? "\(series)" : "\(series)-\(number / 100)"
                batch.add(try store.reference(Labels(["__name__": "m", "n": name])), Double(number))
            }
            let outcome = store.append(batch, now: time(number))
            guard outcome.appended == 50, outcome.isDurable else { exit(3) }
            let line = Array("\(number)\n".utf8)
            guard write(2, line, line.count) == line.count else { exit(4) }
            number += 1
        }
    }

    private static func time(_ number: Int64) -> Int64 { 1_795_564_800_000 + number * 15_000 }
}
