# One command each; every target sets up what it needs in .venv first.
# uv is used when it is there, else python3 with venv and pip.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test check bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    track a real pipeline on the local Comet and print where to look"
	@echo "make test    run the tests"
	@echo "make check   ruff, mypy --strict, layer rules"
	@echo "make bench   measure, side by side with the peers"

demo: $(VENV)/.ready-demo
	@$(BIN)/zenml-comet demo

test: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile $(ARGS)

check: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py

bench: $(VENV)/.ready-dev
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

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
