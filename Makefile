# Everything a newcomer or a contributor does, by name. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
# PyTorch's CPU or CUDA wheels: see README, "Two commands".
TORCH_INDEX ?=
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar off -c constraints.txt

.PHONY: help setup demo manage test test-fast check fix types imports bench docs clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.installed-dev ## the virtual environment with everything, development tools included

# A virtual environment whose Python is gone, or that has no pip, is made anew; `help` and `clean` do not ask.
ifneq ($(filter-out help clean,$(MAKECMDGOALS)),)
ifeq ($(shell [ -f $(VENV)/pyvenv.cfg ] && ! $(BIN)/python -c "import pip" 2>/dev/null && echo broken),broken)
VENV_BROKEN := yes
.PHONY: $(BIN)/python $(VENV)/.installed $(VENV)/.installed-dev
endif
endif

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed; name it with PYTHON=/path/to/python3.11."; exit 1; }
	@$(if $(VENV_BROKEN),echo "The virtual environment in $(VENV) has no working Python or no pip and is made anew; \`make clean\` would remove it.")
	@echo "Making the virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(if $(VENV_BROKEN),--clear )$(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing, step 1 of 2: PyTorch (the largest part; minutes on a slow line)"
	@$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==2.13.0
	@echo "Installing, step 2 of 2: everything else"
	@$(PIP) -e ".[embedded,brain,demo]"
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing the development tools"
	@$(PIP) -e ".[embedded,brain,demo,dev]"
	@touch $@

demo: $(VENV)/.installed ## the whole service with synthetic patients; ARGS="--once --port P --data-dir D"
	@exec $(BIN)/python -m cdss.demo $(ARGS)

manage: $(VENV)/.installed ## a management command on the running demonstration; ARGS="verify_audit_log"
	@exec $(BIN)/python -m cdss.demo.manage $(ARGS)

test: $(VENV)/.installed-dev ## every test, real processes and the browser included
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-fast: $(VENV)/.installed-dev ## the tests that start no processes and no browser
	@$(BIN)/python -m pytest -m "not slow" $(ARGS)

check: $(VENV)/.installed-dev ## what must hold before a commit: style, types, layers, migrations, schema
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy cdss imaging patients ml
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -q tests/architecture -p no:randomly

types: $(VENV)/.installed-dev ## mypy --strict
	@$(BIN)/mypy cdss imaging patients ml

imports: $(VENV)/.installed-dev ## who may import whom
	@$(BIN)/lint-imports

fix: $(VENV)/.installed-dev ## let ruff mend what it can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: $(VENV)/.installed-dev ## the figures of docs/performance.md, side by side with the alternatives
	@status=0; for benchmark in $(filter-out machine,$(basename $(notdir $(wildcard benchmarks/*.py)))); do echo "== $$benchmark"; $(BIN)/python -m benchmarks.$$benchmark || status=1; done; exit $$status

docs: $(VENV)/.installed-dev ## check that the documentation's links and commands exist
	@$(BIN)/python -m pytest -q tests/architecture/test_documentation.py -p no:randomly

clean: ## remove the virtual environment and caches; data is never in the checkout
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles
