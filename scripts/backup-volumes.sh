#!/bin/sh
# backup-volumes.sh [NAME...]   all volumes that the configuration selects, or these, into one encrypted archive:
# $BACKUP_DIR/volumes-YYYY-MM-DD-HHMMSS.tar.gz.gpg, which `gpg -d FILE | tar xz -C /var/lib/docker/volumes` opens.
set -eu
. "$(dirname "$(readlink -f "$0")")/common.sh"
configure
file=$(fresh_file volumes .tar.gz.gpg)
exec "$HOLDFAST" backup volumes "$@" --to "$file" ${VOLUMES_DIR:+--volumes-root "$VOLUMES_DIR"}
