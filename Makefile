# Everything that CI does, and nothing that only one machine can do.
#
#   make test      what must pass before a commit; sets itself up on a fresh machine
#   make deep      what takes longer: advisories, Miri over many schedules, fuzzing
#   make bench     measurements
#   make fmt       put the code in its one shape
#   make install   the command line, into ~/.cargo/bin unless PREFIX says otherwise
#
# A part in another language brings a file `make.mk` in its folder, which adds its own rules to
# SETUP_TARGETS, TEST_TARGETS, DEEP_TARGETS, BENCH_TARGETS, FMT_TARGETS and INSTALL_TARGETS.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := test
MAKEFLAGS += --no-print-directory

CARGO ?= cargo
NIGHTLY ?= nightly
FUZZ_SECONDS ?= 60
RESTART_SEEDS ?= 100
# Seeded worlds of consensus in `make deep`; a million take some twenty minutes on one core.
WORLD_RUNS ?= 1000000
DIFFERENTIAL_SCHEDULES ?= 100000
# Of a model with more states than memory has room for, these many are walked through.
MODEL_STATES ?= 4000000
FAIR_WORLD_SEEDS ?= 20000
MIRI_SEEDS ?= 32
# Miri runs some thousand times slower, so properties are tried on few inputs.
MIRI_CASES ?= 2
TARGETS := x86_64-unknown-none thumbv7em-none-eabihf
FUZZ_TARGETS := $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
# What threads share has models; loom explores them only under a flag that changes the core.
LOOM_TESTS := $(basename $(notdir $(wildcard core/tests/loom_*.rs)))

SETUP_TARGETS := setup-rust
TEST_TARGETS := test-format test-lints test-docs test-debug test-release test-breaks test-loom test-packages
DEEP_TARGETS := advisories restarts worlds twins fair-worlds differential model miri fuzz
BENCH_TARGETS :=
FMT_TARGETS := fmt-rust
INSTALL_TARGETS := $(if $(wildcard cli/Cargo.toml),install-cli)
include $(wildcard */make.mk)

# $(call need,PROGRAM,HOW TO GET IT): one clear line where a program is missing.
need = command -v $(1) >/dev/null || { echo "$(1) is missing: $(2)" >&2; exit 1; }
need_cargo = $(call need,$(CARGO),install Rust from https://rustup.rs)
need_rustup = $(call need,rustup,install Rust from https://rustup.rs)

.PHONY: setup test deep bench fmt install
setup: $(SETUP_TARGETS)

test:
	@for target in setup $(TEST_TARGETS); do \
		echo "== $$target"; $(MAKE) $$target || { echo "FAILED: $$target" >&2; exit 1; }; \
	done
	@echo "All checks passed: $(TEST_TARGETS)."

deep:
	@for target in setup $(DEEP_TARGETS); do \
		echo "== $$target"; $(MAKE) $$target || { echo "FAILED: $$target" >&2; exit 1; }; \
	done
	@echo "All deep checks passed: $(DEEP_TARGETS)."

# That package alone: with others, features of their tests would be compiled in.
bench: $(BENCH_TARGETS)
	@$(need_cargo)
	$(CARGO) bench -p hauptbuch-benches --benches

fmt: $(FMT_TARGETS)

install: $(INSTALL_TARGETS)
	@[ -n "$(INSTALL_TARGETS)" ] || { echo "nothing to install: cli/Cargo.toml is not there" >&2; exit 1; }

# --- Setting up

.PHONY: setup-rust setup-nightly setup-fuzz
setup-rust:
	@$(need_cargo)
	@$(call need,cc,install a C compiler such as gcc or clang)
	@$(call need,git,install git from your distribution)
	@libraries=$$(for t in $(TARGETS); do rustc --print target-libdir --target $$t; done); \
	for folder in $$libraries; do \
		[ -d "$$folder" ] || { $(need_rustup); rustup target add $(TARGETS); break; }; \
	done
	@for part in fmt clippy; do \
		$(CARGO) $$part --version >/dev/null 2>&1 \
			|| { $(need_rustup); rustup component add rustfmt clippy; break; }; \
	done
	@command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny

setup-nightly:
	@$(need_rustup)
	@rustup run $(NIGHTLY) rustc --version >/dev/null 2>&1 \
		|| rustup toolchain install $(NIGHTLY) --profile minimal
	@rustup run $(NIGHTLY) cargo miri --version >/dev/null 2>&1 \
		|| rustup component add miri rust-src --toolchain $(NIGHTLY)

setup-fuzz: setup-nightly
	@command -v cargo-fuzz >/dev/null || $(CARGO) install --locked cargo-fuzz

# --- Testing

.PHONY: test-format test-lints test-docs test-debug test-release test-breaks test-loom test-packages
test-format:
	$(CARGO) fmt --all --check
	cd fuzz && $(CARGO) fmt --check
	cd tests/freestanding && $(CARGO) fmt --check

test-lints:
	$(CARGO) clippy --workspace --all-targets -- -D warnings

test-docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

# Documentation examples run with the other tests, in both profiles; each benchmark runs once.
test-debug:
	$(CARGO) test --workspace --no-fail-fast

test-release:
	$(CARGO) test --workspace --profile release-test --no-fail-fast
	$(CARGO) test --quiet -p hauptbuch-benches --benches --profile release-test

# Leaves one rule of consensus out at a time, and looks whether a world finds the harm.
test-breaks:
	$(CARGO) test -p hauptbuch-sim --features weakened --profile release-test --test world_breaks

test-loom: $(LOOM_TESTS:%=loom-%)

# A target folder of its own, because the flag would rebuild everything else there and back.
loom-%:
	RUSTFLAGS="--cfg loom" $(CARGO) test -p hauptbuch-core --release --test $* --target-dir target/loom

test-packages:
	$(CARGO) deny --log-level error check bans licenses sources

# --- What takes longer

.PHONY: advisories restarts worlds twins fair-worlds differential model miri fuzz
# Known vulnerabilities come from a database on the network; being offline is no failure of ours.
advisories:
	@if $(CARGO) deny --log-level error fetch db >/dev/null 2>&1; then \
		$(CARGO) deny --log-level error check advisories; \
	else \
		echo "advisories: the database cannot be reached, so nothing was checked"; \
	fi

# Every run is another interleaving of the threads; leaks are what a test leaves at its end.
miri: setup-nightly
	MIRIFLAGS="-Zmiri-many-seeds=0..$(MIRI_SEEDS) -Zmiri-ignore-leaks" \
		$(CARGO) +$(NIGHTLY) miri test -p hauptbuch-core --lib -- ingress::
	PROPTEST_CASES=$(MIRI_CASES) MIRIFLAGS="-Zmiri-disable-isolation" \
		$(CARGO) +$(NIGHTLY) miri test -p hauptbuch-core --lib -- bounded::

# Restarts at every step of many more histories than a usual run has time for.
restarts:
	HAUPTBUCH_RESTART_SEEDS=$(RESTART_SEEDS) HAUPTBUCH_FORGED_STATES=3 \
		$(CARGO) test -p hauptbuch-core --profile release-test --lib -- snapshot::

# Worlds of four and of seven, under everything that can go wrong.
worlds:
	$(CARGO) run --release -- simulate --sequencers 4 --heights 3 --seed 1 \
		--runs $$(( $(WORLD_RUNS) * 3 / 4 ))
	$(CARGO) run --release -- simulate --sequencers 7 --heights 3 --seed 1 \
		--runs $$(( $(WORLD_RUNS) / 4 ))

# Every way in which two instances with one key can be heard.
twins:
	HAUPTBUCH_TWINS=all $(CARGO) test -p hauptbuch-sim --profile release-test --lib -- \
		--nocapture world::tests::twins

# Consensus beside another implementation of it, over many more schedules.
differential:
	HAUPTBUCH_DIFFERENTIAL_SCHEDULES=$(DIFFERENTIAL_SCHEDULES) \
		$(CARGO) test -p hauptbuch-tests --profile release-test --test differential -- --nocapture

# Consensus under a model checker, which says how far it came.
model:
	HAUPTBUCH_MODEL_STATES=$(MODEL_STATES) $(CARGO) test -p hauptbuch-tests \
		--profile release-test --test model -- --nocapture --test-threads=1

# Order fairness over many slots under every attack, in worlds that a usual run has no time for.
fair-worlds:
	FAIR_SEEDS=$(FAIR_WORLD_SEEDS) $(CARGO) test -p hauptbuch-sim --profile release-test --test fair_world

fuzz: setup-fuzz $(FUZZ_TARGETS:%=fuzz-%)

fuzz-seeds:
	@$(CARGO) run --quiet -p hauptbuch-tests --bin write-seeds -- fuzz/corpus

# Lengths are not held down at first: where bytes are steps, short ones lead nowhere.
fuzz-%: fuzz-seeds
	@mkdir -p fuzz/corpus/$*
	$(CARGO) +$(NIGHTLY) fuzz run $* -- -max_total_time=$(FUZZ_SECONDS) -len_control=0

# --- The rest

.PHONY: fmt-rust install-cli fuzz-seeds
fmt-rust:
	$(CARGO) fmt --all
	cd fuzz && $(CARGO) fmt
	cd tests/freestanding && $(CARGO) fmt

install-cli:
	@$(need_cargo)
	$(CARGO) install --locked --path cli $(if $(PREFIX),--root "$(PREFIX)")
