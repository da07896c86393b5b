# `make demo` shows the vault at work, `make test` tests it. Both install what is missing and share one
# build.

# The RocksDB library that scripts/rocksdb.sh builds. Set it to share a library that is already built.
export ROCKSDB_LIB_DIR ?= $(CURDIR)/target/rocksdb
export ROCKSDB_STATIC ?= 1

# The linters of scripts/lint-tools.txt, at the versions named there.
TOOLS := target/tools/bin

.DEFAULT_GOAL := help
.NOTPARALLEL:
PROFILE ?= ci
.PHONY: help setup rocksdb tools demo test examples floods fuzz fuzz-long torture planted bench bench-sweep proof lint advisories check clean

help:
	@echo 'make demo    the whole story in the terminal, offline, with throw-away data'
	@echo 'make test    every test'
	@echo 'make examples   the Python and the TypeScript example against the demo'
	@echo 'make floods  ten seconds of each flood by one peer, and what another peer notices'
	@echo 'make fuzz    every reader of bytes with 100,000 inputs; a part of `make test`'
	@echo 'make fuzz-long   the same led by coverage, a minute each; SECONDS=600 for longer'
	@echo 'make bench   what everything costs, beside what the machine can do without us; QUICK=1 for a first look'
	@echo 'make proof   writes the tables of docs/src/proof.md from the last runs of bench, torture and planted'
	@echo 'make torture [PROFILE=ci|long] [SEED=n]   kills, power cuts, failing disks, damage'
	@echo 'make planted   plants known bugs, one after the other: does a test notice each?'
	@echo 'make bench-sweep   what a sweep costs among a million enrollments'
	@echo 'make lint    formatting, clippy, dependencies, proto files'
	@echo 'make check   test and lint, as the continuous integration does'
	@echo 'make setup   only install what building needs'
	@echo 'make clean   remove everything built, RocksDB too: the next build takes minutes again'

setup:
	@scripts/setup.sh

# Leaves a note for plain cargo, see .cargo/config.toml.
rocksdb: setup
	@scripts/rocksdb.sh '$(ROCKSDB_LIB_DIR)'
	@mkdir -p target/rocksdb
	@printf '[env]\nROCKSDB_LIB_DIR = "%s"\nROCKSDB_STATIC = "%s"\n' \
	    '$(ROCKSDB_LIB_DIR)' '$(ROCKSDB_STATIC)' > target/rocksdb/env.toml

tools:
	@scripts/lint-tools.sh target/tools

demo: rocksdb
	cargo build --release --locked
	target/release/fmvault demo journey

test: rocksdb
	cargo test --release --locked

# Installs Python and Node.js by apt if they are not there, and what the examples pin.
examples: rocksdb
	cargo build --release --locked
	scripts/examples.sh target/release/fmvault

fuzz: rocksdb
	cargo test --release --locked --test fuzz

fuzz-long: rocksdb
	scripts/fuzz-long.sh $(or $(SECONDS),60)

# Ten seconds of each flood against a vault of its own; prints what another caller notices.
floods: rocksdb
	cargo test --release --locked --test it -- --ignored --nocapture ten_seconds_of_each_flood

# Needs about 4 GB of disk and a quarter of an hour. PostgreSQL is measured too if it is installed.
bench: rocksdb
	cargo bench --locked --profile release --bench bench

proof: rocksdb
	scripts/proof_faults.py
	cargo bench --locked --profile release --bench bench -- proof

# Minutes with PROFILE=ci, hours with PROFILE=long. SEED repeats a run.
torture: rocksdb
	@FMVAULT_TORTURE='$(PROFILE)' FMVAULT_SEED='$(SEED)' cargo test --release --locked --test it \
	    -- --ignored --exact --nocapture torture::by_profile

# Needs about 2 GB of disk and a few minutes.
bench-sweep: rocksdb
	cargo bench --locked --profile release --bench sweep

# Builds the vault once for each planted bug: half an hour.
planted: rocksdb
	@scripts/planted.sh

# Checking needs RocksDB's header, not its library.
lint: setup tools advisories
	cargo fmt --check
	cargo clippy --release --locked --all-targets -- -D warnings
	cargo fmt --manifest-path tests/shim/Cargo.toml --check
	cargo clippy --release --locked --manifest-path tests/shim/Cargo.toml --target-dir target/shim -- -D warnings
	$(TOOLS)/buf lint proto
	$(TOOLS)/cargo-deny --log-level error check bans licenses sources

advisories: tools
	@scripts/advisories.sh $(TOOLS)/cargo-deny

check: test examples lint

clean:
	cargo clean
