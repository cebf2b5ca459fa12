# The commands of the contract: demo, tour, test, check, bench. `make demo` and `make tour` need Python >= 3.11, make and pip.
# Progress of installing goes to stderr: what `make tour` and `make bench` print on stdout is theirs alone.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.made
PIP := $(BIN)/python -m pip --disable-pip-version-check
PROJECT := pyproject.toml setup.py requirements/build.txt
WORKERS ?= 2
# The rooms whose tests also run against the compiled flavour of the hot path.
COMPILED := build/compiled
COMPILED_TESTS := $(wildcard tests/conversations tests/properties tests/session tests/protocols tests/flavour tests/audit tests/store)

.PHONY: help demo tour test check bench lock format clean

help: ## what there is to say
	@awk -F': .*## ' '/^[a-z]+:.*## /{printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMPS)/demo ## a PostgreSQL with a shop's data and the gate in front of it, until Ctrl-C
	@exec $(BIN)/ostiary demo

tour: $(STAMPS)/demo ## the same unattended: one JSON object a line, exit 0 only if every step held
	@exec $(BIN)/ostiary demo --tour

test: $(STAMPS)/dev $(STAMPS)/debian $(COMPILED)/.made ## the whole suite; the hot path in both flavours
	@echo '== the hot path, compiled' >&2
	@OSTIARY_FLAVOUR=compiled PYTHONPATH=$(COMPILED) $(BIN)/python -m pytest -q -n $(WORKERS) -m 'not live' $(COMPILED_TESTS)
	@echo '== everything, in plain Python' >&2
	@OSTIARY_FLAVOUR=pure $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal --durations 10

check: $(STAMPS)/dev ## format, lint, types, import contracts, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/architecture tests/docs

bench: $(STAMPS)/dev $(STAMPS)/debian $(COMPILED)/.made ## the figures, as JSON lines and a table
	@PYTHONPATH=$(COMPILED) $(BIN)/python -m bench

format: $(STAMPS)/dev ## let ruff rewrite what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMPS)/dev ## make requirements/*.txt anew from pyproject.toml and requirements/*.in
	@uv='$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q'; \
	$$uv pyproject.toml -o requirements/run.txt; \
	$$uv requirements/build.in -o requirements/build.txt; \
	$$uv pyproject.toml requirements/demo.in -o requirements/demo.txt; \
	$$uv pyproject.toml requirements/dev.in -o requirements/dev.txt

clean: ## throw away what was built and installed here
	rm -rf $(VENV) build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

# The first interpreter that is new enough and can make environments.
$(BIN)/python:
	@for candidate in python3 python3.15 python3.14 python3.13 python3.12 python3.11 python; do \
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "making $(VENV) with $$candidate" >&2; exec "$$candidate" -m venv $(VENV) >&2; \
	  fi; \
	done; \
	echo 'No Python >= 3.11 with venv and ensurepip was found (on Debian: apt-get install python3-venv).' >&2; exit 1

$(STAMPS)/demo: requirements/demo.txt $(PROJECT) | $(BIN)/python
	@echo 'installing what the demo needs into $(VENV)' >&2
	@$(PIP) install -qq --require-hashes -r requirements/demo.txt >&2
	@OSTIARY_PURE=1 $(PIP) install -qq --no-build-isolation --no-deps -e . >&2
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: requirements/dev.txt $(PROJECT) | $(BIN)/python
	@echo 'installing what the suite needs into $(VENV)' >&2
	@$(PIP) install -qq --require-hashes -r requirements/dev.txt >&2
	@OSTIARY_PURE=1 $(PIP) install -qq --no-build-isolation --no-deps -e . >&2
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/demo

# Servers and tools that live tests and benchmarks use. Without root, those tests are skipped, and CI refuses skips.
$(STAMPS)/debian: packages.debian | $(STAMPS)/dev
	@bash .ci/debian-packages packages.debian >&2
	@touch $@

# The package with its hot path compiled, beside the sources, so that both flavours can be tested in turn.
$(COMPILED)/.made: $(STAMPS)/dev $(PROJECT) $(shell find src/ostiary -name '*.py' 2>/dev/null)
	@echo 'compiling the hot path into $(COMPILED)' >&2
	@rm -rf $(COMPILED) && mkdir -p $(COMPILED)
	@$(BIN)/python setup.py -q build --build-base build/base --build-lib $(COMPILED) >&2
	@touch $@
