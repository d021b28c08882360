package import Databases

/// What a restore needs to know and a stranger does not; stored encrypted. `docs/formats/restore-point.md`.
package struct PrivateFacts: Codable, Sendable {
    package static let currentFormat = "holdfast-private/1"
    package static let fileName = "private.json.zst.gpg"
    /// Readers refuse more than this many bytes.
    package static let limit = 64 << 20

    package var format = PrivateFacts.currentFormat
    package var host: String
    package var point: PointName
    package var volumes: [String: VolumeFacts]
    package var images: [String: [String]]
    package var containers: [ContainerFacts]
    package var problems: [String: String]
    /// By item; nil if there are none.
    package var databases: [String: DatabaseFacts]?

    /// How the engine knew a volume.
    package struct VolumeFacts: Codable, Sendable, Equatable {
        package var driver: String
        package var labels: [String: String]
        package var options: [String: String]

        package init(driver: String, labels: [String: String], options: [String: String]) {
            self.driver = driver
            self.labels = labels
            self.options = options
        }
    }

    /// A container that used what was backed up.
    package struct ContainerFacts: Codable, Sendable, Equatable {
        package var name: String
        package var image: String
        package var volumes: [String]
        package var project: String?
        package var service: String?

        package init(name: String, image: String, volumes: [String], project: String?, service: String?) {
            self.name = name
            self.image = image
            self.volumes = volumes
            self.project = project
            self.service = service
        }
    }

    package init(
        host: String, point: PointName, volumes: [String: VolumeFacts], images: [String: [String]],
        containers: [ContainerFacts], problems: [String: String], databases: [String: DatabaseFacts] = [:]
    ) {
        self.host = host
        self.point = point
        self.volumes = volumes
        self.images = images
        self.containers = containers
        self.problems = problems
        self.databases = databases.isEmpty ? nil : databases
    }
}
