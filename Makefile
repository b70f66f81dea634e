# Needs python3 (3.11 or newer) with venv, and a package index. `make help` lists the
# targets; each makes its own virtual environment first.
#
#   make demo                          restore the sample clip
#   make test PYTHON=python3.12        with a Python of your choice
#   make test PYTEST_ARGS="-k warp"    with arguments of your own

VENV ?= .venv
# By file, for what the tests of one share is compiled once.
PYTEST_ARGS ?= -n 2 --dist loadfile -m "not slow"
export PYTHON

.PHONY: help venv demo test test-slow lint clean
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

venv: ## Make or mend .venv with everything installed
	@sh tools/make_venv.sh $(VENV)

demo: venv ## Restore the sample clip: out/demo.mp4, out/demo.png
	@$(VENV)/bin/python examples/demo.py

test: venv ## Run the tests
	@$(VENV)/bin/python -m pytest -q $(PYTEST_ARGS)

test-slow: venv ## Run whole training runs: hosts, signals, kill -9; half an hour
	@$(VENV)/bin/python -m pytest -q -m slow

lint: venv ## Check style and format
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

clean: ## Remove what the other targets made
	rm -rf .venv .venv-3.11 out .pytest_cache .ruff_cache .hypothesis
