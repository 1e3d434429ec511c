# make demo   environment, install, the main job on the embedded endpoint, where to look
# make test   environment with everything, all tests
# make check  lint and types
# make bench  the figures of docs/benchmarks.md (about 15 minutes)
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
THREADS := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
PIP := $(RUN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test check bench clean
.DELETE_ON_ERROR:

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt -e .
	@touch $@

# torch goes first and pinned: left to a range, pip would take a build of several gigabytes.
$(VENV)/complete: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt -e ".[dev]"
	@touch $@ $(VENV)/installed

demo: $(VENV)/installed
	rm -rf runs/demo
	$(RUN)/gen run --sector world-questions --n 200 --endpoint builtin --out runs/demo
	$(RUN)/gen show runs/demo --n 1
	$(RUN)/gen filter runs/demo --out runs/demo-filtered
	@echo
	@echo "The dialogues are in runs/demo/dialogues.jsonl, one a line; read more of them with"
	@echo "  $(RUN)/gen show runs/demo --random 3"
	@echo "What passed the filters is in runs/demo-filtered/kept.jsonl, and why the rest did not in runs/demo-filtered/report.html"

test: $(VENV)/complete
	$(THREADS) $(RUN)/python -m pytest

check: $(VENV)/complete
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy

bench: $(VENV)/complete
	$(THREADS) $(RUN)/python bench/all.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
