import ArgumentParser

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Get data back: volumes, folders, databases, single files, or an archive of any origin.",
        discussion: """
            In place: plan → staging → compare → stop what uses it → swap → start → healthy. Nothing live changes before the swap,
            and the former data is kept until `restore commit`.

            Examples: holdfast restore volume n8n_data --key /media/stick/private.asc
                      holdfast restore volume n8n_data --path config.json --to /tmp/out --key -
                      holdfast restore database n8n --key /media/stick/private.asc
                      holdfast restore undo
            """,
        subcommands: [
            RestoreVolume.self, RestoreFiles.self, RestoreDatabase.self, RestoreArchive.self, RestoreUndo.self,
            RestoreCommit.self,
        ])
}
