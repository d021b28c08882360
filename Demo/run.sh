#!/usr/bin/env bash
# The whole way once, before your eyes: keys, backup, verification, loss, restore, and a comparison by somebody else.
# Where HOLDFAST_TEST_DOCKER names an engine (Tests/Real/with-real.sh) the volumes belong to a compose project, otherwise
# they are plain folders. The database lives in a Postgres server of the demo's own, for it is dropped. All of it happens in
# scratch folders and is gone afterwards.
set -euo pipefail
export LC_ALL=C.UTF-8

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
holdfast=$(realpath "${HOLDFAST:-$here/../.build/release/holdfast}")
dir=$(mktemp -d "${TMPDIR:-/tmp}/hf-demo.XXXXXX")
stick=$dir/stick
server=$(mktemp -d /tmp/hf-demo-pg.XXXXXX) # Unix sockets have short names
volumes=(demo_n8n_data demo_notes_data)
umask 022
mkdir -m 700 "$dir"/{host,gnupg,by-hand} "$stick"
# What holdfast is to find here, and nothing of the person who runs the demo.
export GNUPGHOME=$dir/gnupg HOLDFAST_CONFIG=$dir/host/holdfast.yml
unset GPG_RECIPIENT
engine=${HOLDFAST_TEST_DOCKER:-}
[[ ! $engine ]] || docker compose version >/dev/null 2>&1 || engine=''
postgres='' # the folder of its programs, once it runs

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
    scratch down >/dev/null 2>&1 || true
    local home
    for home in "$dir"/{gnupg,by-hand}; do gpgconf --homedir "$home" --kill all 2>/dev/null || true; done
    rm -rf "$dir" "$server"
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

# ── the database ─────────────────────────────────────────────────────────────────────────────────────────────────────────
scratch() { HOLDFAST_REAL=$server "$here/../Tests/Real/postgres.sh" "$@"; }
program() {
    "$postgres/$1" --host "$HOLDFAST_TEST_POSTGRES" --port "$HOLDFAST_TEST_POSTGRES_PORT" --username postgres "${@:2}"
}
psql() {
    program psql --no-psqlrc --quiet --tuples-only --no-align --field-separator $'\t' --set ON_ERROR_STOP=1 "$@"
}

# A host without a server is no reason to show nothing; the last line says what was not tried.
start_postgres() {
    scratch up >"$log" 2>&1 </dev/null || return 0
    eval "$(scratch env)"
    postgres=$HOLDFAST_TEST_POSTGRES_BIN
}

# inventory DATABASE FILE: what it is, said by psql and pg_dump: of each table the name, the rows and a sum over all of them,
# then the same of large objects and sequences, and of the statements that would make it.
inventory() {
    psql --dbname "$1" >"$2" <<'SQL'
SELECT format('SELECT %L, count(*), md5(string_agg(md5(t::text), NULL ORDER BY md5(t::text))) FROM %s t',
    CASE relkind WHEN 'm' THEN 'view ' ELSE '' END || oid::regclass, oid::regclass)
FROM pg_class WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace ORDER BY relkind DESC, relname \gexec
SELECT 'large objects', count(*), md5(string_agg(md5(lo_get(oid)), NULL ORDER BY oid)) FROM pg_largeobject_metadata;
SELECT 'sequences', count(*), md5(string_agg(sequencename || last_value, NULL ORDER BY sequencename)) FROM pg_sequences;
SELECT 'owner', count(*), string_agg(pg_get_userbyid(datdba), NULL) FROM pg_database WHERE datname = current_database();
SQL
    program pg_dump --schema-only "$1" | grep -Ev '^(--|\\(un)?restrict|$)' >"$2.schema"
    printf 'structure\t%d\t%s\n' "$(grep -c ';$' "$2.schema")" "$(sha256sum <"$2.schema")" >>"$2"
    [[ $(wc -l <"$2") == 12 ]] # else the comparison would say little
}
# The rows that psql sees, which have to be in the log as well.
counted() { grep -q "tables, $(rows "$dir/shop") rows" "$log" && grouped "$(rows "$dir/shop")"; }
grouped() { sed ':more; s/\B[0-9]\{3\}\>/,&/; t more' <<<"$1"; }
rows() { awk -F '\t' '/^view / { exit } { sum += $2 } END { print sum }' "$1"; }
orders() { psql --dbname shop --command "SELECT count(*) FROM orders"; }

make_shop() {
    psql --dbname postgres --file "$here/shop.sql"
    inventory shop "$dir/shop"
    note="$(psql --dbname shop --command "SELECT pg_size_pretty(pg_database_size('shop'))") in PostgreSQL $(psql --dbname shop --command 'SHOW server_version' | cut -d ' ' -f 1)"
}

# By the door that a service would take: address, user, and the password in a file.
configure_shop() {
    (umask 077 && printf %s "$HOLDFAST_TEST_POSTGRES_PASSWORD" >"$dir/host/postgres.password")
    local url=postgresql://postgres@127.0.0.1:$HOLDFAST_TEST_POSTGRES_PORT/shop
    local entry="- { name: shop, engine: postgres, url: \"$url\", password_file: $dir/host/postgres.password }"
    sed -i "s|^  databases: \[\]|  databases:\n    $entry|" "$HOLDFAST_CONFIG"
    grep -qFe "$entry" "$HOLDFAST_CONFIG"
    note='one line: engine, url, password_file'
}

lose_shop() {
    psql --dbname postgres --command 'DROP DATABASE shop WITH (FORCE)' --command 'DROP ROLE shopkeeper'
    if psql --dbname shop --command 'SELECT 1'; then return 1; fi
    note="$(grouped "$(rows "$dir/shop")") rows and their owner, a role, gone"
}

restore_shop() {
    hf restore database shop --globals --key "$(secret)" --yes
    note='role made, loaded, compared, named'
}

# Every table's rows, beside what they were.
compare_shop() {
    inventory shop "$dir/shop.after"
    local name before sum after same status=0
    while IFS=$'\t' read -r name before sum _ after same; do
        if [[ $before == "$after" && $sum == "$same" ]]; then same='equal'; else same='DIFFERENT' status=1; fi
        printf '%s%9s → %s %s\n' "$(pad 28 "$name")" "$(grouped "$before")" "$(pad 8 "$(grouped "$after")")" "$same"
    done < <(paste "$dir/shop" "$dir/shop.after")
    note='rows and content, by psql and pg_dump'
    return "$status"
}

# Back to the backup over today's order, and to today again.
undo_shop() {
    local seen
    psql --dbname shop --command "INSERT INTO orders VALUES (12001, 1, '2026-11-23')"
    seen=$(orders)
    hf restore database shop --key "$(secret)" --yes
    seen+=" · $(orders)"
    hf restore undo --yes
    seen+=" · $(orders)"
    [[ $seen == '12001 · 12000 · 12001' ]]
    note="orders: $seen"
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

archives() { find "$dir/host/backups" -name "${1:-}*.gpg" ! -name 'private.*' | sort; }

back_up() {
    hf backup
    note="$(archives | wc -l) archives, $(archives | tr '\n' '\0' | du -ch --apparent-size --files0-from=- | awk 'END { print $1 }')"
    [[ ! $postgres ]] || note+=" · $(counted) rows counted"
}

verify() {
    hf verify
    note='signature, sizes, digests, recipients'
}

verify_deep() {
    hf verify --deep --key "$(secret)"
    note='every entry against the manifest inside'
    [[ ! $postgres ]] || note="every entry and $(counted) rows, counted again"
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

opened() { gpg --homedir "$dir/by-hand" --batch --quiet --decrypt "$1" | zstd -d; }
by_hand() {
    gpg --homedir "$dir/by-hand" --batch --import "$(secret)"
    archive=$(archives volume | head -1)
    opened "$archive" | tar -t >"$dir/listing"
    note="$(wc -l <"$dir/listing") entries, GNU tar"
    if [[ $postgres ]]; then
        dump=$(archives database.shop.dump)
        psql --dbname postgres --command 'CREATE DATABASE by_hand TEMPLATE template0 OWNER shopkeeper'
        opened "$dump" | program pg_restore --exit-on-error --dbname by_hand
        inventory by_hand "$dir/shop.by-hand"
        cmp "$dir/shop" "$dir/shop.by-hand"
        note+=" · all rows, pg_restore"
    fi
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

printf '\n  %sHoldfast%s · a host loses its volumes and a database, and gets them back\n' "$bold" "$plain"
start_postgres
[[ $engine ]] || printf '  %sNo Docker engine with compose at hand: plain folders stand in for volumes.%s\n' "$dim" "$plain"
if [[ ! $postgres ]]; then
    printf '  %sNo Postgres server can be had here: the part with the database is left out.%s\n' "$red" "$plain"
    sed 's/^/      /' "$log"
fi

chapter 'A key, kept elsewhere'
step 'a pair of keys, made on a stick' new_key
show 'the host gets one half' import_key

chapter 'A host worth saving'
step 'two volumes with all that backups lose' make_volumes
[[ ! $engine ]] || step 'two services that live on them' start_services
[[ ! $postgres ]] || step 'a shop in a database' make_shop
step 'holdfast.yml, written by looking around' configure
[[ ! $postgres ]] || step 'and the database, by hand' configure_shop
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
[[ ! $postgres ]] || step 'DROP DATABASE' lose_shop

chapter 'The good end'
step 'restore, with the key from the stick' restore
[[ ! $engine ]] || step 'compose takes it from there' adopt
step 'the same independent eyes again' compare
if [[ $postgres ]]; then
    step 'restore of the database' restore_shop
    show 'the same rows?' compare_shop
fi
step 'commit' commit
[[ ! $postgres ]] || step 'an order since; restore, and undo' undo_shop
step 'without Holdfast, by stock tools alone' by_hand

summary=("lost       $lost entries in ${#volumes[@]} volumes")
came=("came back  all of them")
compared=("compared   type, mode, owner, size, time (ns), link count and target, SHA-256,"
    "           extended attributes, access control lists, sparseness: no difference")
tools=("by hand    gpg -d $(basename "$archive") | zstd -d | tar -t")
if [[ $postgres ]]; then
    summary+=("           $(grouped "$(rows "$dir/shop")") rows in a database")
    compared+=("           rows and content of each table, large objects, structure: no difference")
    tools+=("           gpg -d $(basename "$dump") | zstd -d | pg_restore -d by_hand")
else
    came+=("NOT TRIED  the database: no Postgres server")
fi
box "${summary[@]}" "${came[@]}" "${compared[@]}" "${tools[@]}" \
    "took       $(since "$begun"); nothing of it stays on this machine"
if [[ ! $postgres ]]; then
    printf '\n  %sThe part with the database was NOT tried.%s\n' "$red" "$plain"
    [[ ${CI:-} != true ]]
fi
