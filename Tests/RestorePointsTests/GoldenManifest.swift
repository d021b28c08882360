/// A manifest with every key, byte for byte as it is written; `docs/formats/restore-point.md`.
let goldenManifest = """
    {
      "archives" : [
        {
          "file" : "private.json.zst.gpg",
          "keys" : [
            "0123456789ABCDEF"
          ],
          "sha256" : "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
          "size" : 777
        },
        {
          "file" : "volume.n8n_data.tar.zst.gpg",
          "keys" : [
            "0123456789ABCDEF",
            "FEDCBA9876543210"
          ],
          "sha256" : "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
          "size" : 9007199254740993
        }
      ],
      "finished" : "2026-11-22T02:00:09Z",
      "format" : "holdfast-point/1",
      "holdfast" : "0.1.0",
      "host" : "0123456789abcdef0123456789abcdef",
      "items" : [
        {
          "bytes" : 0,
          "entries" : 0,
          "error" : "machine.disk-full",
          "grew" : 0,
          "item" : "files.compose",
          "outcome" : "failed",
          "seconds" : 0.25,
          "torn" : 0
        },
        {
          "archive" : "volume.n8n_data.tar.zst.gpg",
          "bytes" : 123456789,
          "entries" : 42,
          "grew" : 2,
          "item" : "volume.n8n_data",
          "outcome" : "torn",
          "seconds" : 3.5,
          "torn" : 1,
          "within" : "volume.n8n_data"
        }
      ],
      "outcome" : "incomplete",
      "point" : "2026-11-22T020000Z",
      "previous" : {
        "point" : "2026-11-21T020000Z",
        "sha256" : "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      },
      "recipients" : [
        "0123456789ABCDEF0123456789ABCDEF01234567"
      ],
      "started" : "2026-11-22T02:00:00Z"
    }

    """
