#!/usr/bin/env bash
# A Docker engine for tests and for nothing else: own socket, own data, own network namespace; no systemd; the engine of
# the machine, if there is one, is neither used nor touched.
#
#   engine.sh install [26]   the engine that the distribution has, and the compose plugin; 26 = Debian 13's engine as well,
#                            unpacked beside it, not installed
#   engine.sh up [20|26]     starts it; nothing to do when it runs
#   engine.sh images         makes the images busybox:test, postgres:test and host:test, without a registry
#   engine.sh env            prints the environment in which `docker` and the tests find it
#   engine.sh down           removes its containers, the daemon, the namespace and the data
#
# It lives in $HOLDFAST_REAL; several in different places do not meet. What `install` downloads stays in the user's cache.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${HOLDFAST_REAL:-${XDG_RUNTIME_DIR:-/tmp}/holdfast-real-$UID}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/holdfast-real
namespace=holdfast-$(cksum <<<"$root" | cut -d ' ' -f 1)
socket=$root/docker.sock
export DOCKER_HOST=unix://$socket DOCKER_CONFIG=$root/config
PATH=$PATH:/usr/sbin:/sbin

fail() {
    echo "engine.sh: $*" >&2
    exit 1
}
alive() { curl -sf --max-time 2 --unix-socket "$socket" http://engine/_ping >/dev/null 2>&1; }
ours() { tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -q "^dockerd .*$socket"; }

# Unpacks packages of Debian 13 into the cache. The mirror is the one that apt uses here for Debian's own archive.
from_trixie() {
    local apt=$cache/apt mirror
    # shellcheck disable=SC2016  # apt's own variables
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
        awk '$2 ~ /^(bookworm|trixie)$/ && $3 == "main" { print $1; exit }')
    [[ $mirror ]] || return 1
    mkdir -p "$cache/trixie" "$apt"/{lists/partial,cache/archives/partial,parts}
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$apt/sources.list"
    printf 'Dir::%s "%s";\n' Etc::sourcelist "$apt/sources.list" Etc::sourceparts "$apt/parts" \
        State::lists "$apt/lists" Cache "$apt/cache" >"$apt/apt.conf"
    echo 'APT::Sandbox::User "root";' >>"$apt/apt.conf"
    (
        cd "$apt"
        export APT_CONFIG=$apt/apt.conf
        apt-get -qq update && apt-get -qq download "$@" && for deb in *.deb; do dpkg -x "$deb" "$cache/trixie"; done
    ) >/dev/null 2>&1 || return 1
    rm -rf "$apt"
}

install() {
    "$here/packages.sh" engine
    [[ $1 != 26 || -x $cache/trixie/usr/sbin/dockerd ]] || from_trixie docker.io containerd ||
        fail "Debian 13's engine could not be had"
    plugin || docker compose version >/dev/null 2>&1 || { from_trixie docker-compose && plugin; } ||
        echo "engine.sh: no compose plugin to be had here; going on without" >&2
}

# Shows the downloaded compose plugin, if there is one, to the docker client.
plugin() {
    local file=$cache/trixie/usr/libexec/docker/cli-plugins/docker-compose
    [[ -x $file ]] && mkdir -p "$DOCKER_CONFIG/cli-plugins" && ln -sf "$file" "$DOCKER_CONFIG/cli-plugins/"
}

up() {
    local version=$1 pid extra=()
    if alive; then
        [[ ! $version ]] || docker version --format '{{.Server.Version}}' | grep -q "^$version\." ||
            fail "another version is up in $root: engine.sh down"
        return
    fi
    if [[ $version == 26 && -x $cache/trixie/usr/sbin/dockerd ]]; then
        PATH=$cache/trixie/usr/sbin:$cache/trixie/usr/bin:$PATH
        extra=(--userland-proxy-path "$cache/trixie/usr/sbin/docker-proxy")
    fi
    command -v dockerd >/dev/null || fail "no dockerd: engine.sh install"
    plugin || true

    # What a kill -9 left: a daemon that hangs, and pid files, for which containerd would wait for ever.
    pid=$(cat "$root/dockerd.pid" 2>/dev/null || true)
    [[ ! $pid ]] || ! ours "$pid" || kill -9 "$pid"
    rm -f "$root/dockerd.pid" "$root/exec/containerd/containerd.pid" "$socket"

    mkdir -p "$root/data" "$root/exec"
    echo '{}' >"$root/daemon.json"
    [[ -e /run/netns/$namespace ]] || ip netns add "$namespace"
    ip -n "$namespace" link set lo up
    # nsenter: `ip netns exec` mounts a new /sys, in which the cgroups are not to be seen.
    # The lock (9) must not go to the daemon, which would hold it for its whole life.
    setsid nsenter --net="/run/netns/$namespace" dockerd --host "$DOCKER_HOST" --data-root "$root/data" \
        --exec-root "$root/exec" --pidfile "$root/dockerd.pid" --config-file "$root/daemon.json" "${extra[@]}" \
        >"$root/dockerd.log" 2>&1 </dev/null 9>&- &
    pid=$!
    for _ in {1..300}; do
        alive && return
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    tail -5 "$root/dockerd.log" >&2
    fail "the engine did not start; its log: $root/dockerd.log"
}

images() {
    alive || fail "not up"
    docker image inspect busybox:test >/dev/null 2>&1 || image_busybox
    docker image inspect postgres:test >/dev/null 2>&1 || image_postgres
    docker image inspect host:test >/dev/null 2>&1 || image_host
}

image_busybox() {
    local tree binary
    binary=$(command -v busybox)
    # ldd fails on a static binary, which is what an empty root needs.
    ! ldd "$binary" >/dev/null 2>&1 || fail "$binary is not static: install busybox-static"
    tree=$(mktemp -d "$root/image.XXXXXX")
    mkdir -p "$tree"/{bin,etc,tmp,proc,sys,dev,data}
    cp "$binary" "$tree/bin/busybox"
    "$binary" --list | grep -vx busybox | while read -r applet; do ln -s busybox "$tree/bin/$applet"; done
    echo 'root:x:0:0:root:/:/bin/sh' >"$tree/etc/passwd"
    echo 'root:x:0:' >"$tree/etc/group"
    tar -C "$tree" -c . | docker import --change 'CMD ["/bin/sh"]' --change 'ENV PATH=/bin' - busybox:test >/dev/null
    rm -rf "$tree"
}

# A machine without programs of its own: whoever starts it shows it this machine's /usr. With systemd or cron as its first
# process it is what such a host is, and everything else is gone with it.
image_host() {
    local tree
    tree=$(mktemp -d "$root/image.XXXXXX")
    chmod 755 "$tree"
    mkdir -p "$tree"/{etc/systemd/system,etc/cron.d,proc,sys,dev,run,usr,srv,var/{lib,log,tmp,spool/cron/crontabs}}
    mkdir -m 700 "$tree/root"
    mkdir -m 1777 "$tree/tmp"
    for name in bin sbin lib lib64; do ln -s "usr/$name" "$tree/$name"; done
    ln -s ../run "$tree/var/run"
    printf '%s\n' root:x:0:0:root:/root:/bin/sh messagebus:x:100:100::/nonexistent:/usr/sbin/nologin >"$tree/etc/passwd"
    printf '%s\n' root:x:0: messagebus:x:100: crontab:x:101: >"$tree/etc/group"
    # cron asks PAM, which asks whether the account is still good.
    (umask 077 && echo 'root:*:20000:0:99999:7:::' >"$tree/etc/shadow")
    printf '%s\n' 'passwd: files' 'group: files' 'shadow: files' >"$tree/etc/nsswitch.conf"
    : >"$tree/etc/machine-id"
    cp -a /etc/{alternatives,ld.so.cache,pam.d,security} "$tree/etc/"
    tar -C "$tree" -c . | docker import - host:test >/dev/null
    rm -rf "$tree"
}

# The host's Postgres server, with what it needs, beside busybox: what the official image has, by the same names, but small.
image_postgres() {
    local tree binaries version one needed
    binaries=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1) || {
        echo "engine.sh: no image postgres:test: no Postgres server is installed (packages.sh postgres)" >&2
        return 0
    }
    version=$(basename "$(dirname "$binaries")")
    tree=$(mktemp -d "$root/image.XXXXXX")
    chmod 755 "$tree"
    mkdir -p "$tree"/{bin,etc,run/postgresql,var/lib/postgresql/data,usr/bin,usr/local/bin,docker-entrypoint-initdb.d}
    mkdir -m 1777 "$tree/tmp"
    ln -s ../run "$tree/var/run"
    cp "$(command -v busybox)" "$tree/bin/busybox"
    busybox --list | grep -vx busybox | while read -r applet; do ln -s busybox "$tree/bin/$applet"; done
    cp -L "$(command -v setpriv)" "$(command -v locale)" "$tree/usr/bin/"
    cp "$here/postgres-entrypoint.sh" "$tree/usr/local/bin/docker-entrypoint.sh"
    for one in "$binaries" "${binaries%/bin}/lib" "/usr/share/postgresql/$version"; do
        mkdir -p "$tree${one%/*}"
        cp -a "$one" "$tree$one"
    done
    # Its compiler (llvm) takes many times as much room as all the rest.
    rm -rf "$tree${binaries%/bin}"/lib/{bitcode,pgxs,llvmjit*}
    needed=$(find "$tree$binaries" "$tree${binaries%/bin}/lib" "$tree/usr/bin" -type f -exec ldd {} + 2>/dev/null |
        grep -oE '/[^ ]+ \(0x' | cut -d ' ' -f 1 | sort -u)
    needed+=" $(compgen -G '/usr/lib/locale/C.*' || true)"
    # shellcheck disable=SC2086  # one word per file
    cp -rL --parents $needed /usr/share/zoneinfo/{UTC,Etc/UTC} "$tree"
    printf '%s\n' root:x:0:0::/:/bin/sh postgres:x:999:999::/var/lib/postgresql:/bin/sh >"$tree/etc/passwd"
    printf '%s\n' root:x:0: postgres:x:999: >"$tree/etc/group"
    chown -R 999:999 "$tree"/{run,var/lib}/postgresql
    tar -C "$tree" -cf "$tree.layer" .
    rm -rf "$tree"
    # As `docker load` takes it: `docker import` cannot say how a container is stopped.
    mkdir "$tree"
    mv "$tree.layer" "$tree/layer.tar"
    jq -n --arg path "$binaries:/usr/local/bin:/usr/bin:/bin" --arg version "$version" \
        --arg layer "sha256:$(sha256sum <"$tree/layer.tar" | cut -d ' ' -f 1)" \
        --arg architecture "$(docker version --format '{{.Server.Arch}}')" '{
            $architecture, os: "linux", created: (now | todate), rootfs: {type: "layers", diff_ids: [$layer]}, config: {
                Env: ["PATH=\($path)", "LANG=C.UTF-8", "PG_MAJOR=\($version)", "PGDATA=/var/lib/postgresql/data"],
                Entrypoint: ["docker-entrypoint.sh"], Cmd: ["postgres"], StopSignal: "SIGINT",
                ExposedPorts: {"5432/tcp": {}}, Volumes: {"/var/lib/postgresql/data": {}}}}' >"$tree/config.json"
    echo '[{"Config":"config.json","RepoTags":["postgres:test"],"Layers":["layer.tar"]}]' >"$tree/manifest.json"
    tar -C "$tree" -c manifest.json config.json layer.tar | docker load -q >/dev/null
    rm -rf "$tree"
}

down() {
    local pid ids
    # After a kill -9 the containers live on, and only a daemon can take them away.
    ! compgen -G "$root/data/containers/*" >/dev/null || (up "") || true
    ! alive || {
        ids=$(docker ps -aq)
        # shellcheck disable=SC2086  # one word per id
        [[ ! $ids ]] || docker rm -f -v $ids >/dev/null
        pid=$(<"$root/dockerd.pid")
        kill "$pid"
        for _ in {1..150}; do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
    }
    awk -v "root=$root/" 'index($2, root) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount -l
    [[ ! -e /run/netns/$namespace ]] || ip netns del "$namespace"
    rm -rf "${root:?}"/{data,exec,config,daemon.json,dockerd.log,dockerd.pid,docker.sock,image.*}
}

# The name may be guessed by others who can write beside it.
[[ -d $root ]] || (umask 077 && mkdir -p "$root")
[[ -O $root && ! -L $root ]] || fail "$root belongs to somebody else"
exec 9>"$root/lock"
flock 9

case ${1:-} in
install | up)
    ((UID == 0)) || fail "an engine needs root"
    "$1" "${2:-}"
    ;;
images | down) "$1" ;;
env) echo "export HOLDFAST_TEST_DOCKER='$socket' DOCKER_HOST='$DOCKER_HOST' DOCKER_CONFIG='$DOCKER_CONFIG'" ;;
*) sed -n '2,/^set/{/^#/p}' "$0" >&2 && exit 2 ;;
esac
