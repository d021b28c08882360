# shellcheck shell=bash disable=SC2034,SC2154  # the rest is in run.sh, which reads this
# The commands part of the benchmark: what one waits for at a terminal, with many restore points.

points=${HOLDFAST_BENCH_POINTS:-$((size < 1 << 28 ? 100 : 1000))} # a short bench makes few
commands_rounds=10

# make_points DIR COUNT: one backup of eight folders, and its manifest under as many names, a day apart, each signed by the
# host's key as a backup would.
make_points() {
    local home=$1 signer first now i name
    mkdir -p "$home/points"
    for i in {1..8}; do mkdir -p "$home/tree/$i" && head -c 1000 /dev/urandom >"$home/tree/$i/file"; done
    cat >"$home/holdfast.yml" <<YAML
backup:
  directory: $home/points
  encryption: { recipients: ["$recipient"], keyring: $dir/public }
  retention: { keep_daily: 30, keep_monthly: 12, keep_last: 3 }
  files:
$(for i in {1..8}; do echo "    - { name: tree-$i, path: $home/tree/$i }"; done)
docker: { socket: /nonexistent }
state: $home/state
YAML
    chmod 600 "$home/holdfast.yml"
    "$HOLDFAST" init --signing-key-only --config "$home/holdfast.yml"
    "$HOLDFAST" backup files --config "$home/holdfast.yml"
    gpg --batch --quiet --import "$home/state/signing/host-key.secret.asc"
    signer=$(gpg --batch --with-colons --show-keys "$home/state/signing/host-key.public.asc" |
        awk -F : '$1 == "fpr" { print $10; exit }')
    cd "$home/points" || return
    first=$(printf '%s\n' 2*Z)
    now=$(date +%s)
    for ((i = 1; i < $2; i++)); do
        name=$(date -u -d "@$((now - i * 86400))" +%Y-%m-%dT%H%M%SZ)
        mkdir "$name"
        ln "$first"/*.gpg "$name"
        sed "s/$first/$name/" "$first/manifest.json" >"$name/manifest.json"
        gpg --batch --digest-algo SHA512 --local-user "$signer" --detach-sign "$name/manifest.json"
    done
}

# best COMMAND...: milliseconds of the fastest of some calls; how they end says nothing here.
best() {
    local best=1000000 begun took i
    for ((i = 0; i < commands_rounds; i++)); do
        begun=$(date +%s%N)
        "$@" >"$dir/log" 2>&1 </dev/null || true
        took=$((($(date +%s%N) - begun) / 100000))
        ((took >= best)) || best=$took
    done
    echo "$((best / 10)).$((best % 10))"
}

# command_line BAR COMMAND...: a line of the table.
command_line() {
    printf '%-28s %8s ms   %s\n' "holdfast ${*:2}" "$(best "$HOLDFAST" "${@:2}" --config "$dir/commands/holdfast.yml")" "$1"
}

measure_commands() {
    echo "making $points restore points …" >&2
    export -f make_points
    run "make_points $dir/commands $points"
    # What it prints has to be all of it.
    [[ $("$HOLDFAST" list --json --config "$dir/commands/holdfast.yml" | grep -c '"outcome" : "complete"') == "$points" ]] ||
        fail "list: not all points are listed"
    commands_table=$(
        printf '\n%-28s %11s   %s\n' "commands, $points points" 'best' 'bar'
        printf '%-28s %8s ms   %s\n' 'holdfast --version' "$(best "$HOLDFAST" --version)" '≤ 30 ms'
        command_line '≤ 100 ms with 1000 points' list
        command_line '' status
        command_line '' prune --dry-run
        command_line '≤ 1000 ms, engine and databases come on top' check
    )
    rm -rf "$dir/commands"
}
