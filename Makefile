# Everything that a person or CI runs here. `make help` lists it.
# Needs git, make and a Python of 3.9 or later with venv; brings the rest into this folder.

UV_VERSION := 0.13.9
TOOLS := .tools
# A uv that runs, not one that is only named: a pyenv shim stands on the PATH even where its uv is not to be had.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo $(TOOLS)/bin/uv)
# A pyenv shim refuses to run where the version that .python-version names is not installed; then any other will do.
PYTHON := $(firstword $(foreach p,python3 python3.13 python3.14 python3.12 python3.11 python3.10 python3.9 /usr/bin/python3,$(shell $(p) -c 'import sys, venv; assert sys.version_info >= (3, 9); print(sys.executable)' 2>/dev/null)))
# Each start of a program would compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE
RUN := $(UV) run --frozen --no-sync
ONCE ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test unit bench chaos system complete clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## the main job in a minute: officers post, the gate judges; ONCE=1 ends after it
	@$(RUN) gerbang demo $(if $(ONCE),--once)

test: complete ## all tests, the style and the types
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) mypy
	@$(RUN) pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder

unit: setup ## the fast tests only
	@$(RUN) pytest --ignore=tests/e2e

bench: setup ## what a request costs: the gate beside stock mitmdump, and each part of it
	@$(RUN) python -m bench

chaos: setup ## 50 rounds of kill -9 under load, and 100 flipped bits
	@$(RUN) pytest tests/e2e/test_log_then_forward.py tests/journal --rounds 50

setup: .venv/.ready ## the program and its tools in this folder; the command is .venv/bin/gerbang

system: setup
	@$(RUN) python tests/system.py

# Kerberos' package is built here, against the system's library.
complete: system
	@if command -v krb5-config >/dev/null; then $(UV) sync --frozen --quiet --all-extras; fi

.venv/.ready: pyproject.toml uv.lock .python-version $(UV)
	@$(UV) sync --frozen --quiet --inexact --extra postgresql || { echo "make: the packages of uv.lock or a Python $$(cat .python-version) could not be had; install Python $$(cat .python-version) (pyenv, your system, or uv python install) and run make again" >&2; exit 2; }
	@touch $@

$(TOOLS)/bin/uv:
	@test -n "$(PYTHON)" || { echo "make: no Python of 3.9 or later with venv was found; install one (on Debian: apt-get install python3-venv) and run make again" >&2; exit 2; }
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

clean: ## take away what make has made, except the demo's record
	rm -rf .venv $(TOOLS) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
