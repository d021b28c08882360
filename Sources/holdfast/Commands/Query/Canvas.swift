import Glibc
import Machine

/// What there is to draw on, and with.
struct Canvas {
    let columns: Int
    let rows: Int
    /// Braille, with eight dots a character; otherwise ASCII.
    let isUnicode: Bool
    let isColoured: Bool

    private static let colours = ["36", "33", "35", "32", "34", "31", "96", "93"]
    private static let letters = Array("*+ox#@%&")

    /// The terminal behind standard output, or what everybody can show.
    static var terminal: Canvas {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        return Canvas(
            columns: isTerminal ? min(terminalWidth(STDOUT_FILENO), 160) : 80, rows: 17, isUnicode: speaksUTF8(),
            isColoured: Style(for: STDOUT_FILENO).strong("") != "")
    }

    /// By the variables that setlocale(3) goes by, the strongest first.
    private static func speaksUTF8() -> Bool {
        for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
            guard let value = getenv(name), value.pointee != 0 else { continue }
            let locale = String(cString: value).lowercased()
            return locale.contains("utf-8") || locale.contains("utf8")
        }
        return false
    }

    func drawing(columns: Int) -> Drawing { Drawing(canvas: self, columns: columns) }

    /// How the line of that number looks.
    func mark(_ number: Int) -> String {
        paint(isUnicode ? "⠒⠒" : String(Self.letters[number % Self.letters.count]), number)
    }

    func paint(_ text: String, _ number: Int) -> String {
        isColoured ? "\u{1B}[\(Self.colours[number % Self.colours.count])m\(text)\u{1B}[0m" : text
    }

    func letter(_ number: Int) -> String { String(Self.letters[number % Self.letters.count]) }
}

/// A grid of dots, and what was drawn into it.
struct Drawing {
    private let canvas: Canvas
    let columns: Int
    /// In each cell the dots of braille, and the line that was drawn there last.
    private var cells: [(dots: UInt8, line: Int)]

    fileprivate init(canvas: Canvas, columns: Int) {
        self.canvas = canvas
        self.columns = columns
        cells = Array(repeating: (0, 0), count: columns * canvas.rows)
    }

    /// In dots.
    var width: Int { columns * (canvas.isUnicode ? 2 : 1) }
    var height: Int { canvas.rows * (canvas.isUnicode ? 4 : 1) }

    /// Bresenham's.
    mutating func line(from start: (x: Int, y: Int), to end: (x: Int, y: Int), _ number: Int) {
        var (x, y) = start
        let (dx, dy) = (abs(end.x - x), -abs(end.y - y))
        let (right, down) = (x < end.x ? 1 : -1, y < end.y ? 1 : -1)
        var error = dx + dy
        while true {
            dot(x, y, number)
            if x == end.x, y == end.y { return }
            let doubled = 2 * error
            if doubled >= dy { (error, x) = (error + dy, x + right) }
            if doubled <= dx { (error, y) = (error + dx, y + down) }
        }
    }

    private mutating func dot(_ x: Int, _ y: Int, _ number: Int) {
        guard (0..<width).contains(x), (0..<height).contains(y) else { return }
        guard canvas.isUnicode else {
            cells[y * columns + x] = (1, number)
            return
        }
        // Unicode numbers the dots 1…8 down the left column, then the right, with 7 and 8 below.
        let bits: [UInt8] = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80]
        let place = y / 4 * columns + x / 2
        cells[place] = (cells[place].dots | bits[y % 4 * 2 + x % 2], number)
    }

    /// Line by line, blanks at the ends left out.
    var rows: [String] {
        (0..<canvas.rows).map { row in
            let cells = cells[row * columns..<(row + 1) * columns]
            let last = cells.lastIndex { $0.dots != 0 } ?? cells.startIndex - 1
            return cells[..<(last + 1)].map(text).joined()
        }
    }

    private func text(_ cell: (dots: UInt8, line: Int)) -> String {
        if cell.dots == 0 { return " " }
        let character =
            canvas.isUnicode ? String(UnicodeScalar(0x2800 + UInt32(cell.dots)) ?? " ") : canvas.letter(cell.line)
        return canvas.paint(character, cell.line)
    }
}
