#!/usr/bin/env bash
# packages.sh GROUP...   installs the Debian packages that a group needs and that are not there yet; silent when all are.
# Groups: build run test engine postgres metrics bench lint (metrics only where a service more does not matter: where
# systemd runs, Debian starts Prometheus and the exporters when they are installed; tests start their own all the same)
set -euo pipefail

# group, package, and what proves that it is there: a command, a pkg-config module after "pc:", or a pattern of paths. Proof
# by use, not by package name: an engine or a gpg from elsewhere is as good as Debian's, and must not be replaced by it.
needs='
build  pkg-config           pkg-config
build  libarchive-dev       pc:libarchive
build  zlib1g-dev           pc:zlib
build  libzstd-dev          pc:libzstd
build  libcurl4-openssl-dev pc:libcurl
build  libssl-dev           pc:libcrypto
build  libsqlite3-dev       pc:sqlite3
build  libre2-dev           pc:re2
build  g++                  /usr/include/c++/*/string
run    gnupg                gpg
run    zstd                 zstd
run    tar                  tar
test   acl                  getfacl
test   attr                 getfattr
test   strace               strace
test   jq                   jq
test   openssl              openssl
test   curl                 curl
test   sqlite3              sqlite3
test   python3              /usr/bin/python3*
test   python3-venv         /usr/lib/python3*/ensurepip/__init__.py
test   python3-aiosmtpd     /usr/lib/python3*/*-packages/aiosmtpd*
test   systemd              systemd-analyze
test   dbus                 dbus-daemon
test   cron                 cron
test   tzdata               /usr/share/zoneinfo/Europe/Berl*n
engine docker.io            dockerd
engine docker-cli           docker
engine containerd           containerd
engine runc                 runc
engine iptables             iptables
engine iproute2             ip
engine busybox-static       busybox
engine curl                 curl
engine jq                   jq
postgres postgresql         /usr/lib/postgresql/*/bin/initdb
metrics prometheus                   promtool
metrics prometheus-node-exporter     prometheus-node-exporter
metrics prometheus-postgres-exporter prometheus-postgres-exporter
bench  restic               restic
bench  borgbackup           borg
bench  time                 /usr/bin/time
bench  openssl              openssl
lint   shellcheck           shellcheck
'
PATH=$PATH:/usr/sbin:/sbin

there() {
    case $1 in
    pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
    *'*'*) compgen -G "$1" >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

missing=()
while read -r group package proof; do
    [[ " $* " == *" $group "* ]] || continue
    there "$proof" || missing+=("$package")
done < <(grep . <<<"$needs")
((${#missing[@]})) || exit 0

# A developer without shellcheck still gets the rest of the lint; CI gets all of it.
if [[ "${missing[*]}" == shellcheck && "${CI:-}" != true ]]; then
    echo "shellcheck is not installed: the scripts are not checked" >&2
    exit 0
fi

sudo=()
((UID == 0)) || sudo=(sudo)
if ! command -v apt-get >/dev/null || ! command -v "${sudo[0]:-apt-get}" >/dev/null; then
    echo "missing; as root: apt-get install ${missing[*]}" >&2
    exit 1
fi
apt() { "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >/dev/null; }

echo "installing ${missing[*]}" >&2
apt update
# Where docker.io still brings its own client, there is no package docker-cli.
apt-cache show docker-cli >/dev/null 2>&1 || for i in "${!missing[@]}"; do
    [[ ${missing[i]} != docker-cli ]] || missing[i]=docker.io
done
# The server is wanted, not a cluster of the machine's own, which its package would make and start.
common=/etc/postgresql-common/createcluster.d
if [[ " ${missing[*]} " == *" postgresql "* ]] && ! command -v pg_createcluster >/dev/null; then
    trap '"${sudo[@]}" rm -f "$common/holdfast.conf"; "${sudo[@]}" rmdir -p --ignore-fail-on-non-empty "$common"' EXIT
    "${sudo[@]}" mkdir -p "$common"
    echo 'create_main_cluster = false' | "${sudo[@]}" tee "$common/holdfast.conf" >/dev/null
fi
# --no-remove: never at the price of something that is installed, such as another vendor's engine.
apt install --no-install-recommends --no-remove "${missing[@]}" || {
    echo "could not install; try: ${sudo[*]} apt-get install ${missing[*]}" >&2
    exit 1
}
