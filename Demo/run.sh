#!/usr/bin/env bash
# The whole way once, before your eyes: keys, backup, verification, loss, restore, and a comparison by somebody else.
# Where HOLDFAST_TEST_DOCKER names an engine (Tests/Real/with-engine.sh) the volumes belong to a compose project, otherwise
# they are plain folders. All of it happens in a scratch folder and is gone afterwards.
set -euo pipefail
export LC_ALL=C.UTF-8

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
holdfast=$(realpath "${HOLDFAST:-$here/../.build/release/holdfast}")
dir=$(mktemp -d "${TMPDIR:-/tmp}/hf-demo.XXXXXX")
stick=$dir/stick
volumes=(demo_n8n_data demo_notes_data)
umask 022
mkdir -m 700 "$dir"/{host,gnupg,by-hand} "$stick"
# What holdfast is to find here, and nothing of the person who runs the demo.
export GNUPGHOME=$dir/gnupg HOLDFAST_CONFIG=$dir/host/holdfast.yml
unset GPG_RECIPIENT
engine=${HOLDFAST_TEST_DOCKER:-}
[[ ! $engine ]] || docker compose version >/dev/null 2>&1 || engine=''

# ── how it reads ─────────────────────────────────────────────────────────────────────────────────────────────────────────
bold='' dim='' green='' red='' plain='' live=''
if [[ -t 1 ]]; then
    live=1
    [[ ${NO_COLOR:-} ]] || bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[m'
fi
exec 3>&1 4>&2 # for finish, which may run while a step's output goes to the log
log=$dir/log current='' note=''
now() { echo "${EPOCHREALTIME/[.,]/}"; }
since() { awk "BEGIN { printf \"%.1f s\", ($(now) - $1) / 1e6 }"; }
begun=$(now)

# pad WIDTH TEXT: by characters; printf counts bytes.
pad() { printf '%s%*s' "$2" $(($1 > ${#2} ? $1 - ${#2} : 0)) ''; }
chapter() { printf '\n  %s%s%s\n' "$bold" "$1" "$plain"; }

# step TITLE COMMAND...: one line; the command may leave a remark in $note. A failure ends the demo: see finish.
step() {
    local start
    start=$(now) current=$1 note=''
    [[ ! $live ]] || printf '  … %s' "$1"
    "${@:2}" >"$log" 2>&1 </dev/null
    [[ ! $live ]] || printf '\r\e[K'
    printf '  %s✓%s %s %s%s%7s%s\n' "$green" "$plain" "$(pad 40 "$1")" "$dim" "$(pad 46 "$note")" "$(since "$start")" "$plain"
    current=''
}

# show TITLE COMMAND...: a step whose output is worth reading.
show() {
    step "$@"
    sed "s/^/      $dim/; s/\$/$plain/" "$log"
}

finish() {
    local status=$?
    trap '' INT TERM
    exec >&3 2>&4
    cd "$here"
    if [[ $current ]]; then
        printf '%s  %s✗ %s%s\n' "${live:+$'\r\e[K'}" "$red" "$current" "$plain"
        sed 's/^/      /' "$log"
        status=1
    fi
    [[ ! $engine ]] || compose down --volumes --timeout 1 >/dev/null 2>&1 || true
    local home
    for home in "$dir"/{gnupg,by-hand}; do gpgconf --homedir "$home" --kill all 2>/dev/null || true; done
    rm -rf "$dir"
    exit "$status"
}
trap finish EXIT
trap 'current= && exit 130' INT
trap 'current= && exit 143' TERM

# ── the host ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
compose() { docker compose --file "$here/compose.yml" "$@"; }
up() { compose up --detach --wait --pull never; }
state() { docker inspect --format '{{.State.Health.Status}}' "demo-$1-1"; }

# place VOLUME: where its files are.
place() {
    if [[ $engine ]]; then docker volume inspect --format '{{.Mountpoint}}' "$1"; else echo "$dir/volumes/$1/_data"; fi
}
places() { for volume in "${volumes[@]}"; do place "$volume"; done; }

# random SEED BYTES: the same ones each time.
random() {
    head -c "$2" /dev/zero | openssl enc -aes-256-ctr -nosalt -K "$(printf '%064x' 7)" -iv "$(printf '%032x' "$1")"
}

# Owners, attributes and lists of rights where the file system and the caller's rights allow them.
may() { "$@" 2>/dev/null || true; }

# One of everything that a file system can hold and that backups like to lose.
fill() {
    local data i
    data=$(place "${volumes[0]}")
    cd "$data"
    mkdir -p workflows binaryData 'empty folder' deep/er/and/deeper
    for i in {1..200}; do
        printf '{"id": %d, "name": "Workflow %d", "active": true, "nodes": [%s]}\n' "$i" "$i" "$(random "$i" 90 | base64 -w 0)" >"workflows/$i.json"
    done
    { printf 'SQLite format 3\0' && random 1000 8000000; } >database.sqlite
    for i in {1..3}; do random $((2000 + i)) 2000000 >"binaryData/$i.bin"; done
    ln database.sqlite 'hard link to the database'
    ln -s ../outside/of/here dangling
    ln -s /etc/hostname absolute
    mkfifo queue
    truncate -s 256M sparse.img
    random 3000 65536 | dd of=sparse.img bs=64K seek=2000 conv=notrunc status=none
    echo 'two lines' >$'a name\nof two lines'
    echo 'Latin-1' >$'caf\xe9.txt'
    echo 'dash' >./-rf
    echo 'secret' >config && chmod 600 config
    echo '#!/bin/sh' >run-as-owner && may chown 1000:1000 run-as-owner && chmod 4755 run-as-owner
    may chown -R 1000:1000 workflows binaryData
    may setfattr -n user.origin -v 'kept by hand' config
    may setfacl -m u:1001:r,g:33:rw config
    may setfacl -d -m u:1001:rx workflows
    touch -d '1999-12-31 23:59:59.123456789Z' database.sqlite

    data=$(place "${volumes[1]}")
    cd "$data"
    mkdir -p www/2026
    echo '<h1>Notes</h1>' >www/index.html
    for i in {1..120}; do random $((4000 + i)) 3000 | base64 >"www/2026/note-$i.txt"; done
    may chown -R 33:33 .
    cd "$dir"
}

make_volumes() {
    if [[ $engine ]]; then compose create --pull never; else mkdir -p "$dir"/volumes/{"${volumes[0]}","${volumes[1]}"}/_data; fi
    fill
    note="$(places | tr '\n' '\0' | xargs -0 -I {} find {} | wc -l) entries, $(places | tr '\n' '\0' | du -chl --files0-from=- | awk 'END { print $1 }')"
}

start_services() {
    up
    note="n8n $(state n8n) · notes $(state notes)"
}

# ── somebody else's eyes: find, sha256sum, getfattr and getfacl; nothing of ours ─────────────────────────────────────────
snapshot() {
    local volume
    for volume in "${volumes[@]}"; do
        cd "$(place "$volume")"
        echo "== $volume: type mode owner size time links target"
        # A folder's own size is the file system's affair.
        find . \( -type d -printf '%P\t%y %m %U:%G - %T@ %n\0' \) -o -printf '%P\t%y %m %U:%G %s %T@ %n %l\0' | LC_ALL=C sort -z
        echo "== $volume: sparse"
        find . -type f -size +1M -printf '%S %P\0' | sed -zn 's/^0\.[0-4][0-9]* //p' | LC_ALL=C sort -z
        echo "== $volume: content"
        find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum -z
        echo "== $volume: extended attributes"
        find . -print0 | LC_ALL=C sort -z | xargs -0 getfattr --no-dereference --dump --match=- --encoding=hex
        echo "== $volume: access control lists"
        find . ! -type l -print0 | LC_ALL=C sort -z | xargs -0 getfacl --numeric
    done >"$1"
    cd "$dir"
    note='by find, sha256sum, getfattr and getfacl'
}

compare() {
    snapshot "$dir/after"
    if ! cmp -s "$dir/before" "$dir/after"; then
        diff -a <(tr '\0' '\n' <"$dir/before") <(tr '\0' '\n' <"$dir/after")
    fi
    note="no difference, to the nanosecond and the byte"
}

# ── the steps ────────────────────────────────────────────────────────────────────────────────────────────────────────────
hf() { "$holdfast" "$@"; }
secret() { echo "$stick"/*private*.asc; }
public() { echo "$stick"/*public*.asc; }

new_key() {
    hf key new "$stick"
    note="$(basename "$(public)"), $(basename "$(secret)")"
}

import_key() {
    hf key import "$(public)"
    if gpg --batch --list-secret-keys --with-colons | grep -q .; then echo "a private key is on the host" && return 1; fi
    note="the public half; the other stays on the stick"
}

configure() {
    local source=(--docker-socket "$engine")
    [[ $engine ]] || source=(--docker-socket /nonexistent --volumes-root "$dir/volumes")
    hf init --output "$HOLDFAST_CONFIG" --directory "$dir/host/backups" --state "$dir/host/state" "${source[@]}"
    note="$(grep -c . "$HOLDFAST_CONFIG") lines, commented"
}

archives() { find "$dir/host/backups" -name 'volume.*.gpg' | sort; }

back_up() {
    hf backup
    note="$(archives | wc -l) archives, $(archives | tr '\n' '\0' | du -ch --apparent-size --files0-from=- | awk 'END { print $1 }')"
}

verify() {
    hf verify
    note='signature, sizes, digests, recipients'
}

verify_deep() {
    hf verify --deep --key "$(secret)"
    note='every entry against the manifest inside'
}

# One bit of one byte, in a copy.
flipped() {
    local archive offset byte
    cp -a "$dir/host/backups" "$dir/flipped"
    sed "s|$dir/host/backups|$dir/flipped|" "$HOLDFAST_CONFIG" >"$dir/host/flipped.yml"
    chmod 600 "$dir/host/flipped.yml"
    archive=$(find "$dir/flipped" -name 'volume.*.gpg' | sort | head -1)
    offset=$(($(stat -c %s "$archive") / 2))
    byte=$(od -An -tu1 -j "$offset" -N 1 "$archive")
    printf '%b' "\\x$(printf %02x $((byte ^ 1)))" | dd of="$archive" bs=1 seek="$offset" conv=notrunc status=none
    if hf verify --config "$dir/host/flipped.yml"; then echo "the flipped bit was not noticed" && return 1; fi
    note="refused, as it should be (byte $offset)"
}

lose() {
    lost=$(for volume in "${volumes[@]}"; do find "$(place "$volume")" -mindepth 1; done | wc -l)
    find "$(place "${volumes[1]}")" -mindepth 1 -delete
    if [[ $engine ]]; then
        docker rm -f demo-n8n-1
        docker volume rm "${volumes[0]}"
        for _ in {1..100}; do
            [[ $(state notes) != *unhealthy* ]] || break
            sleep 0.1
        done
        note="volume and container gone · notes $(state notes)"
    else
        find "$(place "${volumes[0]}")" -mindepth 1 -delete
        note="nothing left of $lost entries"
    fi
}

restore() {
    hf restore volume "${volumes[@]}" --key "$(secret)" --yes
    note='staged, compared, swapped'
    [[ ! $engine ]] || note+=" · notes $(state notes)"
}

# Compose takes back the volume that was made anew, because its labels came back as well.
adopt() {
    up
    if grep -q 'not created by Docker Compose' "$log"; then return 1; fi
    note="n8n $(state n8n) · notes $(state notes)"
}

commit() {
    hf restore commit --yes
    note='what the restore replaced is dropped'
}

by_hand() {
    archive=$(archives | head -1)
    gpg --homedir "$dir/by-hand" --batch --import "$(secret)"
    gpg --homedir "$dir/by-hand" --batch --quiet --decrypt "$archive" | zstd -d | tar -t >"$dir/listing"
    note="$(wc -l <"$dir/listing") entries listed by GNU tar"
}

# box LINE...: with a frame as wide as the longest.
box() {
    local line width=0 rule
    for line; do ((${#line} <= width)) || width=${#line}; done
    rule=$(printf '─%.0s' $(seq $((width + 2))))
    printf '\n  ┌%s┐\n' "$rule"
    for line; do printf '  │ %s │\n' "$(pad "$width" "$line")"; done
    printf '  └%s┘\n' "$rule"
}

printf '\n  %sHoldfast%s · a host loses its volumes and gets them back\n' "$bold" "$plain"
[[ $engine ]] || printf '  %sNo Docker engine with compose at hand: plain folders stand in for volumes.%s\n' "$dim" "$plain"

chapter 'A key, kept elsewhere'
step 'a pair of keys, made on a stick' new_key
show 'the host gets one half' import_key

chapter 'A host worth saving'
step 'two volumes with all that backups lose' make_volumes
[[ ! $engine ]] || step 'two services that live on them' start_services
step 'holdfast.yml, written by looking around' configure
show 'ready?' hf check

chapter 'A backup, and the proof that it is one'
step 'backup' back_up
show 'what there is' hf list
step 'verified, without the private key' verify
step 'verified, with it' verify_deep
step 'one bit flipped, in a copy' flipped

chapter 'The bad day'
step 'an independent record of how things are' snapshot "$dir/before"
step 'the volumes are destroyed' lose

chapter 'The good end'
step 'restore, with the key from the stick' restore
[[ ! $engine ]] || step 'compose takes it from there' adopt
step 'the same independent eyes again' compare
step 'commit' commit
step 'without Holdfast, by stock tools alone' by_hand

box "lost       $lost entries in ${#volumes[@]} volumes" \
    "came back  all of them" \
    "compared   type, mode, owner, size, time (ns), link count and target, SHA-256," \
    "           extended attributes, access control lists, sparseness: no difference" \
    "by hand    gpg -d $(basename "$archive") | zstd -d | tar -t" \
    "took       $(since "$begun"); nothing of it stays on this machine"
