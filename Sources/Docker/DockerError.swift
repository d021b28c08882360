internal import HTTPClient
import Machine

/// What the engine refuses, or why it could not be asked.
package struct DockerError: Explained {
    /// What went wrong, for callers that decide.
    package enum Kind: String, Sendable {
        /// No engine answers at the socket, or it went away in the middle.
        case unreachable
        case noPermission = "no-permission"
        /// Something took longer than it was given; what became of it is not known.
        case timeout
        case tooOld = "too-old"
        case tooNew = "too-new"
        /// What answered is no Docker engine, or speaks in a way that we do not understand.
        case badAnswer = "bad-answer"
        case noSuchContainer = "no-such-container"
        case noSuchVolume = "no-such-volume"
        case noSuchImage = "no-such-image"
        /// A name that no container, volume or image can have.
        case badName = "bad-name"
        /// The thing is in a state in which that cannot be done: in use, there already, not paused.
        case conflict
        /// The engine finds the request wrong.
        case refused
        /// The engine tried and failed.
        case engineFailed = "engine-failed"
        /// A command could not be run in a container; not: it ran and failed.
        case execFailed = "exec-failed"
        case unhealthy
        case notRunning = "not-running"
    }

    package let kind: Kind
    package let what: String
    package let place: String?
    package let remedy: String?

    package var code: String { "docker.\(kind.rawValue)" }

    /// Whether the same call may well succeed a little later.
    package var isTransient: Bool { kind == .unreachable || kind == .timeout }

    init(_ kind: Kind, _ what: String, place: String? = nil, remedy: String? = nil) {
        self.kind = kind
        self.what = what
        self.place = place
        self.remedy = remedy
    }
}

/// What a call is about: decides what a 404 means and which place a message names.
enum Subject: Sendable {
    case engine
    case container(String)
    case volume(String)
    case image(String)

    var place: String? {
        switch self {
        case .engine: nil
        case .container(let name): "container \(short(name))"
        case .volume(let name): "volume \(printable(name))"
        case .image(let name): "image \(printable(name))"
        }
    }
}

/// As `docker ps` shows it: an id by its first twelve digits, a name as it is.
private func short(_ idOrName: String) -> String {
    let isID =
        idOrName.utf8.count == 64 && idOrName.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    return isID ? String(idOrName.prefix(12)) : printable(idOrName)
}

extension DockerError {
    /// The connection failed.
    init(_ error: HTTPError, socket: String, subject: Subject) {
        switch error.kind {
        case .refused, .noSocket, .unreachable:
            self.init(
                .unreachable, "No Docker engine answers: \(lowerFirst(error.what))", place: socket,
                remedy: "Is dockerd running (systemctl status docker)? Is docker.socket in holdfast.yml its socket?")
        case .cut:
            self.init(
                .unreachable, "The Docker engine went away in the middle of an answer.", place: socket,
                remedy: "See why it stopped (journalctl -u docker), start it, then run again.")
        case .noPermission:
            self.init(
                .noPermission, "This user may not use the Docker engine's socket.", place: socket,
                remedy: "Run holdfast as root, or add the user to the group that owns the socket (usermod -aG docker "
                    + "USER), which is as good as root.")
        case .timeout:
            self.init(
                .timeout, "The Docker engine did not answer: \(lowerFirst(error.what))", place: subject.place ?? socket,
                remedy: "See what it is busy with (journalctl -u docker).")
        case .tooLarge, .badAnswer, .tls, .rejected:
            self.init(badAnswer: error.what, socket: socket)
        case .badRequest, .failed:
            self.init(.badAnswer, "The Docker engine could not be asked: \(lowerFirst(error.what))", place: socket)
        }
    }

    /// What came is not what an engine says.
    private init(badAnswer why: String, socket: String) {
        self.init(
            .badAnswer, "What answers is not a Docker engine that we understand: \(lowerFirst(why))", place: socket,
            remedy: "See whether docker.socket in holdfast.yml is the engine's own socket (docker version).")
    }

    static func badAnswer(_ why: String, socket: String) -> DockerError { DockerError(badAnswer: why, socket: socket) }

    /// The engine answered with an error of its own.
    ///
    /// - Parameter message: what it says.
    init(status: Int, message: String, socket: String, subject: Subject) {
        let place = subject.place ?? socket
        switch (status, subject) {
        case (404, .container):
            self.init(
                .noSuchContainer, "There is no such container.", place: place,
                remedy: "`docker ps -a` lists those that there are.")
        case (404, .volume):
            self.init(
                .noSuchVolume, "There is no such volume.", place: place,
                remedy: "`docker volume ls` lists those that there are.")
        case (404, .image):
            self.init(
                .noSuchImage, "There is no such image.", place: place,
                remedy: "`docker image ls` lists those that there are.")
        case (409, _): self.init(.conflict, "The Docker engine refuses: \(message)", place: place)
        case (400..<500, _): self.init(.refused, "The Docker engine refuses: \(message)", place: place)
        default: self.init(.engineFailed, "The Docker engine failed: \(message)", place: place)
        }
    }
}
