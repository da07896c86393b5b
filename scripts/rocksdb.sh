#!/bin/sh
# Builds librocksdb.a from the sources inside the librocksdb-sys crate, as a few unity files.
#
# Three quarters of RocksDB's compile time is reading headers, so a handful of large translation
# units cost about a fifth of what 343 small ones do. Same sources, same defines as the crate's own
# build script, plus hardware CRC. Without this script `cargo build` still works: the crate then
# builds RocksDB by itself, which takes about five times as long.
#
# usage: scripts/rocksdb.sh OUTPUT_DIR      prints nothing when the library is already there
set -eu
out=$1
groups=14                               # balances two cores; the largest unit needs about 1 GB of memory

manifest=$(cargo metadata --format-version 1 --locked \
    | grep -o '"manifest_path":"[^"]*/librocksdb-sys-[^"]*/Cargo.toml"' | head -n 1 | cut -d'"' -f4)
crate=${manifest%/Cargo.toml}
stamp=$(basename "$crate")-$(cksum < "$0" | cut -d' ' -f1)
[ -f "$out/librocksdb.a" ] && [ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && exit 0

case $(uname -m) in
    x86_64) cpu="-msse4.2 -mpclmul" ;;  # CRC32C in hardware: any x86-64 since 2011
    aarch64) cpu="-march=armv8-a+crc+crypto" ;;
    *) cpu="" ;;
esac
flags="-std=c++20 -O2 -fPIC -w -include cstdint -DNDEBUG -DHAVE_ALIGNED_NEW -DHAVE_UINT128_EXTENSION
 -DOS_LINUX -DROCKSDB_PLATFORM_POSIX -DROCKSDB_LIB_IO_POSIX -DROCKSDB_SCHED_GETCPU_PRESENT
 -DROCKSDB_AUXV_GETAUXVAL_PRESENT -DROCKSDB_FALLOCATE_PRESENT -DROCKSDB_RANGESYNC_PRESENT $cpu
 -I$crate/rocksdb/include -I$crate/rocksdb -I$crate"

jobs=$(nproc)
echo "building RocksDB once, on $jobs cores: about 4 minutes on two" >&2
mkdir -p "$out/unity"
rm -f "$out"/unity/* "$out/librocksdb.a" "$out/stamp"

# Contiguous groups: files of one folder share headers, and no name collides inside a group.
grep -v 'util/build_version.cc' "$crate/rocksdb_lib_sources.txt" | awk -v n="$groups" -v dir="$out/unity" -v src="$crate/rocksdb" '
    NF { file[++total] = $1 }
    END { for (i = 1; i <= total; i++)
              printf "#include \"%s/%s\"\n", src, file[i] > sprintf("%s/part%02d.cc", dir, int((i - 1) * n / total)) }'
printf '#include "%s/build_version.cc"\n' "$crate" > "$out/unity/version.cc"

# `done N of M` after each unit is the progress; a failed unit ends the build with its messages.
units=$(ls "$out"/unity/*.cc | wc -l)
export flags units out
ls "$out"/unity/*.cc | xargs -P "$jobs" -n 1 sh -c '
    ${CXX:-g++} $flags -c "$0" -o "${0%.cc}.o" || exit 255
    echo "  RocksDB: $(ls "$out"/unity/*.o | wc -l) of $units parts" >&2'
ar crs "$out/librocksdb.a" "$out"/unity/*.o
rm -rf "$out/unity"
echo "$stamp" > "$out/stamp"
