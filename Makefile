# Everything happens in .venv, which is made on demand; nothing outside the checkout is touched.

PYTHON ?= python3
BIN := .venv/bin
QUERY = $$(ls data/demo/query/*_c1s*.jpg | head -n 1)
RANKS := runs/latest/report/ranks.png
GALLERY := runs/latest/gallery
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test soak lint types format bench docs clean

help:
	@echo "make demo     draw a set of vehicles, train on it, evaluate, query, keep a gallery; under 5 minutes on 2 cores after the download"
	@echo "make test     the whole test suite"
	@echo "make soak     faults in full number: kills, failing disks, damaged files"
	@echo "make lint     ruff: rules and format"
	@echo "make types    mypy, strict"
	@echo "make format   let ruff rewrite what it can"
	@echo "make bench    the benchmarks of benchmarks/"
	@echo "make docs     the documents as a site, build/site/docs/index.html; every link and docstring must be right"
	@echo "make clean    remove what was built, but neither .venv nor data/ nor runs/"

demo: .venv/.stamp-base
	@echo; echo "1/5  reid-data check demo          draws the set on first use"
	@$(BIN)/reid-data check demo
	@echo; echo "2/5  reid-train --dataset demo"
	@$(BIN)/reid-train --dataset demo
	@echo; echo "3/5  reid-eval                     the latest run, on the dataset it was trained on"
	@$(BIN)/reid-eval
	@echo; echo "4/5  python tools/query_gallery.py --gallery data/demo/bounding_box_test --not-camera 1 $(QUERY) --figure $(RANKS)"
	@$(BIN)/python tools/query_gallery.py --gallery data/demo/bounding_box_test --not-camera 1 "$(QUERY)" --figure $(RANKS)
	@echo; echo "5/5  reid-gallery create, add, search     the same images, kept with their vectors; which identity is it?"
	@$(BIN)/reid-gallery create $(GALLERY)
	@$(BIN)/reid-gallery add $(GALLERY) data/demo/bounding_box_test
	@$(BIN)/reid-gallery search $(GALLERY) "$(QUERY)" --by identity -k 5
	@echo "What unknown means, and what else to ask $(GALLERY): docs/gallery.md"
	@echo; echo "The pictures:"
	@ls $(dir $(RANKS))*.png

test: .venv/.stamp-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

soak: .venv/.stamp-dev
	$(BIN)/python -m pytest -m soak

lint: .venv/.stamp-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.stamp-dev
	$(BIN)/mypy

format: .venv/.stamp-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.stamp-dev
	@for script in benchmarks/*.py; do echo; echo "$$script"; $(BIN)/python "$$script" || exit 1; done

docs: .venv/.stamp-dev
	$(BIN)/sphinx-build -W --keep-going -q -b html -c docs -d build/doctrees . build/site
	@echo build/site/docs/index.html

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find reid tests tools benchmarks -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, and $(PYTHON) is older; name another one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

# torch is large: the first time this takes minutes.
.venv/.stamp-base: setup.py | .venv/bin/python
	$(BIN)/python -m pip install -e .
	@touch $@

.venv/.stamp-dev: setup.py | .venv/bin/python
	$(BIN)/python -m pip install -e ".[dev]"
	@touch $@ .venv/.stamp-base
