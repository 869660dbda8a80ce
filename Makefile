# What people run. `make` lists the targets; every target that needs a tool installs it into this folder first.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

CARGO_DENY_VERSION := 0.20.2
CARGO_NEXTEST_VERSION := 0.9.143

# What `make run` and `make run-function` work on.
COUNT ?= 50000
SEED ?= 1
FUNCTION ?= firehose-transform
EVENT ?= events/firehose-direct-put.json
# How many cases `make soak` tries of each property.
CASES ?= 1000000
# What `make check-template` and `make lint-template` read.
TEMPLATE ?= template.yaml

# Days of transactions with labelled frauds, and a policy that sees customers' histories and merchants' known frauds.
LABELLED_POLICY := policies/examples/card-simulated.toml
LABELLED := --days 40 --customers 100 --merchants 60 --seed $(SEED) --policy $(LABELLED_POLICY) --without-analytics

# Tools in this folder come before the machine's.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.tools/bin:$(PATH)

##@ Main

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: ## Stream 50,000 transactions through the whole pipeline, then 40 labelled days, and report (COUNT=<n> SEED=<s>)
	cargo build --workspace --bin fraud-local
	@target/debug/fraud-local --count $(COUNT) --seed $(SEED)
	@echo; echo "40 days under $(LABELLED_POLICY), in which labels of frauds come after 7 days:"
	@target/debug/fraud-local $(LABELLED) --label-delay 7d --out out-labelled

.PHONY: test
test: nextest bootstraps test-template ## Run all tests
	cargo nextest run --workspace
	cargo test --workspace --doc --quiet

.PHONY: check
check: fmt clippy deny docs package-crates lint-template check-template ## Check format, lints, dependencies, documentation, packages and the template

##@ Parts of `make check`

.PHONY: fmt
fmt: ## Check the format
	cargo fmt --all --check

.PHONY: clippy
clippy: ## Lint all code, warnings are errors
	cargo clippy --workspace --all-targets -- -D warnings

.PHONY: deny
deny: cargo-deny ## Check bans, licences and sources of dependencies
	cargo deny --log-level error check bans licenses sources

.PHONY: docs
docs: ## Build the documentation, warnings are errors
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

# The crates that strangers can use, and what they depend on here: each is built from its package alone. Nothing is published.
PACKAGES := exact-text kinesis-batch kpl-aggregation lambda-events stream-position
.PHONY: package-crates
package-crates: ## Pack the crates that can be used without this workspace, and build each from its package
	cargo package --quiet --locked --allow-dirty $(foreach package,$(PACKAGES),--package $(package))

# The rules of tests/template over what SAM makes of the template; makes no call to AWS.
CONTRACT := PYTHONPATH=tests/template PYTHONDONTWRITEBYTECODE=1 .venv/bin/python -m template_contract

# What the code says of itself: the contract compares the template with it.
.PHONY: description
description: ## Write what the code says of itself to target/description.json
	@mkdir -p target
	@cargo run --quiet --bin describe > target/description.json

.PHONY: check-template
check-template: .venv/installed description ## Check the template against the services' constraints and the code (TEMPLATE=<file>)
	@$(CONTRACT) $(TEMPLATE)

.PHONY: lint-template
lint-template: .venv/installed ## Lint the template as it is and as SAM expands it (TEMPLATE=<file>)
	@mkdir -p target
	SAM_CLI_TELEMETRY=0 sam validate --lint --region us-east-1 --template $(TEMPLATE)
	cfn-lint --non-zero-exit-code informational $(TEMPLATE)
	@$(CONTRACT) --expanded target/expanded-template.json $(TEMPLATE)
	cfn-lint --non-zero-exit-code informational target/expanded-template.json

##@ More

.PHONY: build
build: .venv/cargo-lambda ## Build all functions for Lambda, in one run
	cargo lambda build --release $(foreach function,$(notdir $(wildcard functions/*)),--bin $(function))

.PHONY: label-delays
label-delays: ## Show what labels are worth if they come after 1, 3 and 7 days, and if they never come (SEED=<s>)
	cargo build --workspace --bin fraud-local
	@for delay in 1d 3d 7d never; do echo "labels after $$delay"; \
		[ $$delay = never ] && come= || come="--label-delay $$delay"; \
		target/debug/fraud-local $(LABELLED) $$come --out target/label-delays \
			| grep -E 'card-simulated@.*precision|alanced|BALANCED'; done

.PHONY: query-lake
query-lake: .venv/installed ## Run every query of docs/queries.md in DuckDB over what `make run` left in out/
	@PYTHONDONTWRITEBYTECODE=1 .venv/bin/python tests/queries/run.py docs/queries.md .

.PHONY: package
package: build .venv/installed ## Pack the functions as `sam deploy` sends them (TEMPLATE=<file>)
	SAM_CLI_TELEMETRY=0 sam build --template $(TEMPLATE)

.PHONY: test-template
test-template: .venv/installed description ## Show that `make check-template` notices mistakes
	@$(CONTRACT).mistakes $(TEMPLATE)

.PHONY: test-kills
test-kills: build nextest ## Kill the release build of kinesis-alerts between its calls
	BOOTSTRAP=$(CURDIR)/target/lambda/kinesis-alerts/bootstrap cargo nextest run --workspace --test kills

.PHONY: known-function
known-function:
	@test -d "functions/$(FUNCTION)" || { echo "FUNCTION=$(FUNCTION) is not a function: give one of $(notdir $(wildcard functions/*))" >&2; exit 2; }
	@test -f "$(EVENT)" || { echo "EVENT=$(EVENT) is not a file: give one of $(wildcard events/firehose-*.json events/kinesis-*.json), or your own" >&2; exit 2; }

.PHONY: run-function
run-function: known-function bootstraps ## Run one real function on a recorded event and show the result (FUNCTION=<name> EVENT=<file>)
	@cargo run --quiet --bin run-function -- $(FUNCTION) $(EVENT)

##@ Speed

# What `make bench` measures beside the functions; the references are in `bench/`.
BENCH := target/release/benchmarks

.PHONY: bench
bench: build bench-tool .tools/bench-python/installed ## Measure the functions beside the references in Python and plain Rust
	cargo lambda build --release --package plain-transform --package transport
	@$(BENCH) run

.PHONY: bench-check
bench-check: build bench-tool ## Compare instructions per record with the committed counts (needs valgrind)
	@$(BENCH) check

.PHONY: bench-baseline
bench-baseline: build bench-tool ## Commit today's instructions per record (needs valgrind)
	@$(BENCH) check --renew

.PHONY: bench-stages
bench-stages: ## Measure decoding, reading, scoring and encoding by themselves
	cargo bench --package benchmarks --bench stages

.PHONY: bench-pipeline
bench-pipeline: ## Measure the local pipeline, with and without the analytics function (COUNT=<n> SEED=<s>)
	cargo build --release --workspace --bin fraud-local
	@for round in 1 2 3; do for without in "" --without-analytics; do \
		echo "$${without:-with analytics}"; \
		target/release/fraud-local --count $(COUNT) --seed $(SEED) --out target/bench-pipeline $$without \
			| grep -E 'throughput|latency|alanced|BALANCED'; done; done

# Days of transactions of 5,000 customers and 5,000 merchants: two million.
BACKTEST_DAYS ?= 198
BACKTEST_ROUNDS ?= 5
.PHONY: bench-backtest
bench-backtest: .tools/bench-backtest/installed ## Measure back-tests on one and two cores, beside pandas, and their memory (BACKTEST_DAYS=<n> BACKTEST_ROUNDS=<n>)
	cargo build --release --workspace --bin fraudctl
	@.tools/bench-backtest/bin/python bench/python/backtest.py target/release/fraudctl target/bench-backtest \
		--days $(BACKTEST_DAYS) --rounds $(BACKTEST_ROUNDS)

.tools/bench-backtest/installed: bench/python/backtest-requirements.txt
	python3 -m venv .tools/bench-backtest
	.tools/bench-backtest/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# The tutorial's peak: 50,000 transactions a minute, evenly, and nothing else on the machine.
RATE ?= 833
PACED_SECONDS ?= 60
.PHONY: bench-paced
bench-paced: ## Measure how soon alerts are out at a steady pace (RATE=<per second> PACED_SECONDS=<s> SEED=<s>)
	cargo build --release --workspace --bin fraud-local
	@target/release/fraud-local --count $$(($(RATE) * $(PACED_SECONDS))) --seed $(SEED) --rate $(RATE) --out target/bench-paced \
		| grep -E 'produced|high scores|throughput|latency|alanced|BALANCED'

.PHONY: profile
profile: bench-tool ## Show where the transform's instructions go (needs valgrind)
	cargo build --profile profiling --package firehose-transform --package kinesis-alerts
	@for function in firehose-transform kinesis-alerts; do \
		install -D target/profiling/$$function target/lambda-profiling/$$function/bootstrap; done
	@$(BENCH) --bootstraps target/lambda-profiling profile

# The packages whose readers and writers are compared with a slower way.
SOAKED := package(exact-text) | package(fraud-core) | package(lambda-events) | package(kinesis-batch) \
	| package(fraud-batch) | package(kpl-aggregation) | package(firehose-transform) \
	| binary(fuzz_event_readers)
# How many seconds `make soak` mutates the events of each reader.
FUZZ ?= 60

# How many deliveries of alerts `make soak` simulates, and the seed of the first world.
DELIVERIES ?= 1000000
DELIVERIES_FROM ?= 0

# How many customers' histories `make soak` simulates, and the seed of the first world.
HISTORIES ?= 1000000
HISTORIES_FROM ?= 0

.PHONY: soak
soak: nextest soak-deliveries soak-histories ## Compare every fast path with the slow one a million times, mutate events, and simulate deliveries and histories (CASES=<n> FUZZ=<seconds>)
	PROPTEST_CASES=$(CASES) FUZZ_SECONDS=$(FUZZ) cargo nextest run --workspace --profile soak -E '$(SOAKED)'

# How many customers `make backtest-live` runs through the pipeline: 5,000 make half a million transactions.
CUSTOMERS ?= 5000

.PHONY: backtest-live
backtest-live: nextest ## Hold a back-test against seven weeks through the functions, with faults, labels and redelivery (CUSTOMERS=<n>)
	CUSTOMERS=$(CUSTOMERS) cargo nextest run --workspace --profile soak --no-capture --test backtested

.PHONY: soak-deliveries
soak-deliveries: nextest ## Deliver alerts a million times under every fault, by seeds (DELIVERIES=<n> DELIVERIES_FROM=<seed>)
	DELIVERIES=$(DELIVERIES) DELIVERIES_FROM=$(DELIVERIES_FROM) cargo nextest run --workspace --profile soak --no-capture \
		-E 'package(kinesis-alerts) & test(deliveries)'

.PHONY: soak-histories
soak-histories: nextest ## Simulate a million customers' histories under every fault, by seeds (HISTORIES=<n> HISTORIES_FROM=<seed>)
	HISTORIES=$(HISTORIES) HISTORIES_FROM=$(HISTORIES_FROM) cargo nextest run --workspace --lib --profile soak --no-capture \
		-E 'package(kinesis-alerts) & test(any_number_of_histories)'

.PHONY: bench-tool
bench-tool: .venv/installed
	cargo build --release --package benchmarks

.tools/bench-python/installed: bench/python/requirements.txt
	python3 -m venv .tools/bench-python
	.tools/bench-python/bin/pip install --quiet --disable-pip-version-check --requirement bench/python/requirements.txt
	touch $@

##@ Rarely

.PHONY: expected
expected: bootstraps ## Write the expected output of every recorded event
	@for event in events/firehose-*.json; do cargo run --quiet --bin run-function -- firehose-transform $$event --save; done
	@for event in events/kinesis-*.json; do cargo run --quiet --bin run-function -- kinesis-alerts $$event --save; done

.PHONY: advisories
advisories: cargo-deny ## Check dependencies for known vulnerabilities (needs the network)
	cargo deny check advisories

.PHONY: tools
tools: .venv/installed cargo-deny nextest ## Install the tools that the other targets use

.PHONY: test-deploy
test-deploy: package .tools/ministack/installed ## Deploy the template to an AWS on this machine and send transactions through it
	cargo build --workspace --bin fraudctl
	@PYTHONPATH=tests/template:tests/deploy PYTHONDONTWRITEBYTECODE=1 .venv/bin/python -m deployment_smoke \
		--ministack .tools/ministack/bin/ministack $(TEMPLATE)

.tools/ministack/installed: tests/deploy/requirements.txt
	python3 -m venv .tools/ministack
	.tools/ministack/bin/pip install --quiet --disable-pip-version-check --requirement tests/deploy/requirements.txt
	touch $@

# Debian's browser. Its package needs root, or sudo that asks for no password.
ROOT := $(if $(filter 0,$(shell id -u)),,sudo --non-interactive)
.PHONY: browser
browser: ## Install the browser that `make test-pages` looks at pages with (Debian: chromium, chromium-driver)
	@command -v chromium > /dev/null && command -v chromedriver > /dev/null || { \
		$(ROOT) apt-get update --quiet && $(ROOT) apt-get install --yes --quiet --no-install-recommends chromium chromium-driver; }

.PHONY: test-pages
test-pages: browser .tools/pages/installed ## Open every page that the tools write in a browser, narrow and wide, light and dark
	cargo build --workspace --bin fraudctl --bin fraud-local
	@tests/pages/write.sh $(CURDIR)/target/debug target/pages
	@.tools/pages/bin/python tests/pages/look.py target/pages target/pages/pictures \
		"$$(command -v chromium)" "$$(command -v chromedriver)"

.tools/pages/installed: tests/pages/requirements.txt
	python3 -m venv .tools/pages
	.tools/pages/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# The functions as cargo-lambda's emulator runs them: built here, so that the build shows its progress.
.PHONY: bootstraps
bootstraps: .venv/cargo-lambda
	cargo build --workspace --bins

.venv/installed: requirements.txt .venv/cargo-lambda
	.venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
	touch $@

.PHONY: cargo-lambda
cargo-lambda: .venv/cargo-lambda ## Install cargo-lambda, and no other tool

.venv/cargo-lambda: requirements-cargo-lambda.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

.PHONY: cargo-deny
cargo-deny:
	@cargo deny --version >/dev/null 2>&1 || \
		cargo install --locked --root .tools cargo-deny@$(CARGO_DENY_VERSION)

.PHONY: nextest
nextest:
	@cargo nextest --version >/dev/null 2>&1 || \
		cargo install --locked --root .tools cargo-nextest@$(CARGO_NEXTEST_VERSION)
