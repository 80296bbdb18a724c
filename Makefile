# Two commands matter: make demo, make test. Both work on a fresh clone with Python 3.11 to 3.13.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Tests run side by side, a file to one of them at a time: each computes in one thread and takes about 2 GB.
WORKERS ?= 2
# Compiled files are kept, for every worker and every command that tests start would compile all sources again.
unexport PYTHONDONTWRITEBYTECODE
# A process that dies ends the run at once; waiting for its tests would never end.
PYTEST = $(BIN)/python -m pytest -q --numprocesses $(WORKERS) --dist loadfile --max-worker-restart 0
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick check format clean

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(READY)  ## the environment in .venv, pinned by constraints.txt

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch numpy
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: $(READY)  ## animate a photo, turn it, write out/
	$(BIN)/facewire demo -o out

test: $(READY)  ## all tests; calls between real browsers have the machine to themselves, and a second try
	$(PYTEST) -m 'not browser and not turn'
	$(BIN)/python -m pytest -q --reruns 1 -m 'browser or turn'

quick: $(READY)  ## the tests without the slow ones
	$(PYTEST) -m 'not slow'

check: $(READY)  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	if test -x web/node_modules/.bin/tsc; then npm --prefix web run --silent types; fi

format: $(READY)  ## rewrite the sources in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what was made
	rm -rf $(VENV) out build dist .pytest_cache .mypy_cache .ruff_cache
