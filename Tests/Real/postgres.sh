#!/usr/bin/env bash
# A Postgres server for tests and for nothing else, made of what the distribution has installed; the clusters of the machine
# are neither used nor touched. What is committed outlives a kill -9, but not a power failure (fsync=off).
#
#   postgres.sh up [NAME=VALUE...]   makes the cluster, unless it is there, with these settings; starts it, unless it runs
#   postgres.sh env                  prints the environment in which the tests find it
#   postgres.sh stop                 stops it in order
#   postgres.sh kill                 kill -9, all of its processes at once
#   postgres.sh down                 kills it and removes it
#
# It lives in $HOLDFAST_REAL, several in different places do not meet; its data in $HOLDFAST_POSTGRES_DATA, if that is given.
# $HOLDFAST_POSTGRES_INITDB: further arguments of initdb. The superuser is postgres: through the socket without a password,
# on 127.0.0.1 with one (scram-sha-256). Root runs it as the user postgres, everybody else as themselves.
set -euo pipefail

root=${HOLDFAST_REAL:-${XDG_RUNTIME_DIR:-/tmp}/holdfast-real-$UID}
home=$root/postgres
data=${HOLDFAST_POSTGRES_DATA:-$home/data}

fail() {
    echo "postgres.sh: $*" >&2
    exit 1
}

binaries=$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1) || true
binaries=${binaries%/initdb}

as=()
((UID != 0)) || as=(setpriv --reuid=postgres --regid=postgres --init-groups)

# The server and all its children: they work in the folder of the data.
processes() {
    local one
    for one in /proc/[0-9]*; do
        if [[ $one/cwd -ef $data && $(readlink "$one/exe") == "$binaries/postgres" ]]; then echo "${one#/proc/}"; fi
    done 2>/dev/null
}

port() { cat "$home/port" 2>/dev/null; }
alive() { [[ -d $data ]] && "$binaries/pg_isready" -q -h "$home" -p "$(port)" -U postgres -d postgres; }
is_free() { ! (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

create() {
    local setting
    mkdir -p "$home" "$data"
    chmod 700 "$home" "$data"
    (umask 077 && head -c 18 /dev/urandom | base64 >"$home/password")
    ((UID != 0)) || chown postgres: "$home" "$home/password" "$data"
    # shellcheck disable=SC2086  # words
    "${as[@]}" "$binaries/initdb" -D "$data" -U postgres --pwfile="$home/password" --auth-local=trust \
        --auth-host=scram-sha-256 -E UTF8 --locale=C.UTF-8 --no-sync ${HOLDFAST_POSTGRES_INITDB:-} \
        >"$home/initdb.log" 2>&1 </dev/null || {
        cat "$home/initdb.log" >&2
        return 1
    }
    echo "include 'scratch.conf'" >>"$data/postgresql.conf"
    {
        printf '%s\n' "unix_socket_directories = '$home'" "listen_addresses = '127.0.0.1'" 'fsync = off' \
            'full_page_writes = off' 'shared_buffers = 32MB' 'max_connections = 200' 'max_wal_size = 256MB' \
            'max_locks_per_transaction = 128' 'log_statement = none' 'jit = off' 'dynamic_shared_memory_type = mmap'
        for setting in "$@"; do echo "${setting%%=*} = '${setting#*=}'"; done
    } >"$data/scratch.conf"
    ((UID != 0)) || chown postgres: "$data/scratch.conf"
}

up() {
    local try log=$home/log
    [[ $binaries ]] || fail "no Postgres server is installed: packages.sh postgres"
    # Through it, to a folder of its own; it sees nothing else there.
    ((UID != 0)) || chmod o+x "$root"
    "${as[@]}" test -x "$root" || fail "the user postgres cannot reach $root: let HOLDFAST_REAL be elsewhere"
    ((${#home} < 90)) || fail "$home is too long for a socket: let HOLDFAST_REAL be elsewhere"
    # The last file that create makes.
    [[ -e $data/scratch.conf ]] || {
        purge
        create "$@"
    }
    ! alive || return 0
    clear
    for try in 1 2 3 4 5; do
        # Below the range from which the kernel takes the ports of outgoing connections.
        { ((try == 1)) && [[ -e $home/port ]]; } || echo $((10000 + (RANDOM + $$) % 22000)) >"$home/port"
        is_free "$(port)" || continue
        # The lock (9) must not go to the server, which would hold it for its whole life.
        ! "${as[@]}" "$binaries/pg_ctl" start -s -w -t 60 -D "$data" -l "$log" -o "-p $(port)" </dev/null 9>&- ||
            return 0
        clear
    done
    tail -n 5 "$log" >&2 || true
    fail "the server did not start; its log: $log"
}

stop() {
    [[ ! $(processes) ]] || "${as[@]}" "$binaries/pg_ctl" stop -s -w -m fast -D "$data"
}

slay() {
    local all
    while all=$(processes) && [[ $all ]]; do
        # shellcheck disable=SC2086  # one word per process
        kill -9 $all 2>/dev/null || true
        sleep 0.02
    done
}

# Clears away what a kill -9 left: children; the lock of the socket and the pid file, whose number may be another's by now;
# and a piece of shared memory, of which the pid file has the id.
clear() {
    local piece
    slay
    rm -f "$home"/.s.PGSQL.*
    [[ -e $data/postmaster.pid ]] || return 0
    piece=$(awk 'NR == 7 { print $2 }' "$data/postmaster.pid")
    [[ ! $piece ]] || ipcrm -m "$piece" 2>/dev/null || true
    rm -f "$data/postmaster.pid"
}

# The data folder itself may be a file system of its own.
purge() {
    [[ ! -d $data ]] || find "$data" -mindepth 1 -delete
    rm -rf "${home:?}"
}

down() {
    clear
    purge
}

# The name may be guessed by others who can write beside it.
[[ -d $root ]] || (umask 077 && mkdir -p "$root")
[[ -O $root && ! -L $root ]] || fail "$root belongs to somebody else"
exec 9>"$root/postgres.lock"
flock 9

case ${1:-} in
up) up "${@:2}" ;;
stop | down) "$1" ;;
kill) slay ;;
env)
    [[ -e $home/port ]] || fail "not up"
    printf "export %s='%s'\n" HOLDFAST_TEST_POSTGRES "$home" HOLDFAST_TEST_POSTGRES_PORT "$(port)" \
        HOLDFAST_TEST_POSTGRES_PASSWORD "$(<"$home/password")" HOLDFAST_TEST_POSTGRES_BIN "$binaries"
    ;;
*) sed -n '2,/^set/{/^#/p}' "$0" >&2 && exit 2 ;;
esac
