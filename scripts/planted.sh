#!/bin/sh
# Plants each bug of tests/planted into a copy of the tree, and runs the smallest suite that must notice.
# A bug that nothing notices is a hole in the tests.
#
# A patch begins with two lines: `Bug:` what it breaks; `Suite:` the test binary, `it` or `lib`, and a
# filter. The suites must pass without a bug first.
#
# usage: scripts/planted.sh [NAME...]       all patches, or those named. Results: target/planted/last.json,
#                                           where the rows of those not named stay as they were.
set -eu
cd "$(dirname "$0")/.."
work=$PWD/target/planted
tree=$work/tree
patches=$PWD/tests/planted
flags=${PLANTED_FLAGS---release}            # cargo's profile, for those who build with another one

# A copy with the times of the original, so that cargo sees what has changed and builds no more.
rm -rf "$tree"
mkdir -p "$tree"
tar -c --exclude=./target --exclude=./.git . | tar -x -C "$tree"
export CARGO_TARGET_DIR="$work/build" CARGO_TERM_COLOR=never
cd "$tree"

field() {
    sed -n "s/^$1: //p" "$patches/$2.patch"
}

# Runs the suite `$1 $2`; its output goes to the file $3. 0: passed, 1: failed, 2: does not build.
suite() {
    case $1 in
        lib) set -- --lib "$2" "$3" ;;
        *) set -- --test="$1" "$2" "$3" ;;
    esac
    # shellcheck disable=SC2086 # flags are words
    cargo test $flags --locked "$1" --no-run > "$3" 2>&1 || return 2
    # shellcheck disable=SC2086
    timeout 900 cargo test $flags --locked "$1" -- "$2" >> "$3" 2>&1 || return 1
}

# Git passes over what is inside a repository and not known to it, unless it sees none.
apply() {
    GIT_CEILING_DIRECTORIES=$work git apply "$@"
}

[ $# -gt 0 ] || set -- $(cd "$patches" && ls ./*.patch | sed 's|^\./||; s|\.patch$||')

echo "without a bug, every suite passes:" >&2
for name; do field Suite "$name"; done | sort -u | while read -r binary filter; do
    echo "  $binary $filter" >&2
    suite "$binary" "$filter" "$work/log" || { tail -40 "$work/log"; exit 1; }
done

# Rows of earlier runs, for those that are not named now.
rows=
for name in $(cd "$patches" && ls ./*.patch | sed 's|^\./||; s|\.patch$||'); do
    case " $* " in *" $name "*) continue ;; esac
    row=$(sed -n "s/,*\$//; /^  {\"name\": \"$name\"/p" "$work/last.json" 2>/dev/null || true)
    rows="$rows${rows:+${row:+,
}}$row"
done

printf '%-26s %-70s %s\n' planted bug 'caught by'
for name; do
    bug=$(field Bug "$name")
    of_suite=$(field Suite "$name")
    apply "$patches/$name.patch"
    begun=$(date +%s)
    # shellcheck disable=SC2086 # two words
    suite ${of_suite%% *} "${of_suite#* }" "$work/$name.log" && ended=0 || ended=$?
    apply --reverse "$patches/$name.patch"
    caught=
    case $ended in
        0) by='NOTHING' ;;
        1) caught=$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$work/$name.log" | head -n 1)
           by=${caught:-"NOTHING: it failed without a failed test, see $work/$name.log"} ;;
        *) by="NOTHING: it does not build, see $work/$name.log" ;;
    esac
    printf '%-26s %-70s %s\n' "$name" "$bug" "$by"
    row=$(printf '{"name": "%s", "bug": "%s", "suite": "%s", "caught_by": "%s", "seconds": %d}' \
        "$name" "$bug" "$of_suite" "$caught" $(($(date +%s) - begun)))
    rows="$rows${rows:+,
}  $row"
done
missed=$(printf '%s\n' "$rows" | grep -c '"caught_by": ""' || true)
printf '{"missed": %d, "planted": [\n%s\n]}\n' "$missed" "$rows" > "$work/last.json"
echo "$# planted, $missed not caught; $work/last.json"
[ "$missed" -eq 0 ]
