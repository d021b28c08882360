#!/bin/sh
# restore-volumes.sh FILE --gpg [OPTIONS]   all volumes of an archive, swapped in at once; what was there is kept until
# `holdfast restore commit`. OPTIONS are those of `holdfast restore archive`: --key FILE, --yes, --dry-run,
# --allow-escaping-links for volumes that hold links to absolute paths, …
set -eu
. "$(dirname "$(readlink -f "$0")")/common.sh"
for argument; do
    case $argument in
    --restic) refuse "Copies in a restic repository come in a later version. Fetch the archive yourself, then name it." ;;
    esac
done
# Whether it is encrypted shows in the file itself.
for argument; do
    shift
    case $argument in
    --gpg) ;;
    latest) refuse "Which archive? The newest is not chosen for you: ls -t $BACKUP_DIR/volumes-*" ;;
    *) set -- "$@" "$argument" ;;
    esac
done
[ $# -ge 1 ] || refuse "Which archive? restore-volumes.sh FILE --gpg"
configure
exec "$HOLDFAST" restore archive "$@" --volumes ${VOLUMES_DIR:+--volumes-root "$VOLUMES_DIR"}
