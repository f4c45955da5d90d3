# One command each; every target sets up what it needs in .venv first.
# uv is used when it is there, else python3 with venv and pip.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test long check audit bench .run-bench contract compat compat-sdk compat-zenml queries artifacts coverage settings installs mapped parity faults kills soak clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    track a real pipeline on the local Comet and print where to look"
	@echo "make test    run the tests"
	@echo "make long    run the tests that take many seconds each (two minutes)"
	@echo "make check   ruff, mypy --strict, layer rules"
	@echo "make audit   look for known vulnerabilities in what is installed (needs the network)"
	@echo "make bench   measure, side by side with the peers (ARGS=server: the local Comet, ARGS=steps: a step of ZenML)"
	@echo "make contract  send 20,000 generated requests to the local Comet (REQUESTS=20000)"
	@echo "make compat  play the suite's parts with several versions of what they lean on: both of"
	@echo "  make compat-sdk    every call of the official SDK in several of its versions (SDKS=3.58.1)"
	@echo "  make compat-zenml  four versions of ZenML and four of Python (CELLS=3.11-0.97.0; half an hour)"
	@echo "make queries  ask the local Comet 5,000 generated queries, held to plain Python (two minutes)"
	@echo "make artifacts  take 1,000 files and 1 GB up and down, cut in the middle (ARGS=...)"
	@echo "make coverage  write docs/coverage.md, and see that each call's test fails without the call (a minute)"
	@echo "make settings  write the tables of docs/zenml-settings.md from the models"
	@echo "make installs  install this package in every way that pip knows, and see what images would get (two minutes)"
	@echo "make mapped  run fifty mapped steps on eight threads, each with a pool of its own (MAPPED=50)"
	@echo "make parity  put this tracker and ZenML's own Comet tracker to the same checks, and see what ZenML's others do;"
	@echo "  writes docs/parity.md (twenty minutes; ARGS=\"mlflow wandb\" plays these alone)"
	@echo "make faults  play the whole fault matrix, beside the official SDK (half an hour)"
	@echo "make kills   kill the local Comet a hundred times while sixteen writers log (ten minutes)"
	@echo "make soak    log for an hour to a server that comes and goes (SECONDS=3600)"

demo: $(VENV)/.ready-demo
	@$(BIN)/zenml-comet demo

test: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "not long" $(ARGS)

long: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -n 3 --dist loadscope -m long $(ARGS)

check: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py

# A place of its own, so that the auditor's own packages are not taken for ours.
audit: $(VENV)/.ready-dev
	@test -x .venv-audit/bin/pip-audit || { $(PYTHON) -m venv .venv-audit && .venv-audit/bin/pip install --quiet pip-audit; }
	PIPAPI_PYTHON_LOCATION=$(CURDIR)/$(BIN)/python .venv-audit/bin/python -m pip_audit --skip-editable -s osv

# The peers bring dozens of distributions, which no test is to depend on by accident: a place of their own.
bench:
	@$(MAKE) --no-print-directory VENV=.venv-bench .run-bench

.run-bench: $(VENV)/.ready-bench
	$(BIN)/python -m benchmarks $(ARGS)

contract: $(VENV)/.ready-dev
	$(BIN)/python -m tests.local.schema $(or $(REQUESTS),20000)

compat: compat-sdk compat-zenml

# Each version of the SDK in a place of its own; the tests stay in theirs. Before 3.57 it lacks some of the calls.
compat-sdk: SDKS ?= newest 3.58.0 3.57.4
compat-sdk: $(VENV)/.ready-dev
	@for sdk in $(SDKS); do \
	  test "$$sdk" = newest && wanted=comet_ml || wanted="comet_ml==$$sdk"; \
	  test -x .venv-sdk/$$sdk/bin/python || $(PYTHON) -m venv .venv-sdk/$$sdk; \
	  .venv-sdk/$$sdk/bin/python -m pip install --quiet --upgrade "$$wanted" matplotlib pandas pillow || exit 1; \
	  echo "comet_ml $$sdk"; \
	  SDK_PYTHON=$(CURDIR)/.venv-sdk/$$sdk/bin/python $(BIN)/python -m pytest -n 2 --dist loadfile tests/local/sdk $(ARGS) \
	    || failed="$$failed $$sdk"; \
	done; test -z "$$failed" || { echo "failed with:$$failed" >&2; exit 1; }

# Needs nothing but Python itself: each cell has a place of its own.
compat-zenml:
	$(PYTHON) -m tests.compat $(CELLS)

queries: $(VENV)/.ready-dev
	TRACKER_QUERIES=$(or $(QUERIES),5000) $(BIN)/python -m pytest --timeout 900 tests/comet/api/test_searching.py -k plain_python

artifacts: $(VENV)/.ready-dev
	$(BIN)/python -m tests.comet.artifacts.large $(ARGS)

settings: $(VENV)/.ready-dev
	$(BIN)/python -m tests.settings_page

coverage: $(VENV)/.ready-dev
	$(BIN)/python -m tests.coverage $(ARGS)

installs: $(VENV)/.ready-dev
	$(BIN)/python -m tests.tracker.installs

mapped: $(VENV)/.ready-dev
	TRACKER_MAPPED=$(or $(MAPPED),50) $(BIN)/python -m pytest --timeout 900 tests/tracker/test_parallel.py -k mapped

# ZenML's other trackers are installed each in a place of its own; where they cannot be, it says so and goes on.
parity: $(VENV)/.ready-dev
	$(BIN)/python -m tests.parity $(ARGS)
	$(if $(ARGS),,PARITY=1 $(BIN)/python -m pytest -n 0 tests/cli/test_from_builtin.py tests/test_docs_recipes.py)

faults: $(VENV)/.ready-dev
	$(BIN)/python -m tests.faults $(ARGS)

kills: $(VENV)/.ready-dev
	$(BIN)/python -m tests.local.kills $(ARGS)

soak: $(VENV)/.ready-dev
	$(BIN)/python -m tests.faults.soak $(SECONDS)

clean:
	rm -rf $(VENV) .venv-audit .venv-bench .venv-compat .venv-peers .venv-sdk .venv-server .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "Python 3.10 or newer is needed; $(PYTHON) is older. Try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
ifdef UV
	@uv venv --quiet --allow-existing --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)
else
	@$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --upgrade pip
endif

ifdef UV
INSTALL = uv pip install --quiet --python $(BIN)/python
else
INSTALL = $(BIN)/python -m pip install --quiet
endif

# Progress goes to the error stream: the output of `make demo` is the demo's own.
$(VENV)/.ready-demo: pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) (once; about a minute)..." >&2
	@$(INSTALL) -e '.[local,examples]'
	@touch $@

$(VENV)/.ready-dev: pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) with the development tools (once; a minute or two)..." >&2
	@$(INSTALL) -e '.[local,examples]' --group dev
	@touch $@ $(VENV)/.ready-demo

$(VENV)/.ready-bench: pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) with the peers (once; a minute or two)..." >&2
	@$(INSTALL) -e '.[local]' --group bench
	@touch $@
