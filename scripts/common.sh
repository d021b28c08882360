# shellcheck shell=sh
# What the scripts beside it share. They keep the names that users of the older scripts type; all work is holdfast's.
#
#   HOLDFAST         the program; else the one in PATH or /usr/local/bin, else the one built here
#   HOLDFAST_CONFIG  the configuration; else ./holdfast.yml or /etc/holdfast/holdfast.yml
#   BACKUP_DIR       where archives go; /var/backups/inlock/encrypted
#   VOLUMES_DIR      where volumes lie; else the engine is asked
#   GPG_RECIPIENT    who can read the archives; else whom the configuration names

BACKUP_DIR=${BACKUP_DIR:-/var/backups/inlock/encrypted}
here=$(CDPATH='' cd -- "$(dirname "$(readlink -f "$0")")" && pwd)
if [ -z "${HOLDFAST:-}" ]; then
    # Cron's own PATH is /usr/bin:/bin.
    HOLDFAST=$(PATH=$PATH:/usr/local/bin && command -v holdfast) || HOLDFAST=$here/../.build/release/holdfast
fi

# Makes sure that there is a configuration. A host that has none gets what `holdfast init` finds out about it; of the
# environment, HOLDFAST_STATE and DOCKER_HOST=unix://SOCKET count for that as well.
configure() {
    config=${HOLDFAST_CONFIG:-/etc/holdfast/holdfast.yml}
    if [ -e "$config" ]; then return; fi
    if [ -z "${HOLDFAST_CONFIG:-}" ] && [ -e holdfast.yml ]; then return; fi
    echo "There is no configuration yet: holdfast init writes $config. Look it over." >&2
    case ${DOCKER_HOST:-} in unix://*) socket=${DOCKER_HOST#unix://} ;; *) socket= ;; esac
    "$HOLDFAST" init --output "$config" --directory "$BACKUP_DIR" ${HOLDFAST_STATE:+--state "$HOLDFAST_STATE"} \
        ${VOLUMES_DIR:+--volumes-root "$VOLUMES_DIR"} ${socket:+--docker-socket "$socket"} >&2
}

# fresh_file NAME SUFFIX: prints $BACKUP_DIR/NAME-YYYY-MM-DD-HHMMSSSUFFIX in local time, as the older scripts did. Each
# autumn an hour comes twice: a name that is taken is left alone, and a second waited for.
fresh_file() {
    (umask 077 && mkdir -p "$BACKUP_DIR")
    while file=$BACKUP_DIR/$1-$(date +%F-%H%M%S)$2 && [ -e "$file" ]; do sleep 1; done
    printf '%s\n' "$file"
}

# refuse TEXT: nothing was begun.
refuse() {
    echo "error: $1" >&2
    exit 4
}
