import ArgumentParser
import Docker
import Glibc
import Machine
import OpenPGP
import Recovery
import RestorePoints
import Settings

struct Init: TalkingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at the host, write a commented holdfast.yml, make the host's signing key.",
        discussion: """
            Looks at the engine, compose projects, volumes, bind mounts, databases and keys, and says what the configuration
            does not cover. A holdfast.yml that is there stays as it is.

            Example: holdfast init --output /etc/holdfast/holdfast.yml --directory /var/backups/holdfast

            \(ExitStatus.help)
            """)

    @OptionGroup var common: CommonOptions

    @Option(help: "Where to write the configuration; else $HOLDFAST_CONFIG, ./holdfast.yml.")
    var output: String?

    @Option(help: "The backup directory to write into it.")
    var directory = "/var/backups/holdfast"

    @Option(help: "The state folder to write into it.")
    var state = Settings.defaultState

    @Option(help: "The engine's socket.")
    var dockerSocket = Settings.Docker.defaultSocket

    @Option(help: "Where volumes lie, on a host without an engine.")
    var volumesRoot: String?

    @Option(help: "A GNUPGHOME of holdfast's own for the public keys.")
    var keyring: String?

    @Flag(help: "Make only the signing key, for a configuration that is there.")
    var signingKeyOnly = false

    private struct Report: Encodable {
        var configuration: String
        var written: Bool
        var host: String
        var signingKey: String
        var recoveryCard: String
        var found: [String]
        var notCovered: [String]
    }

    func run() async throws {
        let named = environment()["HOLDFAST_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        let file = common.config ?? output ?? named ?? "holdfast.yml"
        let present = access(file, F_OK) == 0
        var report = Report(
            configuration: file, written: false, host: "", signingKey: "", recoveryCard: "", found: [], notCovered: [])
        if present || signingKeyOnly {
            report.found.append("\(file) is there and stays as it is")
        } else {
            try await survey(file, &report)
        }
        try await makeHostKey(try Settings.load(from: file), &report)
        try Output.result(report, json: common.json, text: text)
    }

    private func survey(_ file: String, _ report: inout Report) async throws {
        let wishes = HostSurvey.Wishes(
            directory: directory, state: state, socket: dockerSocket, keyring: keyring, volumesRoot: volumesRoot)
        let survey = try await HostSurvey(
            wishes, engine: await Composition.engine(at: dockerSocket), keyring: Keyring(home: keyring),
            recipients: try Settings.Encryption(recipients: []).recipients(environment: environment()),
            now: SystemClock().now())
        let yaml = survey.draft.yaml()
        // What we write has to be what we read.
        _ = try Settings.parse(yaml, file: file)
        let slash = file.lastIndex(of: "/")
        let folder = slash.map { $0 == file.startIndex ? "/" : String(file[..<$0]) } ?? "."
        try makeFolders(folder)
        try Descriptor.open(folder, O_RDONLY | O_DIRECTORY).publish(
            slash.map { String(file[file.index(after: $0)...]) } ?? file, Array(yaml.utf8))
        report.written = true
        report.found = survey.found
        report.notCovered = survey.uncovered
    }

    private func makeHostKey(_ settings: Settings, _ report: inout Report) async throws {
        let state = StateFolder(settings.state)
        let clock = SystemClock()
        report.host = try state.hostID(clock: clock)
        let key: HostKey
        if let known = try await HostKey.open(state.signingHome) {
            key = known
        } else {
            key = try await HostKey.create(in: state.signingHome, host: String(report.host.prefix(8)))
        }
        report.signingKey = key.fingerprint.description
        try makeFolders(settings.backup.directory)
        let place = try Descriptor.open(settings.backup.directory, O_RDONLY | O_DIRECTORY)
        let name = try await publicKeyName(in: place, own: key.fingerprint, &report)
        try place.publish(name, try await key.publicKey(), replacing: true)
        let card = RecoveryCard.text(
            host: report.host, signer: key.fingerprint, recipients: settings.backup.encryption.recipients,
            directory: settings.backup.directory, now: clock.now())
        try state.open().publish("recovery-card.txt", Array(card.utf8), replacing: true)
        report.recoveryCard = state.recoveryCard
    }

    /// A copy of another host's points brings that host's key with it, and it stays what it is called there.
    private func publicKeyName(in place: Descriptor, own: Fingerprint, _ report: inout Report) async throws -> String {
        guard place.has(SignerOptions.publicKeyName) else { return SignerOptions.publicKeyName }
        let bytes = try place.open(SignerOptions.publicKeyName, O_RDONLY | O_NOFOLLOW).readAll(limit: 1 << 20)
        guard let other = try? await Keyring(home: nil).inspect(bytes).onlyKey().fingerprint, other != own else {
            return SignerOptions.publicKeyName
        }
        report.found.append("the points that are there are signed by another host: --signer \(other)")
        return SignerOptions.publicKeyName(of: own)
    }

    private func text(_ report: Report) -> String {
        let style = Style(for: STDOUT_FILENO)
        var text = ""
        for line in report.found { text += "\(style.good("✓")) \(line)\n" }
        if report.written { text += "\(style.good("✓")) wrote \(report.configuration)\n" }
        text += "\(style.good("✓")) this host signs with \(report.signingKey)\n"
        text += "\(style.good("✓")) recovery card: \(report.recoveryCard) – print it, and keep it elsewhere\n"
        if !report.notCovered.isEmpty {
            text += "\n\(style.strong("Not covered"))\n"
            for line in report.notCovered { text += "\(style.warn("!")) \(line)\n" }
        }
        let isUsual = Settings.usualFiles.contains { $0 == report.configuration || $0 == "./" + report.configuration }
        return text + "\nNext: holdfast check\(isUsual ? "" : " --config \(report.configuration)")\n"
    }
}
