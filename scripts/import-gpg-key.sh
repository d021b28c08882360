#!/bin/sh
# import-gpg-key.sh KEYFILE   takes a public key into this host's keyring: whoever has its private half reads the archives.
set -eu
. "$(dirname "$(readlink -f "$0")")/common.sh"
[ $# -ge 1 ] || refuse "Which key? import-gpg-key.sh KEYFILE"
exec "$HOLDFAST" key import "$@"
