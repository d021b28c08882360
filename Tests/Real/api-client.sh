#!/usr/bin/env bash
# api-client.sh FOLDER URL   asks the interface at URL through the Python package prometheus-api-client, unmodified, in a virtual
# environment of its own below FOLDER. Exit status 0 all was answered, 77 the package cannot be had here, else what Python says.
set -euo pipefail
folder=$1 url=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

cannot() {
  echo "$1" >&2
  [[ ${CI:-} == true ]] && exit 1
  exit 77
}

python3 -m venv "$folder/venv" >"$folder/venv.log" 2>&1 || cannot "python3 -m venv does not work: $(tail -n 1 "$folder/venv.log")"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check prometheus-api-client==0.7.2 >"$folder/pip.log" 2>&1 ||
  cannot "prometheus-api-client cannot be installed: $(tail -n 1 "$folder/pip.log")"
exec "$folder/venv/bin/python" "$here/api-client.py" "$url"
