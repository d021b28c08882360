#!/usr/bin/env bash
# with-engine.sh COMMAND...   runs a command beside a Docker engine of its own, which is gone afterwards, however it ends.
# Where none can be started it says why and runs the command without. An engine that HOLDFAST_TEST_DOCKER names is used as
# it is (`eval "$(engine.sh env)"`). The machine's own engine never is: tests stop containers.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [[ ! ${HOLDFAST_TEST_DOCKER:-} ]]; then
    # Unix sockets have short names: 107 bytes, of which the engine needs a good part.
    HOLDFAST_REAL=$(mktemp -d /tmp/holdfast-real.XXXXXX)
    export HOLDFAST_REAL
    trap '"$here/engine.sh" down; rm -rf --one-file-system "$HOLDFAST_REAL"' EXIT
    if "$here/engine.sh" install && "$here/engine.sh" up && "$here/engine.sh" images; then
        eval "$("$here/engine.sh" env)"
    else
        echo "no Docker engine for this run; what needs one will say so" >&2
    fi
fi

status=0
"$@" || status=$?
exit "$status"
