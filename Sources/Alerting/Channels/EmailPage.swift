/// A notice as a small page: one column that fits a phone, styles in the elements, nothing loaded from anywhere.
enum EmailPage {
    static func html(of notice: Notice) -> String {
        let (accent, tint) = colors(of: notice.kind)
        var body = """
            <p style="margin:0 0 6px;font-size:13px;font-weight:600;letter-spacing:.04em;text-transform:uppercase;\
            color:\(accent)">\(escaped(word(for: notice.kind))) · \(escaped(notice.host))</p>
            <h1 style="margin:0 0 10px;font-size:22px;line-height:1.25;color:#1c2330">\(escaped(notice.title))</h1>
            <p style="margin:0 0 16px;font-size:16px;line-height:1.5;color:#3b4556">\(escaped(notice.summary))</p>

            """
        if let since = notice.sinceText {
            body += """
                <p style="margin:0 0 20px;padding:10px 14px;border-radius:8px;background:\(tint);font-size:15px;\
                color:#1c2330"><b>Since</b> \(escaped(since))</p>

                """
        }
        if !notice.wrong.isEmpty {
            body += heading(notice.wrongHeading)
            for part in notice.wrong { body += wrong(part, accent) }
        }
        if let next = notice.next {
            body +=
                heading("Next") + """
                    <pre style="margin:0 0 20px;padding:12px 14px;border-radius:8px;background:#1c2330;color:#f4f6fa;\
                    font:14px/1.5 \(mono);white-space:pre-wrap;overflow-wrap:anywhere">\(escaped(next))</pre>

                    """
        }
        if !notice.good.isEmpty { body += heading(notice.goodHeading) + good(notice.good) }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(escaped(notice.title))</title></head>
            <body style="margin:0;padding:0;background:#eef1f5">
            <table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#eef1f5">
            <tr><td align="center" style="padding:20px 10px">
            <table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px;background:#fff;\
            border-radius:12px;border-top:6px solid \(accent);text-align:left;font-family:\(sans)">
            <tr><td style="padding:22px 20px 8px">
            \(body)</td></tr>
            <tr><td style="padding:14px 20px 18px;border-top:1px solid #e3e7ee;font-size:13px;color:#6b7686">\
            \(escaped(notice.momentText)) · Holdfast</td></tr>
            </table></td></tr></table>
            </body></html>

            """
    }

    private static let sans = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
    private static let mono = "ui-monospace,SFMono-Regular,Menlo,Consolas,monospace"

    private static func heading(_ text: String) -> String {
        "<h2 style=\"margin:0 0 8px;font-size:15px;color:#1c2330\">\(escaped(text))</h2>\n"
    }

    private static func wrong(_ part: Notice.Part, _ accent: String) -> String {
        """
        <div style="margin:0 0 14px;padding:0 0 0 12px;border-left:3px solid \(accent)">
        <p style="margin:0 0 4px;font-size:15px;font-weight:600;color:#1c2330;overflow-wrap:anywhere">\
        \(escaped(part.subject))</p>
        <pre style="margin:0;font:13px/1.5 \(mono);color:#3b4556;white-space:pre-wrap;overflow-wrap:anywhere">\
        \(escaped(part.text))</pre>
        </div>

        """
    }

    private static func good(_ parts: [Notice.Part]) -> String {
        let rows = parts.map { part in
            """
            <tr><td valign="top" style="padding:3px 8px 3px 0;color:#2e7d32">✓</td>\
            <td style="padding:3px 0;overflow-wrap:anywhere"><b>\(escaped(part.subject))</b><br>\
            <span style="color:#6b7686">\(escaped(part.text))</span></td></tr>

            """
        }
        return """
            <table role="presentation" cellpadding="0" cellspacing="0" style="margin:0 0 16px;font-size:14px;\
            line-height:1.45;color:#1c2330">
            \(rows.joined())</table>

            """
    }

    private static func word(for kind: Notice.Kind) -> String {
        switch kind {
        case .failed: "Failed"
        case .incomplete: "Incomplete"
        case .stale: "Too old"
        case .recovered: "All well again"
        case .test: "Test"
        }
    }

    private static func colors(of kind: Notice.Kind) -> (accent: String, tint: String) {
        switch kind {
        case .failed: ("#c62828", "#fdecec")
        case .incomplete, .stale: ("#c77700", "#fff4e0")
        case .recovered: ("#2e7d32", "#e8f5e9")
        case .test: ("#1565c0", "#e8f1fb")
        }
    }

    /// Works on scalars: a `<` with an accent on it is still a `<` for a browser.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
