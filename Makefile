# make app    makes .venv the first time, then opens the laboratory on http://127.0.0.1:8501 (PORT=8600 make app; for many
#             visitors at once PROCESSES=auto make app)
# make test   installs what the tests need, the browser included, and runs everything
# make check  the same without a browser and without what trains for long: for between two commits
# make docs   builds the documentation into docs/_build/html; any warning is an error
# make bench  measures how near this machine's limits we are, as one table (BENCH="--quick", BENCH="--rows workers")
# make gpu    shows what only a GPU shows, with any torch that is installed (GPU="bank feeds" runs these steps alone)
# make attack attacks it for an hour, and says what broke (ATTACK="--files 50" changes a count)
# make mutants puts small faults into a copy of the code, and says which the tests do not see (MUTANTS="--sample 20")

PYTHON ?= python3
PORT   ?= 8501
PROCESSES ?= 1
VENV   := .venv
BIN    := $(VENV)/bin

# On all cores; the tests of a module stay together, because they share what they train; the long ones begin.
PYTEST := $(BIN)/pytest --numprocesses=auto --maxprocesses=8 --dist=loadscope --no-loadscope-reorder

# What there is already: a machine with a GPU may have no network to install anything.
GPU_PYTHON := $(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON))

.PHONY: app test check lint docs bench gpu attack mutants clean

app: $(VENV)/app.stamp
	@echo "The laboratory opens on http://127.0.0.1:$(PORT)   (stop: Ctrl-C; running trainings go on)"
	@exec $(BIN)/ddlab app --processes $(PROCESSES) --port $(PORT)

test: $(VENV)/test.stamp lint
	$(BIN)/python -m tests.browser.chromium
	$(PYTEST)

check: $(VENV)/test.stamp lint
	$(PYTEST) -m "not slow and not browser"

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/docs.stamp
	$(BIN)/sphinx-build --quiet -W --keep-going --jobs auto docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

bench: $(VENV)/test.stamp
	$(BIN)/python -m benchmarks $(BENCH)

gpu:
	$(GPU_PYTHON) -m benchmarks.gpu $(GPU)

attack: $(VENV)/test.stamp
	$(BIN)/python -m tests.attack $(ATTACK)

mutants: $(VENV)/mutants.stamp
	$(BIN)/python -m benchmarks.mutants $(MUTANTS)

clean:
	rm -rf $(VENV) build docs/_build docs/_generated docs/api/generated *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ddlab needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make app PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/app.stamp: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements.txt --editable .
	touch $@

$(VENV)/test.stamp: requirements-dev.txt $(VENV)/app.stamp
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	touch $@

$(VENV)/docs.stamp: requirements-docs.txt $(VENV)/app.stamp
	$(BIN)/python -m pip install --quiet --requirement requirements-docs.txt
	touch $@

$(VENV)/mutants.stamp: requirements-mutants.txt $(VENV)/test.stamp
	$(BIN)/python -m pip install --quiet --requirement requirements-mutants.txt
	touch $@
