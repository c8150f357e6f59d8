# Every target works on a fresh machine with python3 and make; `make` lists them.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# e.g. make test PYTEST_FLAGS="-n 2", make install REQUIREMENTS=requirements-gpu.txt
PYTEST_FLAGS ?=
REQUIREMENTS ?= requirements.txt
INSTALLED := $(VENV)/installed-$(basename $(notdir $(REQUIREMENTS)))
TEST_INSTALLED := $(INSTALLED)-test
HELD_OUT := scripts/dataset/heldout/composites
PICTURES := hair-900-0--000 fur-901-0--000 veil-900-0--000 \
  flightgear-bougainvillier--000 wesnoth-utbs-archer--000 wire-900-0--000
TRANSLUCENT := glass-925-0--000 smoke-901-0--000 veil-901-1--000 fur-901-1--000
DEMO := images/example.jpg images/example-trimap.png

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo data dataset pictures test lint format clean

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*##/make \1:/p' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## make .venv with what training and evaluation need

demo: example-cutout.png  ## cut the example out: example-cutout.png
	@echo "The cut-out is in example-cutout.png."

data: $(INSTALLED)  ## composite the starter set into scripts/data
	$(RUN) scripts/combine.py

dataset: $(INSTALLED)  ## collect the whole open data set into scripts/dataset (Debian)
	$(RUN) scripts/download.py --source debian --source local --folder scripts/renders \
	  --min-side 180 --output scripts/dataset

pictures: dataset  ## draw images/ again, from the data set
	$(RUN) scripts/combine.py --foregrounds scripts/dataset/heldout/foregrounds \
	  --backgrounds scripts/dataset/heldout/backgrounds --val-fraction 1 \
	  --per-foreground 1 --size 480x360 --seed 7 --output $(HELD_OUT)
	$(RUN) scripts/pictures.py $(HELD_OUT) --names $(PICTURES) \
	  --translucent $(TRANSLUCENT)
	$(RUN) scripts/overview.py scripts/dataset

test: lint  ## check the style and run the tests
	$(RUN) -m pytest $(PYTEST_FLAGS)

lint: $(TEST_INSTALLED)  ## check the style
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

format: $(TEST_INSTALLED)  ## put the code into style
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

clean:  ## remove .venv, caches and the demo's result, but no data and no run
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis *.egg-info example-cutout.png
	find model scripts tests -name __pycache__ -exec rm -rf {} +
	rm -rf __pycache__

example-cutout.png: $(DEMO) eval.py $(wildcard model/*.py log/matting/*) $(INSTALLED)
	$(RUN) eval.py $(DEMO) $@

$(INSTALLED): $(REQUIREMENTS)
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --requirement $(REQUIREMENTS)
	touch $@

$(TEST_INSTALLED): $(INSTALLED) pyproject.toml
	$(RUN) -m pip install --quiet --editable '.[test]'
	touch $@
