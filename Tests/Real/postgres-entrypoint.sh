#!/bin/sh
# The entrypoint of the image postgres:test. It takes what the official image takes, by the same names: POSTGRES_USER,
# POSTGRES_PASSWORD, POSTGRES_DB (each also as …_FILE), POSTGRES_INITDB_ARGS, PGDATA, /docker-entrypoint-initdb.d/*.sql.
set -eu

# By its path: busybox has a setpriv of its own, which can do less.
as=
[ "$(id -u)" != 0 ] || as='/usr/bin/setpriv --reuid=999 --regid=999 --clear-groups'
case $1 in
postgres) ;;
-*) set -- postgres "$@" ;;
*) exec "$@" ;;
esac

# given NAME DEFAULT: the value of $NAME, or what is in the file $NAME_FILE.
given() {
    eval "file=\${$1_FILE:-} value=\${$1:-}"
    if [ "$file" ]; then cat "$file"; else printf '%s' "${value:-$2}"; fi
}

mkdir -p "$PGDATA"
chmod 700 "$PGDATA"
[ ! "$as" ] || chown 999:999 "$PGDATA"

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    user=$(given POSTGRES_USER postgres)
    database=$(given POSTGRES_DB "$user")
    password=$(given POSTGRES_PASSWORD '')
    [ "$password" ] || {
        echo "POSTGRES_PASSWORD is not given" >&2
        exit 1
    }
    (umask 077 && printf '%s\n' "$password" >/tmp/password)
    [ ! "$as" ] || chown 999:999 /tmp/password
    # shellcheck disable=SC2086  # words
    $as initdb -D "$PGDATA" -U "$user" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 \
        -E UTF8 --locale=C.UTF-8 ${POSTGRES_INITDB_ARGS:-} >/dev/null
    rm /tmp/password
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"

    # Not yet to be reached from outside; with the settings that the real one gets.
    (
        shift
        exec $as postgres -D "$PGDATA" "$@" -c listen_addresses=
    ) &
    until pg_isready -q -U "$user" -d postgres; do
        kill -0 $! 2>/dev/null || exit 1
        sleep 0.1
    done
    run() { psql -q -X -v ON_ERROR_STOP=1 -U "$user" "$@"; }
    [ "$database" = postgres ] || run -d postgres -v name="$database" <<'SQL'
CREATE DATABASE :"name";
SQL
    for file in /docker-entrypoint-initdb.d/*.sql; do
        [ ! -e "$file" ] || run -d "$database" -f "$file"
    done
    kill -INT $!
    wait $! || true
fi
shift
exec $as postgres -D "$PGDATA" "$@"
