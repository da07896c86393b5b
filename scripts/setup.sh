#!/bin/sh
# Installs what building needs and is not there. Silent when nothing is missing.
#
# cargo itself has to be there: it comes from rustup, and choosing a toolchain is yours to do.
set -eu
cd "$(dirname "$0")/.."

# --- Rust -----------------------------------------------------------------------------------------

need=$(sed -n 's/^rust-version = "\([0-9.]*\)".*/\1/p' Cargo.toml)
if ! command -v cargo > /dev/null; then
    echo "cargo is not there. Install Rust $need or newer from https://rustup.rs, then run this again." >&2
    exit 1
fi
have=$(cargo --version | cut -d' ' -f2)
if [ "$(printf '%s\n' "$need" "$have" | sort -V | head -n 1)" != "$need" ]; then
    echo "cargo $have is too old: $need or newer is needed. Next: rustup update stable" >&2
    exit 1
fi

# --- C++ compiler and libclang --------------------------------------------------------------------

# Whether any of the files named is there; the shell leaves a pattern without a match as it is.
any() {
    for file; do
        if [ -e "$file" ]; then return 0; fi
    done
    return 1
}

missing=""
if ! command -v "${CXX:-g++}" > /dev/null; then
    missing="g++"
fi
# bindgen needs the library and, apart from it, clang's own headers: without them it stops at
# "'stdbool.h' file not found".
if ! { any "${LIBCLANG_PATH:-/nowhere}"/libclang* \
        /usr/lib/llvm-*/lib/libclang.so* /usr/lib/*/libclang-[0-9]* /usr/lib64/libclang.so* \
    && any /usr/lib/llvm-*/lib/clang/*/include/stdbool.h /usr/lib/clang/*/include/stdbool.h \
        /usr/lib64/clang/*/include/stdbool.h "${LIBCLANG_PATH:-/nowhere}"/clang/*/include/stdbool.h; }
then
    missing="$missing libclang"
fi

# A hardware security module in software: the tests of PKCS#11 make tokens with it.
if ! command -v softhsm2-util > /dev/null; then
    missing="$missing softhsm2"
fi

if [ -n "$missing" ]; then
    echo "The build needs what is not here yet:"
    case $missing in *g++*) echo "  g++       compiles RocksDB" ;; esac
    case $missing in *libclang*) echo "  libclang  reads RocksDB's header, to make the Rust bindings" ;; esac
    case $missing in *softhsm2*) echo "  softhsm2  a security module in software, for the tests of PKCS#11" ;; esac
    if ! command -v apt-get > /dev/null; then
        echo "There is no apt-get here. Install a C++20 compiler, libclang with its headers, and SoftHSM 2" >&2
        echo "(Fedora: gcc-c++ clang-devel softhsm; Arch: gcc clang softhsm; openSUSE: gcc-c++ clang-devel softhsm)," >&2
        echo "then run this again." >&2
        exit 1
    fi
    root=""
    if [ "$(id -u)" != 0 ]; then root="sudo"; fi
    echo "Installing them with apt-get now${root:+; sudo may ask for your password}."
    export DEBIAN_FRONTEND=noninteractive
    $root apt-get update -qq

    packages=""
    case $missing in *g++*) packages="g++" ;; esac
    case $missing in *softhsm2*) packages="$packages softhsm2" ;; esac
    # Debian 12 has the library apart from the compiler, which spares 240 MB; others have it all in one.
    case $missing in
        *libclang*)
            if apt-cache show libclang1-14 > /dev/null 2>&1; then
                packages="$packages libclang1-14 libclang-common-14-dev"
            else
                packages="$packages libclang-dev"
            fi
            ;;
    esac
    # shellcheck disable=SC2086  # a list of words
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
fi

# --- What to expect -------------------------------------------------------------------------------

if [ ! -d "${CARGO_TARGET_DIR:-target}/release/deps" ]; then
    echo "The first build takes about 8 minutes on two cores; later ones take seconds."
fi
