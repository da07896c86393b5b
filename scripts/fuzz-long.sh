#!/usr/bin/env bash
# Fuzzes led by coverage: scripts/fuzz-long.sh SECONDS [TARGET...]. Each target for so long; what it finds
# of interest stays in target/fuzz/corpus, what breaks it in target/fuzz/broken. The first run builds
# everything anew with sanitizers, which takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
tools=$PWD/target/tools
if [ ! -x "$tools/bin/cargo-fuzz" ]; then
    cargo install --quiet --locked --root "$tools" --version 0.13.2 cargo-fuzz
fi
export PATH=$tools/bin:$PATH
# Sanitizers are not stable yet; this lets a stable compiler use them.
export RUSTC_BOOTSTRAP=1

targets=("$@")
if [ ${#targets[@]} = 0 ]; then
    mapfile -t targets < <(cargo fuzz list)
fi
for target in "${targets[@]}"; do
    echo "== $target"
    mkdir -p "target/fuzz/corpus/$target" target/fuzz/broken
    cargo fuzz run --target-dir target/fuzz/build "$target" \
        "target/fuzz/corpus/$target" "tests/fuzz/corpus/$target" -- \
        -artifact_prefix="$PWD/target/fuzz/broken/" \
        -max_total_time="$seconds" -timeout=1 -rss_limit_mb=512 -max_len=65536 -print_final_stats=1
done
