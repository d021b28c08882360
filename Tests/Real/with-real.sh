#!/usr/bin/env bash
# with-real.sh COMMAND...   runs a command beside a Docker engine and a Postgres server of its own, which are gone
# afterwards, however it ends. Where one cannot be started it says why and runs the command without. What
# HOLDFAST_TEST_DOCKER or HOLDFAST_TEST_POSTGRES names is used as it is (`eval "$(engine.sh env)"`). The machine's own never
# are: tests stop containers and drop databases.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Unix sockets have short names: 107 bytes, of which the engine needs a good part.
HOLDFAST_REAL=$(mktemp -d /tmp/holdfast-real.XXXXXX)
export HOLDFAST_REAL
trap '"$here/postgres.sh" down & "$here/engine.sh" down; wait; rm -rf --one-file-system "$HOLDFAST_REAL"' EXIT

# use PART VARIABLE: starts it and shows it to the command, unless one is named.
use() {
    if [[ ${!2:-} ]]; then return; fi
    if start "$1"; then eval "$("$here/$1.sh" env)"; else echo "no $1 for this run; what needs one will say so" >&2; fi
}
start() {
    case $1 in
    engine) "$here/engine.sh" install && "$here/engine.sh" up && "$here/engine.sh" images ;;
    postgres) [[ $postgres ]] && wait "$postgres" ;;
    esac
}

# First what is to be installed, for the image of Postgres is made of it; then both start side by side.
postgres=
if [[ ! ${HOLDFAST_TEST_POSTGRES:-} ]] && "$here/packages.sh" postgres; then
    "$here/postgres.sh" up &
    postgres=$!
fi
use engine HOLDFAST_TEST_DOCKER
use postgres HOLDFAST_TEST_POSTGRES

status=0
"$@" || status=$?
exit "$status"
