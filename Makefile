.DEFAULT_GOAL := help
.PHONY: help etl dashboard notebook test lint format bench torture fuzz lock clean FORCE
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Programs get DATA from the environment, as it came: a path may have spaces, quotes and dollar signs.
override DATA := $(value DATA)
export DATA

# Loads DATA, else ./data, else the made-up sample. That is in ./sample and in a database of its own on the embedded server,
# whichever server is set: nobody's data meets it.
load = if [ -n "$$DATA" ] || [ -d data ]; then $(BIN)/sparkify etl "$${DATA:-data}"; else \
  SPARKIFY_DSN=$$($(BIN)/python -m sparkify.commands.load_sample) && export SPARKIFY_DSN && made_up=yes && \
  unset PGHOST PGHOSTADDR PGPORT PGSERVICE PGDATABASE; fi

# For those who look: what is loaded already will do, unless DATA is named.
load_to_look = needed=$$DATA; [ -n "$$needed" ] || needed=$$($(BIN)/python -m sparkify.commands.load_sample --needed) && \
  if [ -n "$$needed" ]; then $(load); fi

say_if_made_up = if [ -n "$$made_up" ]; then \
  echo; echo "This is a made-up sample. Its files are in sample/, its database is sparkify_sample; ask it more:"; \
  echo "  $(BIN)/sparkify report --dsn \"\$$($(BIN)/sparkify db url sparkify_sample)\""; \
  echo "Load your own, into another database: make etl DATA=dir"; fi

help:            ## say what there is
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

etl: $(VENV)/run ## load DATA=dir (default: ./data, or a made-up sample) and say what users listen to
	@made_up=; $(load) && echo && echo "What users are listening to:" && echo && $(BIN)/sparkify top songs && $(say_if_made_up)

dashboard: $(VENV)/dashboard ## show what users listen to as a web page (after loading DATA=dir, if named; DASHBOARD="--port 8600")
	@made_up=; $(load_to_look) && $(say_if_made_up) && $(BIN)/sparkify dashboard $(DASHBOARD)

notebook: $(VENV)/notebook ## open the notebooks in a browser (after loading DATA=dir, if named; NOTEBOOK="--no-browser")
	@made_up=; $(load_to_look) && $(say_if_made_up) && $(BIN)/python -m jupyterlab --ip=127.0.0.1 --allow-root \
	  --ServerApp.root_dir=notebooks --LabApp.default_url=/lab/tree/analysis.ipynb --LabApp.news_url=None \
	  --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate --LabApp.extension_manager=readonly $(NOTEBOOK)

test: $(VENV)/dev ## run the tests
	@$(BIN)/python -m pytest -n 2 --dist loadscope

lint: $(VENV)/dev ## run the linters, the contract of imports and the type checker
	@$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/lint-imports && $(BIN)/mypy

format: $(VENV)/dev ## format the code
	@$(BIN)/ruff format && $(BIN)/ruff check --fix

bench: $(VENV)/bench ## measure, side by side with others (BENCH="--plays 1M 5M"; docs/performance.md)
	@$(BIN)/python -m benchmarks $(BENCH)

torture: $(VENV)/dev ## attack a load with random faults and bombs (TORTURE="--faults 500 --seed 1"; docs/trust.md)
	@$(BIN)/python -m torture $(TORTURE)

fuzz: $(VENV)/dev ## give the loader a million damaged lines (FUZZ="--lines 5000000 --seed 2"; docs/trust.md)
	@$(BIN)/python -m torture.fuzz $(FUZZ)

lock: $(VENV)/dev ## write the lock files again, from pyproject.toml
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --group build -o requirements/run.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --group build --extra s3 \
	  -c requirements/run.lock -o requirements/s3.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --group build --extra spark \
	  -c requirements/run.lock -o requirements/spark.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --group build --extra s3 --group dev \
	  -c requirements/run.lock -c requirements/s3.lock -o requirements/dev.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --group build --group bench \
	  -c requirements/run.lock -c requirements/dev.lock -o requirements/bench.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --group build --extra dashboard \
	  -c requirements/run.lock -c requirements/dev.lock -c requirements/bench.lock -o requirements/dashboard.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --group build --extra dashboard --group browser \
	  -c requirements/run.lock -c requirements/dev.lock -c requirements/dashboard.lock -o requirements/browser.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --group build --extra notebook \
	  -c requirements/run.lock -c requirements/dev.lock -c requirements/bench.lock -c requirements/dashboard.lock \
	  -o requirements/notebook.lock

clean:           ## remove the environment and the caches; the warehouse stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Says why the environment must be made again: its Python is gone, too old or has no pip (what Debian leaves without
# python3-venv), an installation was interrupted, or the checkout was moved or copied and the programs lead elsewhere.
BROKEN := $(shell [ ! -e $(VENV) ] || { [ ! -e $(VENV)/unfinished ] && \
  $(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' && \
  { [ ! -e $(VENV)/run ] || [ "$$(cat $(VENV)/run)" = "$$(pwd -P)" ]; }; } 2>/dev/null || echo FORCE)

can_make_venv = { $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
  echo "sparkify needs Python 3.11 or newer; $(PYTHON) is not. Name one that is: make PYTHON=python3.12" >&2; false; }; } && \
  { $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
  echo "$(PYTHON) lacks venv. On Debian and Ubuntu: apt install python3-venv; then run make again." >&2; false; }; }

# While pip is at work there is the file `unfinished`; it stays when pip is interrupted, which pip itself ends like any failure.
PIP_INSTALL := $(BIN)/python -m pip install -q --disable-pip-version-check
install = trap 'exit 130' INT TERM; touch $(VENV)/unfinished; $(1); code=$$?; \
  [ $$code -gt 128 ] || rm -f $(VENV)/unfinished; [ $$code = 0 ]

# Stamps: an environment is made again when what it is made of has changed. This one says where it was made.
$(VENV)/run: requirements/run.lock pyproject.toml $(BROKEN)
	@[ -e $(VENV) ] && [ -z "$(BROKEN)" ] || { $(can_make_venv) && \
	  echo "Installing into $(VENV), which takes about a minute." >&2 && rm -rf $(VENV) && \
	  mkdir $(VENV) && touch $(VENV)/unfinished && $(PYTHON) -m venv $(VENV); }
	@$(call install,$(PIP_INSTALL) --require-hashes -r requirements/run.lock && $(PIP_INSTALL) --no-deps --no-build-isolation -e .)
	@pwd -P > $@

$(VENV)/%: $(VENV)/run requirements/%.lock
	@$(call install,$(PIP_INSTALL) --require-hashes -r requirements/$*.lock)
	@touch $@

# With it, and Chromium, the tests drive the dashboard in a browser.
$(VENV)/browser: $(VENV)/dashboard
