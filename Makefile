# The whole vocabulary: make help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install bench test check proof mutants perf gpu demo clean

help: ## print these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | column -t -s '|'

install: $(STAMP) ## make .venv and install what is needed

# Reinstalled only when the dependencies change: the package itself is installed editable.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("inpaint-bench needs Python 3.11 or newer; name one with make PYTHON=python3.x") if sys.version_info < (3, 11) else 0'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -q -e '.[dev]'
	@touch $(STAMP)

bench: $(STAMP) ## train the variants, score them, time them, write the report
	$(BIN)/bench run --profile quick $(ARGS)

# A process a core, of one thread each: threads of several would only wait for each other.
test: $(STAMP) ## run the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 8 --dist worksteal $(ARGS)

check: $(STAMP) ## lint, format check, type check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

proof: $(STAMP) ## run the tests that take long: simulations, sweeps
	$(BIN)/python -m pytest -o python_files='proof_*.py' tests/proof $(ARGS)

mutants: $(STAMP) ## make small mistakes one at a time: which do the tests of their room notice?
	$(BIN)/python -m tests.mutants $(ARGS)

perf: $(STAMP) ## measure the harness beside its peers, as ratios in one run
	$(BIN)/python -m pytest tests/perf --benchmark-only $(ARGS)

demo: $(STAMP) ## open a page: paint a hole, see every method fill it
	$(BIN)/python -m pip install --disable-pip-version-check -q -e '.[demo]'
	$(BIN)/bench demo $(ARGS)

# From a plain checkout, without installing, where there is no environment: make gpu PYTHON=python3
gpu: ## measure all that wants a GPU, in under 8 minutes, as a page of Markdown
	$(or $(wildcard $(BIN)/python),$(PYTHON)) -m tests.gpu $(ARGS)

clean: ## remove the environment and caches (runs/ is kept)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .benchmarks
