extension YAMLSource {
    /// Where the character `offset` of a scalar's `value` stands, found by walking over text and value side by side: blanks
    /// and line breaks of the one are those of the other, however they were folded. Nil where escapes hide it.
    func position(
        of offset: Int, in value: [Unicode.Scalar], startingAt start: SettingsProblem.Position
    ) -> SettingsProblem.Position? {
        guard var index = index(of: start), index < scalars.count else { return nil }
        switch scalars[index] {
        case "|", ">":
            while index < scalars.count, scalars[index] != "\n" { index += 1 }
        case "\"", "'": index += 1
        default: break
        }
        func skipBlanks() { while index < scalars.count, isBlank(scalars[index]) { index += 1 } }
        var place = 0
        while place < offset, place < value.count {
            guard index < scalars.count else { return nil }
            let wanted = value[place]
            if isBlank(wanted), isBlank(scalars[index]) {
                skipBlanks()
                while place < offset, place < value.count, isBlank(value[place]) { place += 1 }
                continue
            }
            if isBlank(scalars[index]) { skipBlanks() }
            guard index < scalars.count else { return nil }
            let isDoubled = wanted == "'" && index + 1 < scalars.count && scalars[index + 1] == "'"
            if scalars[index] == "\\",
                scalars[index] != wanted || index + 1 < scalars.count && scalars[index + 1] == "\\"
            {
                index += 1
            } else if isDoubled, scalars[index] == "'" {
                index += 1
            }
            guard index < scalars.count, scalars[index] == wanted else { return nil }
            index += 1
            place += 1
        }
        if place < value.count, !isBlank(value[place]) { skipBlanks() }
        return position(at: index)
    }

    private func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r"
    }
}
