#!/bin/sh
# backup-databases.sh [NAME]   the configuration's one PostgreSQL database, or this one, as encrypted SQL:
# $BACKUP_DIR/postgres-YYYY-MM-DD-HHMMSS.sql.gpg, which `gpg -d FILE | psql` loads into an empty database.
set -eu
. "$(dirname "$(readlink -f "$0")")/common.sh"
configure
file=$(fresh_file postgres .sql.gpg)
exec "$HOLDFAST" backup databases "$@" --to "$file"
