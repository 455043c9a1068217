.DEFAULT_GOAL := help
.PHONY: help etl dashboard test lint format bench torture fuzz lock clean
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

help:            ## say what there is
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

etl: $(VENV)/run ## load DATA=dir (default: ./data, or a made-up sample) and say what users listen to
	@if [ -n "$(DATA)" ]; then data="$(DATA)"; else data=data; \
	  [ -d data ] || $(BIN)/sparkify simulate data; fi; \
	$(BIN)/sparkify etl "$$data" && echo && echo "What users are listening to:" && echo && $(BIN)/sparkify top songs

dashboard: $(VENV)/dashboard ## show what users listen to as a web page (DATA=dir as above when nothing is loaded; DASHBOARD="--port 8600")
	@$(BIN)/sparkify top songs --limit 1 2>/dev/null | grep -q . || $(MAKE) --no-print-directory etl
	@$(BIN)/sparkify dashboard $(DASHBOARD)

test: $(VENV)/dev ## run the tests
	@$(BIN)/python -m pytest -n 2 --dist loadscope

lint: $(VENV)/dev ## run the linters and the type checker
	@$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/mypy

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

clean:           ## remove the environment and the caches; the warehouse stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Stamps: an environment is made again when what it is made of has changed.
$(VENV)/run: requirements/run.lock pyproject.toml
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/run.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev: $(VENV)/run requirements/dev.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

$(VENV)/bench: $(VENV)/run requirements/bench.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/bench.lock
	@touch $@

$(VENV)/dashboard: $(VENV)/run requirements/dashboard.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dashboard.lock
	@touch $@

# With it, and Chromium, the tests drive the dashboard in a browser.
$(VENV)/browser: $(VENV)/dashboard requirements/browser.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/browser.lock
	@touch $@
