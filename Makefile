# Everything a developer or CI calls. Each target installs what it needs.

PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
# Downloading an interpreter is not this project's business.
export UV_PYTHON_DOWNLOADS := never

PYTHON_SOURCES := relay tests bench hatch_build.py scripts/without-addresses deploy/image/is-healthy
PURE_TESTS := $(patsubst %,tests/analysis/test_%.py,lexicon local matching moderation \
		retrying tokens webhooks) \
	tests/audio tests/scribe tests/protocol tests/upstream tests/downstream \
	tests/auth $(patsubst %,tests/limits/test_%.py,allowance pace policy terms) \
	$(patsubst %,tests/test_%.py,captions exports folding latencies lifetime logbook retention translator) \
	tests/store/test_fulltext.py $(patsubst %,tests/metrics/test_%.py,families figures reference values) \
	$(patsubst %,tests/recording/test_%.py,parts wav) tests/redaction \
	$(filter-out tests/client/test_stream%,$(wildcard tests/client/test_*.py)) \
	$(patsubst %,tests/simulator/%.py,test_credentials test_endpointer engines/test_wire \
		test_extras test_faults test_refusals test_session)
NODE_MODULES := web/node_modules/.package-lock.json
# Those of tests/sdk and bench are installed by what needs them.
NPM_FOLDERS := web tests/sdk/browser tests/sdk/node bench/node
PAGES := relay/http/built/.vite/manifest.json
PAGE_SOURCES := $(shell find web/src -type f ! -name '*.test.*') web/vite.config.ts web/tsconfig.json

TIMES := --durations=5
# Most tests wait, for processes, sockets and speech; a file's stay in one process.
PARALLEL := --numprocesses 4 --dist loadfile

# Images are built and run without Docker, on bases made of Debian's packages.
CONTAINERS := buildah podman runc catatonit debootstrap netavark aardvark-dns iptables nftables uidmap

.DEFAULT_GOAL := help
.PHONY: help demo serve web test test-all chaos soak check fix bench docs lock clean system-packages

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

demo: .venv/demo $(PAGES) ## Start relay and simulator; no key, no Redis, no Node needed
	$(BIN)/scribe-relay demo

serve: .venv/demo $(PAGES) ## Start the relay with the settings of .env
	$(BIN)/scribe-relay serve

web: $(PAGES) ## Build the pages' scripts, where their sources have changed

test: .venv/dev $(PAGES) system-packages ## Every test that fits into a few minutes
	scripts/npm test
	$(BIN)/pytest $(PURE_TESTS) -m "not slow" --numprocesses 2 $(TIMES) --cov --cov-context=test --cov-report=
	$(BIN)/python -m tests.support.own_coverage
	$(BIN)/pytest tests $(addprefix --ignore=,$(PURE_TESTS)) -m "not slow" $(PARALLEL) $(TIMES)

test-all: .venv/dev $(PAGES) system-packages ## The slow tests as well
	scripts/system-packages firefox-esr pulseaudio pulseaudio-utils $(CONTAINERS)
	scripts/npm test
	$(BIN)/pytest tests --asyncio-debug $(PARALLEL) $(TIMES)

chaos: .venv/dev system-packages ## Break everything that a session stands on, for half an hour
	$(BIN)/python -m tests.chaos --seeds 3 --random 100

soak: .venv/dev system-packages ## Keep a hundred sessions going for twenty minutes, and see what grows
	$(BIN)/python -m tests.soak

check: .venv/dev $(PAGES) ## Style, types, the import rule, the docs against the code
	$(BIN)/ruff format --check $(PYTHON_SOURCES)
	$(BIN)/ruff check $(PYTHON_SOURCES)
	$(BIN)/mypy
	scripts/npm run check
	$(BIN)/pytest -q tests/test_architecture.py tests/test_docs.py

fix: .venv/dev $(NODE_MODULES) ## Format, and mend what can be mended by itself
	$(BIN)/ruff format $(PYTHON_SOURCES)
	$(BIN)/ruff check --fix $(PYTHON_SOURCES)
	scripts/npm run fix

bench: .venv/dev system-packages ## Measure what the docs show, and write it there
	$(BIN)/python -m bench

docs: .venv/dev ## Write the pages that are made from code
	$(call page,relay.settings --markdown,docs/reference/settings.md)
	$(call page,relay.settings --env,.env.example)
	$(call page,relay.cli.reference,docs/reference/commands.md)
	$(call page,relay.scribe.reference,docs/reference/scribe-parameters.md)
	$(call page,relay.metrics.reference,docs/reference/metrics.md)

# A page that can't be made stays as it was.
page = $(BIN)/python -m $(1) > $(2).new && mv $(2).new $(2) || { rm -f $(2).new; exit 1; }

lock: .venv/demo ## Renew the lock files from pyproject.toml and web/package.json
	$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --extra demo --group build pyproject.toml -o requirements/demo.lock
	$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --extra demo --extra tracing --group dev pyproject.toml \
		-c requirements/demo.lock -o requirements/dev.lock
	echo uv | $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate - -o requirements/uv.lock
	echo livekit-plugins-elevenlabs | $(UV) pip compile --quiet --upgrade --universal \
		--python-version 3.11 --generate-hashes --no-header --no-annotate - \
		-o requirements/livekit.lock
	printf 'pipecat-ai[elevenlabs,websocket]\nuvicorn[standard]\n' | $(UV) pip compile --quiet \
		--upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate - \
		-o requirements/pipecat.lock
	for folder in $(NPM_FOLDERS); do \
		scripts/npm update --package-lock-only --prefix $$PWD/$$folder && \
		$(BIN)/python scripts/without-addresses $$folder/package-lock.json || exit 1; \
	done

clean: ## Remove everything that can be made again
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	rm -rf $(addsuffix /node_modules,$(NPM_FOLDERS)) web/dist relay/http/built

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

# Node comes from .venv; that it was installed anew is no reason to install the packages anew.
$(NODE_MODULES): web/package-lock.json web/package.json web/.npmrc | .venv/demo
	@scripts/npm ci --loglevel=error
	@touch $@

$(PAGES): $(NODE_MODULES) $(PAGE_SOURCES)
	@scripts/npm run build -- --logLevel warn
	@touch $@
