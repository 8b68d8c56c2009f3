# Everything a person or a machine does here. `make help` says a line about each.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ROUTER ?= gateway
N ?= 200
IMAGE ?= rollouts:dev
SBOM ?= dist/rollouts.cdx.json
SBOM_ROOM ?= $(VENV)/sbom

.PHONY: help demo test check generate manifests image sbom coverage bench chaos clean
.DEFAULT_GOAL := help

help:  ## say what each target does
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

# A cluster of yours is named apart from $KUBECONFIG, so that nobody's production is taken by accident.
demo: $(VENV)/ready  ## a good release promoted, a bad one aborted (ROUTER=nginx|gateway; yours: CLUSTER=kubeconfig URL= PROMETHEUS=)
	$(BIN)/python -m rollouts demo --router $(ROUTER) $(if $(CLUSTER),--kubeconfig $(CLUSTER) --url $(URL) --prometheus $(PROMETHEUS))

test: check  ## all checks, then all tests: unit, properties, then a sandbox with real parts
	$(BIN)/python -m rollouts.cli.generate_manifests --check
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/run.py

check: $(VENV)/ready  ## format, lint, types, import contracts, generated files, size budgets
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m rollouts.cli.generate --check
	$(BIN)/python -m pytest -p no:randomly -p no:cacheprovider tests/architecture

generate: $(VENV)/ready  ## write crds/, the ClusterRole and the README's tables from the code
	$(BIN)/python -m rollouts.cli.generate

manifests: generate  ## write charts/manifests/ from the chart, for those who install without Helm
	$(BIN)/python -m rollouts.cli.generate_manifests

# Times in the image are those of the commit, so that whoever builds it gets the same bytes.
image:  ## the controller's image, which needs docker (IMAGE=name:tag)
	docker build --target controller --build-arg SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) --tag $(IMAGE) .

sbom: $(SBOM_ROOM)/ready  ## what the image holds, as CycloneDX: packages, licences, who needs whom (SBOM=file)
	@mkdir -p $(dir $(SBOM))
	$(SBOM_ROOM)/tool/bin/cyclonedx-py environment --pyproject pyproject.toml --spec-version 1.6 --output-reproducible \
	  --validate --output-file $(SBOM) $(SBOM_ROOM)/contents/bin/python

coverage: $(VENV)/ready  ## lines and branches of the core that unit tests and scenarios reach, file by file; names the rest
	$(BIN)/python tests/run.py --part core

bench: $(VENV)/ready  ## N Rollouts at once on the sandbox: ratios, requests, CPU, memory, abort latency (N=200)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/bench/run.py --rollouts $(N)

# SEED draws again what it drew; ONLY=scenario[:perturbation],… plays these; `--output json` and more in ARGS.
chaos: $(VENV)/ready  ## every scenario with crashes after each write and late or missing news (SEED= ONLY= ARGS=)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.chaos.run $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) $(ARGS)

clean:  ## remove the virtual environment, caches and every sandbox of this user
	-test -x $(BIN)/python && $(BIN)/python -m rollouts sandbox down --all
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info

# The environment, from the lock file; made anew when that changes.
$(VENV)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": set PYTHON=") if sys.version_info < (3, 11) else None'
	@echo "making $(VENV) from requirements.lock …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# What the image holds, installed as the image installs it, and beside it the tool that reads it.
$(SBOM_ROOM)/ready: requirements.lock pyproject.toml
	@echo "installing what the image holds, to be listed …"
	@rm -rf $(SBOM_ROOM) && mkdir -p $(SBOM_ROOM)
	@$(PYTHON) rollouts/cli/generate_lock.py rollouts > $(SBOM_ROOM)/run.lock
	@$(PYTHON) -m venv $(SBOM_ROOM)/tool
	@$(PYTHON) -m venv --without-pip $(SBOM_ROOM)/contents
	@$(SBOM_ROOM)/tool/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0
	@$(SBOM_ROOM)/tool/bin/python -m pip --python $(SBOM_ROOM)/contents/bin/python install --quiet \
	  --disable-pip-version-check --no-compile --require-hashes --only-binary :all: -r $(SBOM_ROOM)/run.lock
	@touch $@
