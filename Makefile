# The verbs of this house; CI calls the same. They need only Python 3.11 or later, make, and a package index.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ORACLE := .venv-prefect
# How many tests run at one time.
WORKERS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup start test acceptance record-oracle differential differential-queries trial kills versions check static fmt bench bench-queries

help: ## Show the verbs
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 24

setup: $(VENV)/.stamp ## Create .venv with everything pinned in constraints.txt

start: $(VENV)/.stamp ## Start Antiphon on this machine; ARGS="--port 4300" passes options
	@exec $(BIN)/antiphon start $(ARGS)

test: ## Everything that CI runs: static checks and all tests
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target static $(ORACLE)/.stamp
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile $(ARGS)

acceptance: $(VENV)/.stamp $(ORACLE)/.stamp ## The same against a running genuine server instead of its recorded answers
	ANTIPHON_GENUINE=live $(BIN)/pytest tests/acceptance $(ARGS)

record-oracle: $(VENV)/.stamp $(ORACLE)/.stamp ## Record the genuine server's answers anew, in tests/acceptance/recorded
	ANTIPHON_GENUINE=record $(BIN)/pytest tests/acceptance $(ARGS)

differential: $(VENV)/.stamp $(ORACLE)/.stamp ## Many random requests to both servers; STEPS=10000 says how many at least
	ANTIPHON_GENUINE=live ANTIPHON_DIFFERENTIAL_STEPS=$(or $(STEPS),10000) \
		$(BIN)/pytest -s --timeout 0 tests/acceptance/test_differential.py $(ARGS)

differential-queries: $(VENV)/.stamp $(ORACLE)/.stamp ## Thousands of generated queries on 2,000 runs, to both servers
	ANTIPHON_GENUINE=live ANTIPHON_QUERIES=3000 ANTIPHON_QUERIES_SHARE=1 \
		$(BIN)/pytest --timeout 0 tests/acceptance/test_query_difference.py $(ARGS)

trial: $(VENV)/.stamp ## Kills, restarts and a rebuild under load, then a lost log and a damaged archive; TRANSITIONS=50000
	ANTIPHON_TRIAL_TRANSITIONS=$(or $(TRANSITIONS),50000) $(BIN)/pytest -s --timeout 0 tests/trial $(ARGS)

kills: $(VENV)/.stamp ## Many clients fight for few slots while the policy is killed; ACQUISITIONS=2000
	ANTIPHON_KILLS_ACQUISITIONS=$(or $(ACQUISITIONS),2000) \
		$(BIN)/pytest --timeout 0 tests/integration/policy/test_slots_under_kills.py $(ARGS)

versions: $(VENV)/.stamp ## All but the oracle, with PYTHON=python3.13 VENV=.venv-3.13, or with POSTGRES=/usr/lib/postgresql/15/bin
	ANTIPHON_TEST_POSTGRES=$(POSTGRES) $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile \
		tests/unit tests/contract tests/architecture tests/integration $(ARGS)

check: static ## The quick part: lint, types, imports, unit, contract and architecture tests
	$(BIN)/pytest tests/unit tests/contract tests/architecture

static: $(VENV)/.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(VENV)/.stamp ## Format, and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.stamp $(ORACLE)/.stamp ## Measure against the genuine Prefect; writes docs/benchmarks.md
	$(BIN)/python -m tests.benchmarks $(ARGS)

bench-queries: $(VENV)/.stamp $(ORACLE)/.stamp ## Queries on a million runs, beside Prefect; ARGS="--runs 100000" for fewer
	$(BIN)/python -m tests.benchmarks.queries compare $(ARGS)

$(VENV)/.stamp: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[server,dev]'
	@touch $@

# The genuine Prefect has its own environment: it must not see our packages, nor we its.
$(ORACLE)/.stamp: tests/oracle-constraints.txt
	@test -x $(ORACLE)/bin/python || $(PYTHON) -m venv $(ORACLE)
	$(ORACLE)/bin/pip install --quiet --requirement tests/oracle-constraints.txt
	@touch $@
