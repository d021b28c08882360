import Machine

/// An image on this host.
package struct Image: Sendable, Equatable {
    /// `sha256:…`, of its configuration; the same image has it on every host.
    package let id: String
    /// `postgres:15`, …
    package let tags: [String]
    /// `postgres@sha256:…`: what a registry can be asked for again. Empty for images that were built here.
    package let digests: [String]
}

extension Engine {
    /// The images with these ids or names, by what they were asked for; those that are not there are left out.
    package func images(_ ids: some Collection<String> & Sendable) async throws -> [String: Image] {
        var found: [String: Image] = [:]
        for id in Set(ids) where !id.isEmpty {
            do {
                let facts = try await get(ImageFacts.self, "images", id, "json", subject: .image(id))
                found[id] = Image(id: facts.id, tags: facts.tags ?? [], digests: facts.digests ?? [])
            } catch let error as DockerError where error.kind == .noSuchImage {
                continue
            }
        }
        return found
    }
}

private struct ImageFacts: Decodable {
    let id: String
    let tags: [String]?
    let digests: [String]?

    enum CodingKeys: String, CodingKey { case id = "Id", tags = "RepoTags", digests = "RepoDigests" }
}
