import Glibc

/// How many processors this process may use, at least 1.
package func availableCores() -> Int {
    max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
}
