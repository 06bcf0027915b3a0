# tpayd: everything a newcomer needs. `make help` lists the targets.
#
# Two virtual environments live under build/, made from one set of downloads:
#   build/dev    the tree itself (editable), with the tools that check it
#   build/store  the built wheel, installed as a store installs it; the demo signs it and runs from it

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

DEV := build/dev/bin
STORE := build/store/bin
DEMO_HOME := $(CURDIR)/var/demo

# For `make torture`.
KILLS := 1000

# For `make test`: files at a time. Stores wait as much as they work, so four keep two cores busy.
TEST_WORKERS := 4
# And of those that have the machine for themselves: they wait for processes to come back, and one leaves half of it idle.
ALONE_WORKERS := 2

# Hundreds of test files are compiled once, not by each of those processes again.
unexport PYTHONDONTWRITEBYTECODE

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The wheel's own build environment is pinned too; pip has two names for that.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_BUILD_CONSTRAINT := $(CURDIR)/constraints.txt

SOURCES := $(shell find services contracts config ops/supervisor ops/systemd ops/prometheus ops/grafana -type f -not -path '*/__pycache__/*' 2>/dev/null)

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/' | expand -t 10

.PHONY: demo
demo: build/.store-stamp ## install the wheel, start a sandbox store, make a sale; leaves the store running
	@PATH="$(CURDIR)/$(STORE):$$PATH" TPAYD_HOME="$(DEMO_HOME)" ops/demo.sh

.PHONY: stop
stop: ## stop the demo's store; nothing of it stays behind
	@if [ -x $(STORE)/tpayd ] && [ -d "$(DEMO_HOME)" ]; then TPAYD_HOME="$(DEMO_HOME)" $(STORE)/tpayd down; \
	else echo "no demo has been started here"; fi

.PHONY: test
test: packages build/dev/.stamp ## run the checks, then every test (under 20 minutes on 2 cores)
	@$(MAKE) --no-print-directory -j 2 -O $(CHECKS) check-collects
	@echo "--- tests, $(TEST_WORKERS) files at a time"
	$(DEV)/python -m pytest tests --ignore tests/bench -m "not alone" -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder --durations 30
	@echo "--- tests that need the machine alone, $(ALONE_WORKERS) files at a time: crash points, torture, a day, an update"
	$(DEV)/python -m pytest tests --ignore tests/bench -m alone -n $(ALONE_WORKERS) --dist loadfile --no-loadscope-reorder --durations 12

.PHONY: packages
packages:
	@tests/packages.sh || echo "without them, their tests are left out"

CHECKS := check-types check-style check-imports check-contracts

.PHONY: check
check: build/dev/.stamp ## ruff, mypy, import-linter, and what is generated from the contracts
	@$(MAKE) --no-print-directory -j 2 -O $(CHECKS)

.PHONY: $(CHECKS) check-collects
check-types:
	$(DEV)/mypy
check-style:
	$(DEV)/ruff check .
	$(DEV)/ruff format --check .
check-imports:
	$(DEV)/lint-imports --no-logo
check-contracts:
	$(DEV)/python -m tpayd_contracts.schema --check
	$(DEV)/python -m tpayd_contracts.compatibility
	$(DEV)/python -m tpayd_contracts.client_types --check
# Finds a test file that cannot be imported, and leaves all of them compiled for the processes that come next.
check-collects:
	$(DEV)/python -m pytest tests --ignore tests/bench --collect-only -qq >build/collected.log \
		|| { tail -n 40 build/collected.log; exit 1; }

.PHONY: simulate
simulate: build/dev/.stamp ## run SEEDS=2000 simulated stores and find every planted bug; SEED=123 tells one story
	$(DEV)/python -W ignore -m tests.simulation $(if $(SEED),--seed $(SEED) $(if $(BUG),--bug $(BUG)),--seeds $(or $(SEEDS),2000))

.PHONY: upgrade-test
upgrade-test: build/.store-stamp build/dev/.stamp ## go over from the built wheel to the next one while eight lanes sell: nothing lost, the pause measured
	$(DEV)/python -W ignore -m tests.upgrade --installation build/store --wheel build/wheel/tpayd-*.whl --dependencies build/wheels

.PHONY: fuzz
fuzz: build/dev/.stamp ## try INPUTS=1000000 broken inputs on each reader driver: no crash, no hang, bounded memory
	$(DEV)/python -m tests.fuzz --inputs $(or $(INPUTS),1000000)

.PHONY: log-fuzz
log-fuzz: build/dev/.stamp ## fuzzed payments until a store has MEGABYTES=100 of logs: no card number may be in them (about 15 minutes)
	$(DEV)/python -m tests.log_fuzz --megabytes $(or $(MEGABYTES),100)

.PHONY: bench
bench: build/dev/.stamp ## measure the whole chain beside its floor; the last line is the result
	$(DEV)/python -m tests.bench

.PHONY: bench-check
bench-check: build/dev/.stamp ## compare three short rounds with what was recorded: is the chain slower? (half a minute)
	$(DEV)/python -m tests.bench.check

.PHONY: bench-all
bench-all: build/dev/.plots-stamp ## measure by load, lanes, journal and host delay, and draw it (13 minutes; goes on where it stopped)
	$(DEV)/python -m tests.bench.matrix
	$(DEV)/python -m tests.bench.plots

.PHONY: bench-pool
bench-pool: build/dev/.stamp ## measure one device broker with 64 readers and 200 lanes
	$(DEV)/python -m tests.bench.pool

.PHONY: bench-overload
bench-overload: build/dev/.stamp ## ask three times as much of a store as it can do: busy at once, nothing lost (about a minute)
	$(DEV)/python -m tests.bench.overload

.PHONY: bench-crowd
bench-crowd: build/dev/.stamp ## measure a store of 200 lanes, 64 readers and 10,000 clients: start, memory, HELLO, changes
	$(DEV)/python -m tests.bench.crowd

.PHONY: bench-journal
bench-journal: build/dev/.stamp ## fill a journal of ROWS=1000000 events, ask, close, purge, verify; DATABASE=postgresql for the other one, PLACE=dir to go on there later
	$(DEV)/python -m tests.bench.journal --rows $(or $(ROWS),1000000) --database $(or $(DATABASE),sqlite) $(if $(PLACE),--place $(PLACE))

.PHONY: bench-memory
bench-memory: build/dev/.stamp ## sell for MINUTES=60 at PER_S=60: whether the memory of each process is flat
	$(DEV)/python -m tests.bench.memory --minutes $(or $(MINUTES),60) --per-s $(or $(PER_S),60)

.PHONY: bench-start
bench-start: build/dev/.stamp ## measure an installed, signed store from `tpayd up` to ready to sell
	$(DEV)/python -m tests.bench.start --rounds $(or $(ROUNDS),5)

.PHONY: crashpoints
crashpoints: build/dev/.stamp ## kill at every boundary of a payment, under every behaviour of the host (about 15 minutes)
	$(DEV)/python -m tests.crashpoints

.PHONY: torture
torture: build/dev/.stamp ## kill KILLS=1000 processes while 8 lanes sell, and compare the books; goes on where it stopped
	$(DEV)/python -m tests.torture --kills $(KILLS)

.PHONY: shop-day
shop-day: build/dev/.stamp ## live a day of PAYMENTS=500 in a store of 8 lanes and 3 readers, by the command line alone
	$(DEV)/python -m tests.acceptance --payments $(or $(PAYMENTS),500)

.PHONY: dev
dev: build/dev/.stamp ## make build/dev, the environment to work in

.PHONY: pin
pin: ## write constraints.txt anew from the newest versions that pyproject.toml allows
	@rm -rf build/pin; ops/environment.sh build/pin build/.pin-python
	PIP_CONSTRAINT= build/pin/bin/pip install --quiet --upgrade '.[store,dev,plots]'
	{ grep '^#' constraints.txt; build/pin/bin/pip freeze --exclude tpayd | sort -f; } > build/pin/constraints.txt
	mv build/pin/constraints.txt constraints.txt
	rm -rf build/pin build/.pin-python

.PHONY: clean
clean: stop ## stop the demo and remove everything that was built
	rm -rf build dist var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# The distribution's Python, or PYTHON=...; with another one than before, an environment is made anew.
build/.dev-python build/.store-python: always
	@ops/environment.sh $(@:build/.%-python=build/%) $@

.PHONY: always
always:

build/dev/.stamp: pyproject.toml constraints.txt build/.dev-python
	$(DEV)/pip install --quiet --editable '.[store,dev]'
	@touch $@

build/dev/.plots-stamp: build/dev/.stamp
	$(DEV)/pip install --quiet --editable '.[plots]'
	@touch $@

build/wheel/.stamp: pyproject.toml README.md LICENSE constraints.txt $(SOURCES) build/.store-python
	@rm -rf build/wheel; mkdir -p build/wheel
	$(STORE)/pip wheel --quiet --no-deps --wheel-dir build/wheel .
	@touch $@

# What tpayd needs, as wheels: the demo's release is made of them, and needs no network then.
build/wheels/.stamp: pyproject.toml constraints.txt build/.store-python
	@rm -rf build/wheels; mkdir -p build/wheels
	$(STORE)/pip wheel --quiet --wheel-dir build/wheels '.[store]'
	@rm build/wheels/tpayd-*.whl
	@touch $@

build/.store-stamp: build/wheel/.stamp build/wheels/.stamp
	$(STORE)/pip install --quiet --no-index --find-links build/wheels "$$(echo build/wheel/tpayd-*.whl)[store]"
	$(STORE)/pip install --quiet --no-deps --force-reinstall build/wheel/tpayd-*.whl
	@touch $@
