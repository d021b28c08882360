#!/bin/sh
# check-backup-readiness.sh   would tonight's backup work, and would anything be missing from it?
set -eu
. "$(dirname "$(readlink -f "$0")")/common.sh"
for script in backup-volumes backup-databases; do
    [ -x "$here/$script.sh" ] || refuse "$here/$script.sh is not executable: chmod +x it."
done
configure
exec "$HOLDFAST" check "$@"
