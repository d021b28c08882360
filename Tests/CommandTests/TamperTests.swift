import Glibc
import TestKit
import Testing

/// Points that somebody or something changed: a restore refuses, and touches nothing but its own staging.
@Suite struct TamperTests {
    /// Changes the newest point by a script with `$point`, `$first` and `$archive` (of n8n_data); then neither restore nor
    /// verify may let it pass.
    private func expectCaught(
        _ script: String, _ code: String?, verifyStatus: Int32 = 1, at location: SourceLocation = #_sourceLocation
    ) async throws {
        try await withDemoHost(.backedUp) { host in
            try await change(host, script)
            try await expectRefused(host, code, verifyStatus: verifyStatus, at: location)
        }
    }

    private func change(_ host: DemoHost, _ script: String) async throws {
        let points = try host.points()
        try await host.shell(
            """
            first=backups/\(points[0]); point=backups/\(points[1]); archive=$point/volume.n8n_data.tar.zst.gpg
            sign() {  # a manifest that fits what lies there now, signed by the key in $1
                file=$(basename "$archive")
                jq -S --arg f "$file" --arg d "$(sha256sum < "$archive" | cut -d' ' -f1)" --argjson s "$(stat -c %s "$archive")" \\
                    '(.archives[] | select(.file == $f)) |= (.sha256 = $d | .size = $s)' "$point/manifest.json" > new.json
                mv new.json "$point/manifest.json"
                [ -z "$1" ] && return
                export GNUPGHOME=$PWD/forger; mkdir -m 700 forger
                gpg --batch -q --import "$1"
                rm "$point/manifest.json.sig"
                gpg --batch -q -o "$point/manifest.json.sig" --detach-sign "$point/manifest.json"
                gpgconf --kill all
                export GNUPGHOME=$PWD/owner
            }
            \(script)
            """)
    }

    private func expectRefused(
        _ host: DemoHost, _ code: String?, verifyStatus: Int32 = 1, at location: SourceLocation = #_sourceLocation
    ) async throws {
        let before = try Possessions(of: host)
        let point = try #require(try host.points().last)
        let outcome = try await host.restore("volume", "n8n_data", "--from", point, "--json")
        #expect([1, 4].contains(outcome.status), "\(outcome)", sourceLocation: location)
        let error = try outcome.json()["error"]
        if let code { #expect(error["code"].string == code, "\(outcome)", sourceLocation: location) }
        #expect(error["remedy"].string?.isEmpty == false, "no remedy: \(outcome)", sourceLocation: location)
        try await before.expectUntouched(host, verifying: false, at: location)
        let verified = try await host.holdfast("verify", "--json")
        #expect(verified.status == verifyStatus, "\(verified)", sourceLocation: location)
        _ = try verified.json()
        #expect(try await host.holdfast("resume").status == 0, sourceLocation: location)
    }

    // MARK: - One file

    @Test(arguments: ["0", "1", "40", "$((size / 2))", "$((size - 1))"])
    func anArchiveThatWasCut(length: String) async throws {
        try await expectCaught("size=$(stat -c %s $archive); truncate -s \(length) $archive", "point.damaged")
    }

    @Test func anArchiveWithBytesFlippedAnywhere() async throws {
        try await withDemoHost(.backedUp) { host in
            let point = try #require(try host.points().last)
            let archive = host.archive(of: point)
            let whole = try host.bytes(archive)
            var random = SeededRandom(seed: 20_261_122)
            // Packet headers, session key, first and last chunk, modification detection code; and anywhere.
            let places = [0, 1, 2, 12, 60, 94, 96, 100, whole.count - 21, whole.count - 1]
            for place in places + (0..<6).map({ _ in Int.random(in: 0..<whole.count, using: &random) }) {
                var flipped = whole
                flipped[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
                try host.write(archive, flipped)
                let before = try Possessions(of: host)
                // Named, for one that was found damaged is not taken of holdfast's own accord.
                let outcome = try await host.restore("volume", "n8n_data", "--from", point, "--json")
                #expect(outcome.status == 1, "byte \(place): \(outcome)")
                try await before.expectUntouched(host, verifying: false)
                if place % 3 == 0 { #expect(try await host.holdfast("verify").status == 1, "byte \(place)") }
            }
        }
    }

    @Test func anArchiveWithSomethingAppended() async throws {
        try await expectCaught("echo more >> $archive", "point.damaged")
    }

    @Test func anArchiveFollowedByAnother() async throws {
        try await expectCaught("cat $first/volume.n8n_data.tar.zst.gpg >> $archive", "point.damaged")
    }

    @Test func anArchiveThatIsGone() async throws { try await expectCaught("rm $archive", "point.file-missing") }

    @Test func anArchiveThatIsAFIFO() async throws { try await expectCaught("rm $archive; mkfifo $archive", nil) }

    @Test func anArchiveThatIsALinkToAnother() async throws {
        try await expectCaught("mv $archive elsewhere; ln -s $PWD/elsewhere $archive", nil)
    }

    @Test func twoItemsThatWereSwapped() async throws {
        try await expectCaught(
            "mv $archive x; mv $point/volume.web_data.tar.zst.gpg $archive; mv x $point/volume.web_data.tar.zst.gpg",
            nil)
    }

    @Test func anOlderArchiveInANewerPoint() async throws {
        try await expectCaught("cp $first/volume.n8n_data.tar.zst.gpg $archive", nil)
    }

    @Test func anArchiveMadeForAnotherKey() async throws {
        try await withDemoHost(.backedUp) { host in
            let other = host.keys.other.digits
            try await host.withOwner {
                try await change(
                    host,
                    """
                    gpg -q --batch -d $archive > plain
                    rm $archive; gpg -q --batch --homedir ring --trust-model always -r \(other) -o $archive -e plain; rm plain
                    """)
            }
            try await expectRefused(host, nil)
        }
    }

    /// A changed label is a changed file, and not a matter of the right key.
    @Test func anArchiveWhoseLabelWasChanged() async throws {
        try await withDemoHost(.backedUp) { host in
            let script = "printf '\\252\\125\\252\\125' | dd of=$archive bs=1 seek=5 conv=notrunc status=none"
            try await change(host, script)
            try await expectRefused(host, "point.damaged")
            let deep = try await host.holdfast("verify", "--deep", "--key", host.privateKey)
            #expect(deep.status == 1, "\(deep)")
        }
    }

    @Test func aStrangersArchiveForTheRightKey() async throws {
        try await expectCaught(Self.strangersArchive, nil)
    }

    private static let strangersArchive = """
        mkdir evil; echo owned > evil/config.json; rm $archive
        tar -c -C evil . | zstd -q | gpg -q --batch --homedir ring --trust-model always -r owner@example.org -o $archive -e
        """

    // MARK: - Manifest and signature

    @Test func aManifestThatWasChanged() async throws {
        try await expectCaught(
            "sed -i 's/\"holdfast\" : \"/&9/' $point/manifest.json; grep -q ' \"9' $point/manifest.json",
            "openpgp.bad-signature")
    }

    @Test func aManifestThatWasCut() async throws {
        try await expectCaught("truncate -s 100 $point/manifest.json", nil)
    }

    @Test func aSignatureThatIsMissing() async throws { try await expectCaught("rm $point/manifest.json.sig", nil) }

    @Test func aSignatureThatIsAFolder() async throws {
        try await expectCaught("rm $point/manifest.json.sig; mkdir $point/manifest.json.sig", "point.unsigned")
    }

    @Test func aSignatureThatIsEmpty() async throws { try await expectCaught(": > $point/manifest.json.sig", nil) }

    @Test func anotherPointsSignature() async throws {
        try await expectCaught("cp $first/manifest.json.sig $point/", "openpgp.bad-signature")
    }

    @Test func aStrangersArchiveWithAManifestThatFits() async throws {
        try await expectCaught(Self.strangersArchive + "\nsign ''", "openpgp.bad-signature")
    }

    @Test func aStrangersArchiveWithAManifestThatTheStrangerSigned() async throws {
        try await withDemoHost(.backedUp) { host in
            try host.write("stranger.asc", host.keys.signOnly.secret)
            try host.write("stranger.public", host.keys.signOnly.public)
            // The stranger also puts its own key where the host's lies.
            try await change(host, Self.strangersArchive + "\nsign stranger.asc\ncp stranger.public backups/host.asc")
            try await expectRefused(host, "openpgp.unknown-signer")
            // Nor does it help to have the fingerprint of the recovery card and the stranger's key file.
            let card = try await host.shell(
                "gpg --with-colons --show-keys state/signing/host-key.public.asc | awk -F: '/^fpr/ && !n++ { print $10 }'"
            )
            let signer = String(card.prefix(40))
            let outcome = try await host.restore("volume", "n8n_data", "--signer", signer, "--json")
            #expect([1, 4].contains(outcome.status), "\(outcome)")
            #expect(try host.read("volumes/n8n_data/_data/config.json").contains("third"))
        }
    }

    @Test func anOlderPointUnderANewerName() async throws {
        try await expectCaught("rm -r $point; cp -a $first $point", "point.renamed")
    }

    @Test func aFileThatTheManifestDoesNotNameFailsVerify() async throws {
        try await withDemoHost(.backedUp) { host in
            try await change(host, "echo x > $point/volume.other.tar.zst.gpg")
            let verified = try await host.holdfast("verify")
            #expect(verified.status == 1 && verified.output.contains("volume.other.tar.zst.gpg"), "\(verified)")
        }
    }

    @Test func aPointWhoseForerunnerWasExchangedFailsVerify() async throws {
        try await withDemoHost(.backedUp) { host in
            try await change(
                host,
                "archive=$first/volume.n8n_data.tar.zst.gpg; point_=$point; point=$first; sign state/signing/host-key.secret.asc"
            )
            let verified = try await host.holdfast("verify")
            #expect(verified.status == 1 && verified.output.contains("chain"), "\(verified)")
        }
    }

    // MARK: - What is inside: the guard that is left when manifest and signature fit

    @Test func swappedItemsUnderAManifestThatFits() async throws {
        try await expectCaught(
            """
            cp $point/volume.web_data.tar.zst.gpg $archive
            sign state/signing/host-key.secret.asc
            """, "archive.other-item", verifyStatus: 0)
    }

    @Test func anOlderArchiveUnderAManifestThatFits() async throws {
        try await expectCaught(
            """
            cp $first/volume.n8n_data.tar.zst.gpg $archive
            sign state/signing/host-key.secret.asc
            """, "archive.other-item", verifyStatus: 0)
    }

    @Test func aStrangersArchiveUnderAManifestThatFits() async throws {
        try await expectCaught(
            Self.strangersArchive + "\nsign state/signing/host-key.secret.asc", "archive.not-ours", verifyStatus: 0)
    }

    /// Whoever has the host's signing key as well: still not what the host once sealed, entry by entry.
    private func expectCaughtInside(
        _ script: String, _ code: String, at location: SourceLocation = #_sourceLocation
    ) async throws {
        try await withDemoHost(.backedUp) { host in
            try await host.withOwner {
                try await change(
                    host,
                    """
                    gpg -q --batch -d $archive | zstd -q -d > plain.tar; rm $archive
                    \(script)
                    zstd -q < plain.tar | gpg -q --batch --homedir ring --trust-model always -r owner@example.org -o $archive -e
                    sign state/signing/host-key.secret.asc; rm plain.tar
                    """)
            }
            try await expectRefused(host, code, verifyStatus: 0, at: location)
            let deep = try await host.holdfast("verify", "--deep", "--key", host.privateKey)
            #expect(deep.status == 1, "\(deep)", sourceLocation: location)
        }
    }

    @Test func aTarThatWasCutBetweenTwoMembers() async throws {
        try await expectCaughtInside(
            """
            end=$(tar -tRf plain.tar | sed -n 's,^block \\([0-9]*\\): .holdfast/end.json$,\\1,p')
            head -c $((end * 512)) plain.tar > cut.tar; head -c 1024 /dev/zero >> cut.tar; tar -tf cut.tar > /dev/null; mv cut.tar plain.tar
            """, "archive.cut")
    }

    @Test func aFileWithOtherContentThanItsDigest() async throws {
        try await expectCaughtInside("sed -i 's/\"second\"/\"sekond\"/' plain.tar", "archive.differs")
    }

    @Test func aDamagedSecondItemLeavesTheFirstAlone() async throws {
        try await withDemoHost(.backedUp) { host in
            try await change(host, "truncate -s -1 $point/volume.web_data.tar.zst.gpg")
            let before = try Possessions(of: host)
            let outcome = try await host.restore("volume", "n8n_data", "web_data", "--json")
            try expectFailure(outcome, 1, "point.damaged", says: "volume.web_data")
            try await before.expectUntouched(host, verifying: false)
        }
    }

    @Test func verifyDeepFindsWhatTheOutsideDoesNotShow() async throws {
        try await withDemoHost(.backedUp) { host in
            try await change(
                host, "cp $first/volume.n8n_data.tar.zst.gpg $archive\nsign state/signing/host-key.secret.asc")
            #expect(try await host.holdfast("verify").status == 0)
            let deep = try await host.holdfast("verify", "--deep", "--key", host.privateKey, "--json")
            #expect(deep.status == 1, "\(deep)")
        }
    }
}
