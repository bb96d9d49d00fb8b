# make demo   a model behind a SELECT, on this machine, from nothing
# make test   every test that needs no Exasol, no GPU and no torch
# make test-trainer   those of the trainer, with torch and what it brings, in .venv-trainer
# make test-clients   SQLAlchemy and dbt on the embedded engine; dbt lives in .venv-clients
# make test-hub   those that convert a checkpoint with optimum-intel
# make check  formatting, lint, types and the grammar of the SQL
# make bench  what it costs against what users have today, about 40 minutes on an idle machine;
#             BENCH="--only prefix" runs a part of it, BENCH=--help tells more
# make contract   what exallm expects of Exasol, case by case, on everything that can stand in for it
# make story  one installation from the first schema to its end, told in SQL, with real models
# make fuzz   the embedded engine under ten minutes of broken input; FUZZ="--minutes 3"
# make slc-check   the script-language container: every script on its pins, and its deployment on the
#             embedded engine with interruptions; SLC=--help tells more
# make slc-pins    what slc/flavor/container.toml asks for, resolved into pinned and hashed packages
# make train-bench   the adapter that ships on held-out questions, and the trainer beside TRL
# make recipes-bench   each recipe of the trainer for some minutes, on held-out articles

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

# From 1.12 on dbt needs a second parser, which is built from sources that no package index has.
DBT := 'dbt-exasol>=1.11,<1.12' 'dbt-core>=1.11,<1.12'

export EXASOL_TELEMETRY_DISABLE = 1

.PHONY: demo test test-clients test-trainer test-hub check contract bench train-bench recipes-bench \
	story fuzz slc-check slc-pins format clean

demo: $(VENV)/.demo
	$(BIN)/exallm demo

test: $(VENV)/.dev check
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff parse --dialect exasol --format none sql

# Needs torch and optimum-intel: pip install -e '.[hub]' into the environment first.
test-hub: $(VENV)/.dev
	$(BIN)/python -m pytest -m hub

test-clients: $(VENV)/.dev .venv-clients/.made
	EXALLM_DBT=$(CURDIR)/.venv-clients/bin/dbt $(BIN)/python -m pytest -m clients

test-trainer: .venv-trainer/.made
	.venv-trainer/bin/python -m pytest -m trainer

contract: $(VENV)/.dev
	$(BIN)/python -m tests.contract

story: $(VENV)/.dev
	$(BIN)/python -m tests.story

fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz $(FUZZ)

slc-check: $(VENV)/.dev
	$(BIN)/python -m tests.slc $(SLC)

slc-pins: $(VENV)/.dev
	$(PIP) 'uv>=0.9'
	$(BIN)/python slc/pin.py

train-bench: $(VENV)/.dev
	$(BIN)/python -m bench.train $(BENCH)

recipes-bench: $(VENV)/.dev
	$(BIN)/python -m bench.recipes $(BENCH)

bench: $(VENV)/.dev
	$(BIN)/python -m bench $(BENCH)

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .venv-clients .venv-trainer

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "installing exallm into $(VENV)"
	$(PIP) -e '.[local,udfs]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "installing exallm and its development tools into $(VENV)"
	$(PIP) -e '.[dev]'
	@touch $@

.venv-clients/.made: pyproject.toml
	$(PYTHON) -m venv .venv-clients
	.venv-clients/bin/python -m pip --disable-pip-version-check install --quiet $(DBT)
	@touch $@

.venv-trainer/.made: pyproject.toml
	$(PYTHON) -m venv .venv-trainer
	.venv-trainer/bin/python -m pip --disable-pip-version-check install --quiet -e '.[dev,trainer]' 'torchmetrics>=1.9,<2'
	@touch $@
