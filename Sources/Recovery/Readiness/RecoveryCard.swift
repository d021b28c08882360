package import Machine
package import OpenPGP

/// What has to be known when the host is gone: a page to print and keep elsewhere.
package enum RecoveryCard {
    package static func text(host: String, signer: Fingerprint, recipients: [String], directory: String, now: Timestamp)
        -> String
    {
        """
        HOLDFAST RECOVERY CARD                                   made \(now)
        Print this, and keep it away from the host. Nothing on it is secret.

        Host id            \(host)
        Signing key        \(signer.grouped)
        Backups are for    \(recipients.isEmpty ? "(nobody yet)" : recipients.joined(separator: "\n                   "))
        Restore points     \(directory)

        With holdfast, on any machine that has a copy of the restore points:
          holdfast verify --signer \(signer)
          holdfast restore volume NAME --signer \(signer) --key PRIVATE-KEY-FILE
          holdfast restore database NAME --globals --signer \(signer) --key PRIVATE-KEY-FILE

        Without holdfast:
          gpg --import host.asc && gpg --verify manifest.json.sig manifest.json
              (the fingerprint has to be the signing key above)
          gpg -d ARCHIVE.tar.zst.gpg | zstd -d | tar -xp --numeric-owner --acls --xattrs --xattrs-include='*' -C DIR
          gpg -d DATABASE.dump.zst.gpg | zstd -d | pg_restore --exit-on-error -d NEW-DATABASE

        """
    }
}
