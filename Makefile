# `make demo` and `make test` set up all they need. Everything is installed into .venv from constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq install --no-compile --constraint constraints.txt
# What was installed, by all cores at once; pip would take one, and the libraries' own tests as well.
COMPILE := $(BIN)/python -m compileall -qq -j 0 -x '/tests?/' .venv/lib || true
POINTS ?= 1000
DAYS ?= 7
SECONDS ?= 600
COMMANDS ?= 100000
OUTSIDE := ../shared/data/opentrons/OT2_S_v6_P300M_P20S_MixTransferManyLiquids.json

.PHONY: demo test lint format bench crash fuzz soak week opentrons setup setup-test schemas constraints clean help

help:
	@echo "make demo    set up, then run an agent's protocol on the twin, from file to report"
	@echo "make test    set up, then check and test everything"
	@echo "make crash   kill a worker at POINTS=1000 points, and hold what came of it against the twin's witness"
	@echo "make week    a lab at work for DAYS=7 simulated days, with faults; nothing may leak, stay held or be lost"
	@echo "make soak    COMMANDS=100000 commands over real sockets, while one message in a hundred goes wrong"
	@echo "make fuzz    the validator against a coverage-guided fuzzer for SECONDS=600"
	@echo "make opentrons   the environment in which 'lab import' analyses Python protocols of Opentrons"
	@echo "make lint | format | bench | schemas | constraints | clean"

demo: setup
	@$(BIN)/python tools/demo.py $(wildcard $(OUTSIDE))

test: export PYTHONDONTWRITEBYTECODE = # empty: the tests start many processes, which would each compile our code anew
test: setup-test lint
	@$(BIN)/python -m pytest -n 3 --dist loadgroup $(PYTEST_ARGS)

lint: setup-test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

format: setup-test
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

bench: setup-test
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.overhead
	@$(BIN)/python -m benchmarks.many
	@$(BIN)/python -m benchmarks.library
	@$(BIN)/python -m benchmarks.scheduling
	@$(BIN)/python -m benchmarks.interface
	@$(BIN)/python -m benchmarks.serve
	@$(BIN)/python -m benchmarks.day

schemas: setup
	@$(BIN)/python -m labfile.schema
	@$(BIN)/python -m protocols.schema
	@$(BIN)/python -m registry.schema
	@$(BIN)/python -m api.http.document
	@$(BIN)/python -m api.client.generate

crash: setup-test
	@$(BIN)/python -m benchmarks.crash --points $(POINTS)

fuzz: setup-test
	@$(BIN)/python -m benchmarks.fuzz --seconds $(SECONDS)

week: setup-test
	@$(BIN)/python -m benchmarks.week --days $(DAYS)

soak: setup-test
	@$(BIN)/python -m benchmarks.soak --commands $(COMMANDS)

opentrons: setup
	@sh tools/setup_opentrons.sh

constraints: setup-test
	@sh tools/constraints.sh

setup: .venv/.demo-ready

setup-test: .venv/.test-ready

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=python3.x") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv .venv

.venv/.demo-ready: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Setting up .venv ..."
	@$(PIP) hatchling
	@$(PIP) --no-build-isolation --editable .
	@$(COMPILE)
	@touch $@

.venv/.test-ready: .venv/.demo-ready
	@echo "Setting up the tests ..."
	@sh tools/setup_tests.sh & \
		$(PIP) --no-build-isolation --editable '.[test,scheduler,postgresql,tiled,parquet,telemetry,tiled-server]'; \
		failed=$$?; wait; exit $$failed
	@$(COMPILE)
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
