# Knobs: DATA (the data folder, default ./.stratum), PORT (default 8080), PYTHON (the interpreter to build on),
# BENCH (names of benchmarks, default all).
PORT ?= 8080
export DATA PORT PYTHON

# A shell in which the environment's programs come first and the importable sources are the current folder.
SHELL := /bin/sh
ENTER = set -e; . scripts/place.sh; PATH=$$PLACE_VENV/bin:$$PATH; export PATH; data=$$(place_data); cd "$$PLACE_SOURCE";

# How many processes: tests/conftest.py. The tests of a file share their instance, so they stay together, and files
# keep the order given there: by default the files of few tests come last, and those take minutes each.
PARALLEL = -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Those of the soak are shared out one by one, whatever their file: each process has an instance for them.
SCATTERED = -n auto --maxprocesses 4 --dist load --maxschedchunk 1
# What the soak has done. With the SOAK_SEED of its lines it goes on where it was broken off.
SOAK_LOG ?= $(CURDIR)/soak.log
export SOAK_LOG

.PHONY: help install dev-install up down demo lint check format test integration unrest soak coverage bench lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

install: ## Make .venv with .venv/bin/stratum
	@sh scripts/install.sh

dev-install: ## The same, with what checks and tests need
	@sh scripts/install.sh --dev

up: install ## Start the server in the background
	@$(ENTER) stratum up --data "$$data" --listen 127.0.0.1:$(PORT) --detach

down: install ## Stop the server and all it runs
	@$(ENTER) stratum down --data "$$data"

demo: install ## Start the server and push a sample app to it
	@sh scripts/demo.sh

# Beside mypy, which leaves a core free, the test modules are compiled for all processes of `make test`.
lint: dev-install ## Format, lint, types, import contracts
	@$(ENTER) pytest -qq --collect-only >/dev/null 2>&1 & \
	ruff format --check .; ruff check .; mypy; lint-imports; wait

check: lint ## All of lint, and the unit tests: the fast half of CI
	@$(ENTER) pytest -q -m "not integration and not soak"

format: dev-install ## Format, and mend what the linter can
	@. scripts/place.sh; "$$PLACE_VENV/bin/ruff" check --fix-only .; "$$PLACE_VENV/bin/ruff" format .

test: dev-install ## The whole suite on the real parts, without the soak
	@$(ENTER) pytest $(PARALLEL) -m "not soak"

integration: dev-install ## Only the tests that start real parts
	@$(ENTER) pytest $(PARALLEL) -m "integration and not soak"

unrest: dev-install ## Thirty apps deployed, scaled, paused, crashed and killed at random for ten minutes
	@$(ENTER) pytest tests/integration/test_runner_soak.py -m soak

soak: unrest ## The same, then many rounds of crashes at every fault point
	@$(ENTER) pytest $(SCATTERED) -m soak --timeout 3600 --ignore tests/integration/test_runner_soak.py

coverage: dev-install ## Branch coverage of the unit tests
	@$(ENTER) coverage run -m pytest -q -m "not integration and not soak"; coverage report

bench: dev-install ## Ratios against peers, on this machine; BENCH=git_transport for one
	@$(ENTER) sh benchmarks/run.sh $(BENCH)

COMPILE = .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml
lock: install ## Renew both locks to the newest versions that pyproject.toml allows
	@$(COMPILE) --group build -o requirements.lock
	@$(COMPILE) --group dev -c requirements.lock -o requirements-dev.lock

clean: ## Remove the environment and caches; the data stays
	@. scripts/place.sh; rm -rf "$$PLACE_VENV" .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage; \
	if [ "$$PLACE_HOME" != "$$PLACE_CHECKOUT" ]; then rm -rf "$$PLACE_SOURCE" "$$PLACE_HOME/copied"; fi
