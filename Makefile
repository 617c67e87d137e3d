# Mintmark for people who check it out: `make` lists what there is. PYTHON=python3.12 chooses another Python, PIP=23.0.1 another pip.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
MADE := $(VENV)/.made-with-$(or $(PYTHON_VERSION),nothing)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-virtualenv

.DEFAULT_GOAL := help
.PHONY: help run test test-rest test-helm test-cluster coverage lint docs docs-serve check bench bench-peers instructions load memory profile release clean python-is-new-enough

help: ## list these targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1	\2/' | expand -t 20

run: $(VENV)/.run ## install into .venv and start the demo: a server, a Redis, and commands to try (PORT=8080)
	$(BIN)/mintmark demo $(if $(PORT),--port $(PORT))

ASIDE := --ignore tests/helm --ignore tests/cluster
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal
test: $(VENV)/.test ## run the tests that most changes need (4 minutes on two cores)
	$(PYTEST) -m "not slow and not browser and not topologies" $(ASIDE)

test-rest: $(VENV)/.test ## run the others: slow ones, in a browser, on Sentinel and Cluster (needs Chromium and Node.js)
	$(PYTEST) -m "slow or browser or topologies" $(ASIDE)

coverage: $(VENV)/.test ## run both with coverage, which takes twice the time; fails below 96 %, and is not part of CI
	$(PYTEST) --cov --cov-report=term $(ASIDE)

test-helm: $(VENV)/.test ## test the chart with the real helm and kubeconform, built on the first run (needs Go 1.26)
	$(PYTEST) -q tests/helm

test-cluster: $(VENV)/.test ## install the chart on a real Kubernetes, built on the first run (needs Go 1.26; as root pods run, too)
	$(BIN)/python -m tests.cluster.programs
	$(BIN)/python -m tests.cluster.pods.images
	sh tests/cluster/alone.sh $(BIN)/python -m pytest -q -s tests/cluster

lint: $(VENV)/.test ## ruff, mypy and import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd guard && ../$(BIN)/lint-imports

export NO_MKDOCS_2_WARNING := 1
docs: $(VENV)/.docs ## build the docs site into site/, whose pages also open as files (needs npm); a broken link fails
	$(BIN)/mkdocs build

docs-serve: $(VENV)/.docs ## show the docs site at http://127.0.0.1:8000 and build it again as you write
	$(BIN)/mkdocs serve

check: lint test test-rest test-helm ## lint and test, as CI does

SERVED = $(if $(SERVED_BY),--python $(SERVED_BY))
bench: $(VENV)/.load ## what each kind of request costs, in units of an empty aiohttp handler (4 minutes; needs wrk; SERVED_BY=python3.13)
	@mkdir -p artifacts
	$(BIN)/python -m loadtests.bench --json artifacts/bench.json $(SERVED)

bench-peers: $(VENV)/.load ## the same work beside other servers (12 minutes; needs wrk, and for each peer what it says)
	@mkdir -p artifacts
	$(BIN)/python -m loadtests.bench_peers --json artifacts/bench-peers.json $(SERVED)

instructions: $(VENV)/.load ## what each kind of request costs in CPU instructions, whatever else runs (needs valgrind)
	$(BIN)/python -m loadtests.instructions $(SERVED)

load: $(VENV)/.load ## users as they behave, by locust, against the server of make run
	@mkdir -p artifacts
	$(BIN)/python -m locust -f loadtests/locustfile.py --headless -u 20 -r 20 -t 30s --html artifacts/load.html --csv artifacts/load Mixed

memory: $(VENV)/.load ## bytes of Redis per token and grant, and the cost of a request among a million
	$(BIN)/python -m loadtests.memory $(SERVED)

profile: $(VENV)/.load ## a flame graph of the server under load, artifacts/profile.svg (needs wrk)
	@mkdir -p artifacts
	$(BIN)/python -m loadtests.flame_graph $(SERVED)

release: $(VENV)/.test ## commit and tag a release, its files into dist/ (VERSION=0.2.0; REPOSITORY=, IMAGE=, BASE=, HELM=, SIGN= and KEYRING=, see CONTRIBUTING.md)
	@test -n "$(VERSION)" || { echo "Which one? VERSION=0.2.0 make release" >&2; exit 2; }
	$(BIN)/python -m release $(VERSION) $(if $(REPOSITORY),--repository $(REPOSITORY)) $(if $(IMAGE),--image $(IMAGE)) $(if $(BASE),--base $(BASE)) \
		$(if $(HELM),--helm $(HELM)) $(if $(SIGN),--sign $(SIGN) --keyring $(KEYRING) $(if $(PASSPHRASE_FILE),--passphrase-file $(PASSPHRASE_FILE)))

clean: ## remove environments and everything that tools left; .mintmark (the demo's data) stays
	rm -rf $(VENV) .venv-serving build dist site htmlcov .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache guard/.import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: nothing is installed again while the lock files and both pyproject.toml are as they were.

$(VENV)/.run: requirements/run.txt $(VENV)/.ours
	$(INSTALL) --no-deps --require-hashes -r requirements/run.txt
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.ours
	$(INSTALL) --no-deps --require-hashes -r requirements/test.txt
	@touch $@

$(VENV)/.load: requirements/load.txt $(VENV)/.ours
	$(INSTALL) --no-deps --require-hashes -r requirements/load.txt
	@touch $@

$(VENV)/.docs: requirements/docs.txt docs/node/package-lock.json $(MADE)
	$(INSTALL) --no-deps --require-hashes -r requirements/docs.txt
	cd docs/node && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(VENV)/.ours: pyproject.toml guard/pyproject.toml $(MADE)
	$(INSTALL) --no-deps -e . -e ./guard
	@touch $@

$(MADE): | python-is-new-enough
	@rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(if $(PIP),$(INSTALL) pip==$(PIP))
	@touch $@

python-is-new-enough:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Mintmark needs Python 3.11 or newer; $(PYTHON) is $(or $(PYTHON_VERSION),not there)." >&2; \
		echo "Install one, or name it: PYTHON=python3.12 make $(MAKECMDGOALS)" >&2; exit 1; }
