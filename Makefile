.DEFAULT_GOAL := help
.PHONY: help etl dashboard notebook test lint format docs bench torture fuzz wheel lock clean FORCE
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORE := src/sparkify/core/_core.abi3.so

# Recipes read DATA from the environment, untouched by make: a path may contain spaces, quotes and dollar signs.
override DATA := $(value DATA)
export DATA

# Load DATA, else ./data, else a made-up sample. The sample goes into ./sample and into a separate database on the embedded
# server, whichever server is set, so that it never mixes with real data.
load = if [ -n "$$DATA" ] || [ -d data ]; then $(BIN)/sparkify etl "$${DATA:-data}"; else \
  SPARKIFY_DSN=$$($(BIN)/python -m sparkify.commands.load_sample) && export SPARKIFY_DSN && made_up=yes && \
  unset PGHOST PGHOSTADDR PGPORT PGSERVICE PGDATABASE; fi

# For the dashboard and the notebooks: load only if DATA is given or nothing has been loaded yet.
load_to_look = needed=$$DATA; [ -n "$$needed" ] || needed=$$($(BIN)/python -m sparkify.commands.load_sample --needed) && \
  if [ -n "$$needed" ]; then $(load); fi

say_if_made_up = if [ -n "$$made_up" ]; then \
  echo; echo "This is a made-up sample. Its files are in sample/, its database is sparkify_sample. To see more of it:"; \
  echo "  $(BIN)/sparkify report --dsn \"\$$($(BIN)/sparkify db url sparkify_sample)\""; \
  echo "To load your own files, into another database: make etl DATA=dir"; fi

help:            ## show this
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

etl: $(VENV)/run $(CORE) ## load DATA=dir (or ./data, or a made-up sample); list the top songs
	@made_up=; $(load) && echo && echo "What users are listening to:" && echo && $(BIN)/sparkify top songs && $(say_if_made_up)

dashboard: $(VENV)/dashboard $(CORE) ## open the dashboard; load DATA=dir if given (DASHBOARD="--port 8600")
	@made_up=; $(load_to_look) && $(say_if_made_up) && $(BIN)/sparkify dashboard $(DASHBOARD)

notebook: $(VENV)/notebook $(CORE) ## open the notebooks; load DATA=dir if given (NOTEBOOK=--no-browser)
	@made_up=; $(load_to_look) && $(say_if_made_up) && $(BIN)/python -m jupyterlab --ip=127.0.0.1 --allow-root \
	  --ServerApp.root_dir=notebooks --LabApp.default_url=/lab/tree/analysis.ipynb --LabApp.news_url=None \
	  --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate --LabApp.extension_manager=readonly $(NOTEBOOK)

test: $(VENV)/dev $(CORE) ## run the tests
	@$(BIN)/python -m pytest -n 3 --dist worksteal

lint: $(VENV)/dev ## run the linters and the type checker, and check who imports whom
	@$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/lint-imports && $(BIN)/mypy

format: $(VENV)/dev ## format the code
	@$(BIN)/ruff format && $(BIN)/ruff check --fix

docs: $(VENV)/dev $(CORE) ## write the generated pages and pictures of docs/
	@for page in answers dictionary diagram picture; do $(BIN)/python docs/make_$$page.py || exit; done

bench: $(VENV)/bench $(CORE) ## compare with other loaders (BENCH="--plays 1M"; docs/performance.md)
	@$(BIN)/python -m benchmarks $(BENCH)

torture: $(VENV)/dev $(CORE) ## disturb loads with faults (TORTURE="--faults 500"; docs/trust.md)
	@$(BIN)/python -m torture $(TORTURE)

fuzz: $(VENV)/dev $(CORE) ## feed it damaged lines (FUZZ="--lines 5000000"; docs/trust.md)
	@$(BIN)/python -m torture.fuzz $(FUZZ)

# zig compiles for each of these here; only the wheel for this machine can be tried.
PLATFORMS := manylinux_2_17_x86_64 manylinux_2_17_aarch64 macosx_11_0_x86_64 macosx_11_0_arm64

wheel: $(VENV)/zig ## build the wheels for Linux and macOS into dist/
	@for platform in $(PLATFORMS); do $(BIN)/python -m pip wheel -q --disable-pip-version-check --no-deps \
	  --no-build-isolation -w dist --config-settings=--build-option=--plat-name=$$platform . || exit 1; done; ls dist

# $(call compile,NAME,WHAT IT LOCKS,THE LOCKS WHOSE VERSIONS IT KEEPS)
compile = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
  --no-emit-index-url --no-emit-find-links $(2) \
  $(foreach kept,$(3),-c requirements/$(kept).lock) -o requirements/$(1).lock
sparkify := pyproject.toml --group build

lock: $(VENV)/dev ## rewrite the lock files from pyproject.toml
	@$(call compile,zig,--group zig)
	@$(call compile,run,$(sparkify))
	@$(call compile,s3,$(sparkify) --extra s3,run)
	@$(call compile,spark,$(sparkify) --extra spark,run)
	@$(call compile,dev,$(sparkify) --extra s3 --group dev,run s3)
	@$(call compile,bench,$(sparkify) --group bench,run dev)
	@$(call compile,dashboard,$(sparkify) --extra dashboard,run dev bench)
	@$(call compile,browser,$(sparkify) --extra dashboard --group browser,run dev dashboard)
	@$(call compile,notebook,$(sparkify) --extra notebook,run dev bench dashboard)

clean:           ## remove the environment, the core and the caches; the warehouse stays
	rm -rf $(VENV) $(CORE) dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# FORCE when the environment must be rebuilt: its Python is gone, too old or has no pip (Debian without python3-venv leaves
# such a one), an installation was interrupted, or the checkout was moved or copied, so that the programs point elsewhere.
BROKEN := $(shell [ ! -e $(VENV) ] || { [ ! -e $(VENV)/unfinished ] && \
  $(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' && \
  { [ ! -e $(VENV)/run ] || [ "$$(cat $(VENV)/run)" = "$$(pwd -P)" ]; }; } 2>/dev/null || echo FORCE)

can_make_venv = { $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
  echo "sparkify needs Python 3.11 or newer, which $(PYTHON) is not. Choose another: make PYTHON=python3.12" >&2; false; }; } && \
  { $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
  echo "$(PYTHON) lacks venv. On Debian and Ubuntu: apt install python3-venv; then run make again." >&2; false; }; }

# The file `unfinished` exists while pip works, and stays if pip is interrupted, which its exit code does not tell.
PIP_INSTALL := $(BIN)/python -m pip install -q --disable-pip-version-check
install = trap 'exit 130' INT TERM; touch $(VENV)/unfinished; $(1); code=$$?; \
  [ $$code -gt 128 ] || rm -f $(VENV)/unfinished; [ $$code = 0 ]

# A C compiler, which the core needs. Where none is installed, the wheel `ziglang` brings one.
has_compiler = $(BIN)/python -c 'from setup import compiler; compiler()'
get_compiler = { $(has_compiler) 2>/dev/null || { echo "No C compiler is installed. Fetching one, 101 MB." >&2; \
  $(PIP_INSTALL) --require-hashes -r requirements/zig.lock; }; $(has_compiler); }

# Stamps: a lock file newer than its stamp is installed again. The stamp `run` also records where the environment was made.
$(VENV)/run: requirements/run.lock pyproject.toml $(BROKEN)
	@[ -e $(VENV) ] && [ -z "$(BROKEN)" ] || { $(can_make_venv) && \
	  echo "Installing into $(VENV), which takes about a minute." >&2 && rm -rf $(VENV) && \
	  mkdir $(VENV) && touch $(VENV)/unfinished && $(PYTHON) -m venv $(VENV); }
	@$(call install,$(PIP_INSTALL) --require-hashes -r requirements/run.lock && $(get_compiler) && \
	  $(PIP_INSTALL) --no-deps --no-build-isolation -e .)
	@pwd -P > $@

# `pip install -e` has built the core; this builds it again after a change.
$(CORE): setup.py $(wildcard src/sparkify/core/*.[ch]) | $(VENV)/run
	@$(call install,$(get_compiler) && $(BIN)/python setup.py -q build_ext --inplace)

$(VENV)/%: $(VENV)/run requirements/%.lock
	@$(call install,$(PIP_INSTALL) --require-hashes -r requirements/$*.lock)
	@touch $@

# With this and Chromium, the tests drive the dashboard in a browser.
$(VENV)/browser: $(VENV)/dashboard
