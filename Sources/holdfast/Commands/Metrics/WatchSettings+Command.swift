import Glibc
import Settings

extension WatchSettings {
    /// Finds and reads the configuration that a command is to go by.
    static func load(_ common: CommonOptions) throws -> WatchSettings {
        try load(
            from: Settings.locate(explicit: common.config, environment: environment()) { access($0, F_OK) == 0 })
    }
}
