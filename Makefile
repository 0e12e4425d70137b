# Everything a developer or CI calls. Each target installs what it needs.

PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
# Downloading an interpreter is not this project's business.
export UV_PYTHON_DOWNLOADS := never

PURE_TESTS := tests/audio tests/scribe tests/protocol tests/upstream tests/downstream \
	tests/auth $(patsubst %,tests/limits/test_%.py,allowance pace policy terms) \
	tests/test_captions.py tests/test_translator.py \
	$(patsubst %,tests/simulator/%.py,test_credentials test_endpointer engines/test_wire \
		test_extras test_faults test_refusals test_session)
TIMES := --durations=10
# Most tests wait for processes and sockets; a file's stay in one process.
PARALLEL := --numprocesses 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo serve test test-all check fix bench docs lock clean system-packages

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

demo: .venv/demo ## Start relay and simulator; no key, no Redis, no Node needed
	$(BIN)/scribe-relay demo

serve: .venv/demo ## Start the relay with the settings of .env
	$(BIN)/scribe-relay serve

test: .venv/dev system-packages ## Every test that fits into a few minutes
	$(BIN)/pytest $(PURE_TESTS) -m "not slow" $(TIMES) --cov --cov-context=test --cov-report=
	$(BIN)/python -m tests.support.own_coverage
	$(BIN)/pytest tests $(addprefix --ignore=,$(PURE_TESTS)) -m "not slow" $(PARALLEL) $(TIMES)

test-all: .venv/dev system-packages ## The slow tests as well
	$(BIN)/pytest tests $(PARALLEL) $(TIMES)

check: .venv/dev ## Style, types, the import rule, the docs against the code
	$(BIN)/ruff format --check relay tests bench
	$(BIN)/ruff check relay tests bench
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_architecture.py tests/test_docs.py

fix: .venv/dev ## Format, and mend what can be mended by itself
	$(BIN)/ruff format relay tests bench
	$(BIN)/ruff check --fix relay tests bench

bench: .venv/dev system-packages ## Print the tables that the docs show
	$(BIN)/python -m bench

docs: .venv/dev ## Write the pages that are made from code
	$(call page,relay.settings --markdown,docs/reference/settings.md)
	$(call page,relay.settings --env,.env.example)
	$(call page,relay.cli.reference,docs/reference/commands.md)
	$(call page,relay.scribe.reference,docs/reference/scribe-parameters.md)

# A page that can't be made stays as it was.
page = $(BIN)/python -m $(1) > $(2).new && mv $(2).new $(2) || { rm -f $(2).new; exit 1; }

lock: .venv/uv ## Renew the lock files from pyproject.toml
	$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --extra demo --group build pyproject.toml -o requirements/demo.lock
	$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --extra demo --group dev pyproject.toml -c requirements/demo.lock \
		-o requirements/dev.lock
	echo uv | $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate - -o requirements/uv.lock

clean: ## Remove everything that can be made again
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

system-packages:
	@scripts/system-packages

.venv/uv: requirements/uv.lock
	@scripts/make-venv $(PYTHON)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/demo: .venv/uv requirements/demo.lock pyproject.toml
	@$(UV) pip install --quiet --require-hashes -r requirements/demo.lock
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: .venv/demo requirements/dev.lock
	@$(UV) pip install --quiet --require-hashes -r requirements/dev.lock
	@touch $@
