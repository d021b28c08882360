# shellcheck shell=bash disable=SC2034,SC2154  # the rest is in run.sh, which reads this
# The parts about what does not grow: the time of very many small files, and the memory of our process.

# small_files FOLDER COUNT: of 0.1 to 2 kB, 250 to a folder, as sessions and caches are.
small_files() {
    mkdir -p "$1"
    (cd "$1" && seq -f '%05.0f' 0 $((($2 - 1) / 250)) | xargs mkdir -p)
    awk -v "dir=$1" -v "count=$2" 'BEGIN {
        srand(43)
        for (i = 0; i < count; i++) {
            file = sprintf("%s/%05d/session-%07d.json", dir, i / 250, i)
            lines = 1 + int(rand() * 20)
            for (n = 0; n < lines; n++)
                printf "{\"id\": %d, \"token\": \"%08x%08x\", \"seen\": %d}\n", i, rand() * 4294967295, rand() * 4294967295,
                    1700000000 + rand() * 1e7 > file
            close(file)
        }
    }'
}

title[tar_pipe]='tar to a pipe, and nothing behind it'
files_tools=(holdfast zstd tar_pipe)

prepare_tar_pipe() { :; }
backup_tar_pipe() { tar -C "$dir" -cf - tree | cat >/dev/null; }

# The number is a million to the GiB.
measure_files() {
    local round tool
    file_count=$((size * 1000000 / 1073741824))
    echo "making $file_count small files …" >&2
    small_files "$dir/tree" "$file_count"
    read -r files_files files_bytes < <(contents "$dir/tree")
    for ((round = 1; round <= rounds; round++)); do
        for tool in "${files_tools[@]}"; do
            echo "round $round of $rounds: small files, ${title[$tool]}" >&2
            run "prepare_$tool"
            tar -C "$dir" -cf - tree | cat >/dev/null
            measure backup "$tool" files
        done
    done
    memory_of "$files_files small files"
    rm -rf "$dir/tree"
}

# memory_of WHAT: what our process has resident at most when it backs the tree up, restores it and verifies it.
memory_of() {
    local backup restore verify
    run prepare_holdfast
    mkdir "$dir/out"
    backup=$(peak backup_holdfast) restore=$(peak restore_holdfast) verify=$(peak verify_holdfast)
    rm -rf "$dir/out"
    memory_rows+=$(printf '%-40s %9s %9s %9s' "$1" "$backup" "$restore" "$verify")$'\n'
}
peak() {
    run "$1" /usr/bin/time -o "$dir/time" -f '%M'
    awk '{ printf "%.0f", $1 / 1024 }' "$dir/time"
}

# An eighth of the data, all of it, and one small file; with the part `files` their number as well.
measure_memory() {
    echo 'measuring memory …' >&2
    mkdir "$dir/tree"
    echo one >"$dir/tree/file"
    memory_of '1 small file'
    rm -rf "$dir/tree"
    for part in 8 1; do
        "$here/tree.sh" "$dir/tree" $((size / part))
        memory_of "$(numfmt --to=iec-i --suffix=B $((size / part))) of data"
        rm -rf "$dir/tree"
    done
}
