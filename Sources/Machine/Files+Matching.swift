internal import Glibc

/// The files that a pattern names, sorted: `*`, `?` and `[abc]` as a shell has them. None is no error.
package func files(matching pattern: String) -> [String] {
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, 0, nil, &found) == 0, let paths = found.gl_pathv else { return [] }
    return (0..<Int(found.gl_pathc)).compactMap { paths[$0].map { String(cString: $0) } }
}
