#!/bin/bash
# Runs the Python and the TypeScript example against `fmvault demo`, each from onboarding to a login.
# Installs what they need and is not there: by apt, from PyPI and from npm, at the versions they pin.
#
# usage: scripts/examples.sh FMVAULT
set -euo pipefail
cd "$(dirname "$0")/.."
fmvault=$(realpath "$1")

# --- What they need -------------------------------------------------------------------------------

missing=""
python3 -c 'import venv, ensurepip' 2> /dev/null || missing="python3 python3-venv"
command -v node > /dev/null || missing="$missing nodejs"
command -v npm > /dev/null || missing="$missing npm"
if [ -n "$missing" ]; then
    if ! command -v apt-get > /dev/null; then
        echo "The examples need Python 3 with venv, Node.js and npm. Install them, then run this again." >&2
        exit 1
    fi
    root=""
    if [ "$(id -u)" != 0 ]; then root="sudo"; fi
    echo "Installing for the examples with apt-get: $missing"
    $root apt-get update -qq
    # shellcheck disable=SC2086  # a list of words
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi

# Done again only when what is pinned has changed.
fresh() { [ -e "$1" ] && [ "$(cat "$1")" = "$2" ]; }

pins=$(sha256sum examples/python/requirements.txt proto/facemapvault/v1/*.proto | sha256sum)
if ! fresh examples/python/.venv/pins "$pins"; then
    rm -rf examples/python/.venv examples/python/gen
    python3 -m venv examples/python/.venv
    examples/python/.venv/bin/pip install -q --disable-pip-version-check -r examples/python/requirements.txt
    mkdir examples/python/gen
    examples/python/.venv/bin/python -m grpc_tools.protoc -I proto --python_out=examples/python/gen \
        --grpc_python_out=examples/python/gen proto/facemapvault/v1/*.proto
    echo "$pins" > examples/python/.venv/pins
fi
pins=$(sha256sum examples/typescript/package-lock.json | sha256sum)
if ! fresh examples/typescript/node_modules/pins "$pins"; then
    npm --prefix examples/typescript ci --no-audit --no-fund --ignore-scripts --loglevel=error
    echo "$pins" > examples/typescript/node_modules/pins
fi
npm --prefix examples/typescript run --silent build

# --- A vault and a simulated Jumio ----------------------------------------------------------------

dir=$(mktemp -d)
"$fmvault" demo --port 0 --grpc-port 0 --keep "$dir" --format json > "$dir/ready" 2> "$dir/log" &
demo=$!
trap 'kill $demo 2> /dev/null || true; wait $demo || true; rm -rf "$dir"' EXIT
for _ in $(seq 600); do
    if [ -s "$dir/ready" ] || ! kill -0 $demo 2> /dev/null; then break; fi
    sleep 0.1
done
field() { sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/" "$dir/ready"; }
grpc=$(field grpc)
if [ -z "$grpc" ]; then
    echo "the demo does not start:" >&2
    cat "$dir/log" >&2
    exit 1
fi

# --- The examples ---------------------------------------------------------------------------------

arguments=("localhost:${grpc##*:}" "$(field certificates)" "$(field simulator)")
echo "== examples/python"
timeout 120 examples/python/.venv/bin/python examples/python/try_it.py "${arguments[@]}"
echo "== examples/typescript"
timeout 120 node examples/typescript/build/try_it.js "${arguments[@]}"
