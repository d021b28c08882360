import Machine
import OpenPGP
import Recovery
import Testing

struct RecoveryCardTests {
    @Test func saysAllThatIsNeededWhenTheHostIsGone() throws {
        let signer = try #require(Fingerprint("75CAB6B091EFAA7500112233445566778899AABB"))
        let text = RecoveryCard.text(
            host: "0123456789abcdef0123456789abcdef", signer: signer,
            recipients: ["AAAABBBBCCCCDDDDEEEEFFFF0000111122223333", "admin@example.org"],
            directory: "/var/backups/holdfast",
            now: Timestamp(seconds: 1_766_286_000))
        #expect(
            text == """
                HOLDFAST RECOVERY CARD                                   made 2025-12-21T03:00:00Z
                Print this, and keep it away from the host. Nothing on it is secret.

                Host id            0123456789abcdef0123456789abcdef
                Signing key        75CA B6B0 91EF AA75 0011 2233 4455 6677 8899 AABB
                Backups are for    AAAABBBBCCCCDDDDEEEEFFFF0000111122223333
                                   admin@example.org
                Restore points     /var/backups/holdfast

                With holdfast, on any machine that has a copy of the restore points:
                  holdfast verify --signer 75CAB6B091EFAA7500112233445566778899AABB
                  holdfast restore volume NAME --signer 75CAB6B091EFAA7500112233445566778899AABB --key PRIVATE-KEY-FILE
                  holdfast restore database NAME --globals --signer 75CAB6B091EFAA7500112233445566778899AABB --key PRIVATE-KEY-FILE

                Without holdfast:
                  gpg --import host.asc && gpg --verify manifest.json.sig manifest.json
                      (the fingerprint has to be the signing key above)
                  gpg -d ARCHIVE.tar.zst.gpg | zstd -d | tar -xp --numeric-owner --acls --xattrs --xattrs-include='*' -C DIR
                  gpg -d DATABASE.dump.zst.gpg | zstd -d | pg_restore --exit-on-error -d NEW-DATABASE

                """)
    }

    @Test func saysThatNobodyCanReadThemYet() throws {
        let signer = try #require(Fingerprint("75CAB6B091EFAA7500112233445566778899AABB"))
        let text = RecoveryCard.text(
            host: "h", signer: signer, recipients: [], directory: "/b", now: Timestamp(seconds: 0))
        #expect(text.contains("Backups are for    (nobody yet)\n"))
    }
}
