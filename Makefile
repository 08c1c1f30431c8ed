# Every target sets up what it needs; `make` alone lists them. The plain commands stand in the README.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test test-all lint format bench bench-gpu faults attack browser clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/ready ## set up and serve the app, and open it in the browser where there is one
	$(BIN)/python app.py

test: $(VENV)/ready-tests browser ## set up and run every test that is neither slow nor in need of a GPU
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-all: $(VENV)/ready-tests browser ## the slow tests too, and those for a GPU where there is one
	$(BIN)/python -m pytest -m "" --hypothesis-profile=explore

lint: $(VENV)/ready-tests ## check style and layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/ready-tests ## put the code into its style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

faults: $(VENV)/ready-tests ## kill, interrupt and stop servers at random moments; the last line is JSON
	$(BIN)/python -m tests.faults

attack: $(VENV)/ready-tests browser ## attack a server of one's own in every known way; the last line is JSON
	$(BIN)/python -m tests.attack

bench: $(VENV)/ready-tests ## measure against named rivals; the last line is JSON
	$(BIN)/python -m tests.bench

bench-gpu: $(VENV)/ready-tests ## measure a training on an NVIDIA GPU, where there is one; the last line is JSON
	$(BIN)/python -m tests.bench.gpu

browser: # Chromium for the tests of the page: installed where that is possible, else it says how
	@command -v chromium >/dev/null || { \
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-dejavu-core >/dev/null; \
	  else \
	    echo "The tests of the page need Chromium (Debian: sudo apt-get install chromium); without it they are skipped."; \
	  fi; }

clean: ## remove the environment and all caches; runs are kept
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/ready: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/ready-tests: $(VENV)/ready tests/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	touch $@
