#!/usr/bin/env bash
# tree.sh DIR BYTES   makes a tree of about that size, such as the volumes of a small host: the same bytes each time, but for
# the share of programs, which are this machine's own.
set -euo pipefail
dir=$1 bytes=$2

# random SEED BYTES: what a compressor can do nothing about, at the speed of AES.
random() {
    head -c "$2" /dev/zero | openssl enc -aes-256-ctr -nosalt -K "$(printf '%064x' 7)" -iv "$(printf '%032x' "$1")"
}

# lines SEED BYTES: an access log.
lines() {
    awk -v seed="$1" -v want="$2" 'BEGIN {
        srand(seed)
        split("GET POST PUT DELETE", verb); split("/ /api/v1/items /login /static/app.js /webhook/in", path)
        while (done < want) {
            line = sprintf("10.%d.%d.%d - - [%010d] \"%s %s?id=%d HTTP/1.1\" %d %d %.3f", rand() * 4, rand() * 256, rand() * 256,
                1700000000 + ++n, verb[int(rand() * 4) + 1], path[int(rand() * 5) + 1], rand() * 1e6,
                rand() < .95 ? 200 : 502, rand() * 20000, rand())
            print line
            done += length(line) + 1
        }
    }'
}

mkdir -p "$dir"/{logs,programs,media,small,database,images}

for i in {1..5}; do lines "$i" $((bytes * 5 / 100)) >"$dir/logs/access-$i.log"; done

left=$((bytes * 25 / 100)) # in files of at most an eighth of that, so that a small tree is not one program
while ((left > 0)) && IFS= read -r -d '' file; do
    cp --parents "$file" "$dir/programs"
    left=$((left - $(stat -c %s "$file")))
done < <(find /usr/bin /usr/lib -xdev -type f \( -path '/usr/bin/*' -o -name '*.so*' \) -size "-$((left / 8))c" -print0 |
    LC_ALL=C sort -z)

for i in {1..20}; do random "$i" $((bytes / 100)) >"$dir/media/$i.jpg"; done

# 15,000 to the GiB, of 0.5 to 7.5 kB, as workflows, settings and sessions are.
awk -v "dir=$dir/small" -v "count=$((bytes * 15000 / 1073741824))" 'BEGIN {
    srand(42)
    for (i = 0; i < count; i++) {
        if (i % 100 == 0) { folder = sprintf("%s/%03d", dir, i / 100); system("mkdir " folder) }
        file = sprintf("%s/%05d.json", folder, i)
        nodes = 5 + rand() * 70
        for (n = 0; n < nodes; n++)
            printf "{\"node\": %d, \"type\": \"http\", \"token\": \"%08x%08x\", \"position\": [%d, %d]}\n",
                n, rand() * 4294967295, rand() * 4294967295, rand() * 2000, rand() * 2000 > file
        close(file)
    }
}'

# One large file that shrinks to three quarters, one that does not.
random 100 $((bytes * 15 / 100)) | openssl base64 >"$dir/database/main.db"
random 101 $((bytes * 3 / 100)) >"$dir/database/index"

# Sparse: four islands in a sea of nothing.
truncate -s $((bytes / 16)) "$dir/images/disk.img"
for i in {0..3}; do
    random "20$i" 65536 | dd of="$dir/images/disk.img" bs=64K seek=$((i * bytes / 16 / 65536 / 4)) conv=notrunc status=none
done

# One moment for all: the tree is the same to whoever compares it.
find "$dir" -exec touch -h -d '2026-01-01 00:00:00Z' {} +
