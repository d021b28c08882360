# shellcheck shell=bash disable=SC2034,SC2154  # the rest is in run.sh, which reads this
# The database part of the benchmark: a scratch server, a database, and who dumps and loads it: prepare_ is not timed, dump_
# and load_ are; load_ fills the database bench_out.

pg_real=$(mktemp -d /tmp/hf-bench-pg.XXXXXX) # Unix sockets have short names
scratch() {
    HOLDFAST_REAL=$pg_real HOLDFAST_POSTGRES_DATA=$dir/postgres "$here/../Tests/Real/postgres.sh" "$@"
}

# The files lie on the disk that is measured; root's server runs as another user, who has to get there.
start_server() {
    chmod o+x "$dir"
    scratch up shared_buffers=512MB max_wal_size=4GB checkpoint_timeout=30min autovacuum=off wal_level=minimal \
        max_wal_senders=0 maintenance_work_mem=128MB || return 1
    eval "$(scratch env)"
    export PGHOST=$HOLDFAST_TEST_POSTGRES PGPORT=$HOLDFAST_TEST_POSTGRES_PORT PGUSER=postgres
    export pg=$HOLDFAST_TEST_POSTGRES_BIN
}
stop_server() {
    scratch down || true
    rm -rf "$pg_real"
}

# make_database BYTES: a quarter of accounts as pgbench has them, the rest orders, texts and random bytes.
make_database() {
    "$pg/createdb" bench
    "$pg/pgbench" --initialize --quiet --scale $(($1 / 4 / 9700000 + 1)) bench 2>/dev/null
    sql bench --set "bytes=$1" <<'SQL'
SET synchronous_commit = off;
CREATE TABLE orders (id bigint PRIMARY KEY, customer integer, placed timestamptz, amount numeric(10, 2), state text);
INSERT INTO orders
SELECT n, hashint8(n) % 100000, '2020-01-01 00:00Z'::timestamptz + n * interval '97 s', abs(hashint8(n) % 1000000) / 100.0,
    (ARRAY['new', 'paid', 'sent', 'returned'])[1 + n % 4]
FROM generate_series(1, :bytes / 5 / 58) n;
CREATE TABLE texts (id integer PRIMARY KEY, body text NOT NULL);
INSERT INTO texts
SELECT n, (SELECT string_agg('{"node": ' || part || ', "type": "http", "token": "' || left(md5(n || '/' || part), 16) || '"}', E',\n')
    FROM generate_series(1, 40) part)
FROM generate_series(1, :bytes / 100 * 30 / 2170) n;
CREATE TABLE files (id integer PRIMARY KEY, content bytea NOT NULL);
INSERT INTO files
SELECT n, (SELECT string_agg(sha512((n || '/' || part)::bytea), NULL) FROM generate_series(1, 500) part)
FROM generate_series(1, :bytes / 4 / 64000) n;
VACUUM (FREEZE, ANALYZE);
CHECKPOINT;
SQL
}
sql() { "$pg/psql" --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --dbname "$@"; }
# rows DATABASE: what comes back has to be as much as went in.
rows() {
    sql "$1" <<'SQL'
SELECT (SELECT count(*) FROM pgbench_accounts), (SELECT count(*) FROM orders), (SELECT count(*) FROM texts),
    (SELECT sum(length(content)) FROM files);
SQL
}
dump() { "$pg/pg_dump" --format=custom --compress=0 bench; }

title[holdfast_pg]='holdfast'
title[zstd_pg]='pg_dump -Fc -Z0 | zstd -3 -T0 | gpg'
title[seed_pg]='pg_dump, plain | gpg'
database_tools=(holdfast_pg zstd_pg seed_pg)

prepare_holdfast_pg() { prepare_holdfast; }
dump_holdfast_pg() { "$HOLDFAST" backup databases --config "$dir/holdfast.yml"; }
load_holdfast_pg() {
    "$HOLDFAST" restore database bench --into bench_out --key "$dir/secret.asc" --yes --config "$dir/holdfast.yml"
}

prepare_zstd_pg() {
    rm -f "$dir/bench.dump.zst.gpg"
}
dump_zstd_pg() {
    dump | zstd -q -3 -T0 | encrypt --compress-algo none >"$dir/bench.dump.zst.gpg"
    sync "$dir/bench.dump.zst.gpg"
}
load_zstd_pg() {
    "$pg/createdb" --template template0 bench_out
    decrypt "$dir/bench.dump.zst.gpg" | zstd -q -d | "$pg/pg_restore" --exit-on-error --single-transaction --dbname bench_out
}

prepare_seed_pg() { rm -f "$dir/bench.sql.gpg"; }
dump_seed_pg() {
    "$pg/pg_dump" bench | encrypt >"$dir/bench.sql.gpg"
    sync "$dir/bench.sql.gpg"
}
load_seed_pg() {
    "$pg/createdb" --template template0 bench_out
    decrypt "$dir/bench.sql.gpg" | "$pg/psql" --no-psqlrc --quiet --single-transaction --set ON_ERROR_STOP=1 --dbname bench_out
}
