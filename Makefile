# make demo   environment, install, the main job on the embedded endpoint, where to look
# make demo-train  once around: dialogues, filters, a model from scratch on the CPU, a talk, 50 dialogues with it
# make test   environment with everything, all tests
# make check  lint and types
# make bench  the figures of docs/benchmarks.md (about 15 minutes)
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
THREADS := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
PIP := $(RUN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo demo-train test check bench clean
.DELETE_ON_ERROR:

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt -e .
	@touch $@

# torch goes first and pinned: left to a range, pip would take a build of several gigabytes.
$(VENV)/trainable: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt -e ".[train]"
	@touch $@ $(VENV)/installed

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

demo-train: $(VENV)/trainable
	rm -rf runs/recall runs/recall-kept runs/recall-model runs/recall-next
	$(RUN)/gen run --sector recall --n 6500 --endpoint builtin --out runs/recall
	$(RUN)/gen filter runs/recall --preset recall --out runs/recall-kept
	$(THREADS) $(RUN)/gen train runs/recall-kept --out runs/recall-model --set exact=400 --max-steps 1000
	$(RUN)/python examples/recall/figures.py runs/recall-model runs/demo.json
	$(THREADS) $(RUN)/python examples/recall/ask.py runs/recall-model
	$(THREADS) $(RUN)/gen run --config examples/recall/next.toml
	$(RUN)/gen show runs/recall-next --n 1
	@echo
	@echo "The model is in runs/recall-model/model; talk to it with"
	@echo "  $(RUN)/gen chat runs/recall-model"
	@echo "It was trained to answer about facts that it is told in this talk, as in: My name is Clara. I live in Oslo. Where do I live?"

test: $(VENV)/complete
	$(THREADS) $(RUN)/python -m pytest --numprocesses 2 --dist loadfile

check: $(VENV)/complete
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy

bench: $(VENV)/complete
	$(THREADS) $(RUN)/python bench/all.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
