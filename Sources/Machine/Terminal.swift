internal import CLinux

/// How many columns the terminal behind a descriptor has; 80 if it does not say.
package func terminalWidth(_ file: Int32) -> Int {
    let width = Int(linux_terminal_width(file))
    return width > 20 ? width : 80
}
