import ArgumentParser
import Glibc
import Machine

/// What the numbers of a plot are.
enum PlotUnit: String, ExpressibleByArgument, CaseIterable {
    case plain, bytes, seconds, percent

    /// Told from the end of a metric's name, as exporters write it.
    init(of name: String) {
        self =
            name.hasSuffix("_bytes")
            ? .bytes
            : name.hasSuffix("_seconds")
                ? .seconds
                : name.hasSuffix("_ratio") ? .percent : .plain
    }

    /// At most seven characters or so.
    func text(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        switch self {
        case .plain: return scaled(value, by: 1000, ["", "k", "M", "G", "T", "P"])
        case .bytes: return scaled(value, by: 1024, [" B", " KiB", " MiB", " GiB", " TiB", " PiB"])
        case .percent: return "\(trimmed(value * 100)) %"
        case .seconds:
            let size = value.magnitude
            if size != 0, size < 1e-3 { return "\(trimmed(value * 1e6)) µs" }
            if size != 0, size < 1 { return "\(trimmed(value * 1e3)) ms" }
            return size < 120
                ? "\(trimmed(value)) s" : size < 7200 ? "\(trimmed(value / 60)) min" : "\(trimmed(value / 3600)) h"
        }
    }

    private func scaled(_ value: Double, by factor: Double, _ names: [String]) -> String {
        var (rest, place) = (value, 0)
        while rest.magnitude >= factor, place < names.count - 1 { (rest, place) = (rest / factor, place + 1) }
        return trimmed(rest) + names[place]
    }

    /// Three digits or four, without zeros at the end.
    private func trimmed(_ value: Double) -> String {
        let size = value.magnitude
        if size != 0, size < 0.001 { return "\(Float(value))" }
        let places = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
        var text = value.fixed(places)
        if places > 0 {
            while text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
        }
        return text == "-0" ? "0" : text
    }
}

/// Series over time, drawn with characters.
struct Plot {
    struct Line {
        let name: String
        /// Seconds since 1970, ascending; values that are no numbers are left out.
        let points: [(time: Double, value: Double)]
    }

    /// More cannot be told from one another.
    private static let maximumLines = 8

    let lines: [Line]
    /// Series that are not drawn.
    let others: Int
    let unit: PlotUnit
    /// Seconds since 1970.
    let times: ClosedRange<Double>
    /// Beyond it two values are not joined. Seconds.
    let gap: Double

    init(_ result: QueryResult, _ question: Question, unit: PlotUnit?) {
        guard case .series(let series) = result.value, let range = question.range else {
            self.init(lines: [], others: 0, unit: .plain, times: 0...1, gap: 1)
            return
        }
        let end = Double(question.end) / 1000
        self.init(
            lines: series.prefix(Self.maximumLines).map { one in
                let points = one.points.map { (time: $0.time, value: $0.number) }
                return Line(name: one.name, points: points.filter { $0.value.isFinite })
            },
            others: max(0, series.count - Self.maximumLines),
            unit: unit ?? PlotUnit(of: series.first?.metric["__name__"] ?? ""),
            times: end - Double(range.length) / 1000...end, gap: Double(range.step) / 1000 * 1.5)
    }

    init(lines: [Line], others: Int, unit: PlotUnit, times: ClosedRange<Double>, gap: Double) {
        (self.lines, self.others, self.unit, self.times, self.gap) = (lines, others, unit, times, gap)
    }

    /// The lowest and the highest value, with zero where it is not far, and never equal.
    private var values: ClosedRange<Double>? {
        let all = lines.flatMap(\.points).map(\.value)
        guard var low = all.min(), var high = all.max() else { return nil }
        if low > 0, low < high / 2 { low = 0 }
        if high < 0, high > low / 2 { high = 0 }
        if low == high { (low, high) = low == 0 ? (0, 1) : (low - low.magnitude / 10, high + high.magnitude / 10) }
        return low...high
    }

    func text(_ canvas: Canvas) -> String {
        guard let values else { return "Nothing to draw.\n" }
        let labels = (0..<canvas.rows).map { row in
            row % 4 == 0 || row == canvas.rows - 1
                ? unit.text(
                    values.upperBound - (values.upperBound - values.lowerBound) * Double(row) / Double(canvas.rows - 1))
                : ""
        }
        let margin = labels.map(\.count).max() ?? 0
        var drawing = canvas.drawing(columns: max(10, canvas.columns - margin - 2))
        for (number, line) in lines.enumerated() { draw(line, number, values, &drawing) }
        var text = ""
        for (label, row) in zip(labels, drawing.rows) {
            let axis = canvas.isUnicode ? label.isEmpty ? "│" : "┤" : "|"
            text += String(repeating: " ", count: margin - label.count) + label + axis + row + "\n"
        }
        return text + axis(canvas, margin, drawing.columns) + legend(canvas)
    }

    private func draw(_ line: Line, _ number: Int, _ values: ClosedRange<Double>, _ drawing: inout Drawing) {
        func place(_ point: (time: Double, value: Double)) -> (x: Int, y: Int) {
            let across = (point.time - times.lowerBound) / (times.upperBound - times.lowerBound)
            let up = (point.value - values.lowerBound) / (values.upperBound - values.lowerBound)
            return (
                Int((across * Double(drawing.width - 1)).rounded()),
                Int(((1 - up) * Double(drawing.height - 1)).rounded())
            )
        }
        var former: (time: Double, value: Double)?
        for point in line.points {
            let joined = former.map { point.time - $0.time <= gap } ?? false
            drawing.line(from: joined ? former.map(place) ?? place(point) : place(point), to: place(point), number)
            former = point
        }
    }

    /// The times below: at the beginning, in the middle, at the end.
    private func axis(_ canvas: Canvas, _ margin: Int, _ columns: Int) -> String {
        let isLong = times.upperBound - times.lowerBound > 86_400
        let middle = (times.lowerBound + times.upperBound) / 2
        let marks = [times.lowerBound, middle, times.upperBound].map { localTime($0, isLong ? "%m-%d %H:%M" : "%H:%M") }
        let spare = columns - marks.reduce(0) { $0 + $1.count }
        let (left, right) = (max(1, spare / 2), max(1, spare - spare / 2))
        let rule =
            canvas.isUnicode
            ? "└" + String(repeating: "─", count: columns) : "+" + String(repeating: "-", count: columns)
        return String(repeating: " ", count: margin) + rule + "\n" + String(repeating: " ", count: margin + 1)
            + marks[0]
            + String(repeating: " ", count: left) + marks[1] + String(repeating: " ", count: right) + marks[2] + "\n"
    }

    private func legend(_ canvas: Canvas) -> String {
        let rows = lines.enumerated().map { number, line in
            "\(canvas.mark(number)) \(unit.text(line.points.last?.value ?? .nan))  \(printable(line.name))\n"
        }
        return rows.joined()
            + (others > 0 ? "and \(counted(others, "series")) more\n".replacing("seriess", with: "series") : "")
    }
}

/// `strftime` in this host's time zone.
private func localTime(_ seconds: Double, _ pattern: String) -> String {
    var clock = time_t(seconds)
    var parts = tm()
    guard localtime_r(&clock, &parts) != nil else { return "" }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
        guard let base = buffer.baseAddress, strftime(base, buffer.count, pattern, &parts) > 0 else { return "" }
        return String(cString: base)
    }
}
