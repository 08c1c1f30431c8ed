# Every target sets up what it needs; `make` alone lists them. The plain commands are in README.md and CONTRIBUTING.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := $(VENV)/tools
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Some environments forbid to keep compiled sources: each of the many processes would compile them anew, half a second of CPU time a start.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test test-all lint format bench bench-gpu faults attack docs pictures lock audit browser clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/ready ## set up and serve the app, and open it in the browser where there is one
	$(BIN)/python app.py

test: $(VENV)/ready-tests browser ## set up and run every test that is neither slow nor in need of a GPU
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test-all: $(VENV)/ready-tests browser ## the slow tests too, and those for a GPU where there is one
	$(BIN)/python -m pytest -m "" --hypothesis-profile=explore

lint: $(VENV)/ready-tests ## check style and layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/ready-tests ## put the code into its style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/ready-tests ## write the tables of the documentation from the code
	$(BIN)/python -m tests.docs

pictures: $(VENV)/ready-tests browser ## make the pictures of the documentation anew, in Chromium
	$(BIN)/python -m tests.docs.pictures

faults: $(VENV)/ready-tests ## kill, interrupt and stop servers at random moments; the last line is JSON
	$(BIN)/python -m tests.faults

attack: $(VENV)/ready-tests browser ## attack a server of one's own in every known way; the last line is JSON
	$(BIN)/python -m tests.attack

bench: $(VENV)/ready-tests ## measure against named rivals; the last line is JSON
	$(BIN)/python -m tests.bench

bench-gpu: $(VENV)/ready-tests ## measure a training on an NVIDIA GPU, where there is one; the last line is JSON
	$(BIN)/python -m tests.bench.gpu

lock: $(TOOLS)/ready ## renew constraints.txt, the lock of all packages, after a change of requirements
	$(TOOLS)/bin/uv pip compile --quiet --universal --python-version 3.11 --upgrade --no-header --no-annotate \
	  requirements.txt tests/requirements.txt > $(TOOLS)/all.txt
	{ sed '/^[^#]/,$$d' constraints.txt; grep -vE '^(triton|nvidia-|cuda-)' $(TOOLS)/all.txt; } > $(TOOLS)/lock.txt
	cp $(TOOLS)/lock.txt constraints.txt

audit: $(TOOLS)/ready ## look for known advisories on the packages of the lock; needs the internet
	@$(TOOLS)/bin/pip-audit --strict --progress-spinner off --disable-pip --no-deps -r constraints.txt 2>$(TOOLS)/audit.log; status=$$?; \
	  if grep -qiE 'ConnectionError|ServiceError|ProxyError|Timeout|could not be audited' $(TOOLS)/audit.log; then \
	    echo "Nobody could be asked for advisories: there is no way from here to PyPI, which knows them. Nothing was found out; try again where there is one." >&2; \
	  else cat $(TOOLS)/audit.log >&2; fi; exit $$status

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

$(VENV)/ready: requirements.txt constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -r requirements.txt
	touch $@

$(VENV)/ready-tests: $(VENV)/ready tests/requirements.txt
	$(PIP) -r tests/requirements.txt
	touch $@

$(TOOLS)/ready: tests/tools.txt
	test -x $(TOOLS)/bin/python || $(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/tools.txt
	touch $@
