# Two commands matter: `make demo` and `make test`. `make help` tells of the others.
# The first Python that is new enough, unless one is named.
ifndef PYTHON
PYTHON := $(or $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done),python3)
endif
BUILD := $(CURDIR)/build
BIN := $(BUILD)/venv/bin

# A run sees nothing of the caller's own set-up: neither Ansible's, AWS's nor Python's. Of pip's it sees only
# where packages come from (index, proxy, certificate), not where they should go or which to leave out.
unexport $(filter ANSIBLE_% AWS_% BOTO_% BOTO3_% MOTO_% MYPY% PYTEST_% PYTHON% RUFF_% YAMLLINT_%,$(.VARIABLES))
unexport PIP_BUILD_CONSTRAINT PIP_CONSTRAINT PIP_DRY_RUN PIP_IGNORE_INSTALLED PIP_NO_DEPS PIP_PREFIX PIP_PYTHON
unexport PIP_REQUIRE_HASHES PIP_REQUIREMENT PIP_ROOT PIP_TARGET PIP_USER
unexport GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE VIRTUAL_ENV
export ANSIBLE_COLLECTIONS_PATH := $(BUILD)/collections
export ANSIBLE_CONFIG := $(CURDIR)/tests/ansible.cfg
export ANSIBLE_HOME := $(BUILD)/ansible
# boto3 reads these files even when a run has no use for them.
export AWS_CONFIG_FILE := /dev/null
export AWS_SHARED_CREDENTIALS_FILE := /dev/null
export AWS_EC2_METADATA_DISABLED := true
# What is installed below build is no part of this repository, whose .gitignore would have it skipped.
export GIT_CEILING_DIRECTORIES := $(BUILD)
export PYTHONUNBUFFERED := 1
export PATH := $(BIN):$(PATH)

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

.PHONY: environment
environment: ## build the virtual environment and the links (the others do so as needed)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "This needs Python 3.11 or later; $(PYTHON) is none: $$($(PYTHON) --version 2>&1 | head -n 1)"; \
	  echo "Name another one: make $(or $(firstword $(MAKECMDGOALS)),environment) PYTHON=/path/to/python3.12"; \
	  exit 1; } >&2
	@$(PYTHON) tests/tools/environment.py

.PHONY: demo
demo: environment ## run the guide's canary twice on the sandbox: a good image, then a bad one
	@$(BIN)/python -m tests.demo

.PHONY: prometheus
prometheus: environment ## judge canaries by a real Prometheus (Debian's package, unpacked into build/)
	@$(BIN)/python -m tests.demo.by_prometheus

.PHONY: sandbox
sandbox: environment ## start the pretend AWS with a shop in it, until interrupted (PORT=5566)
	@$(BIN)/python -m tests.sandbox --shop --port $(or $(PORT),5566)

# The tests come last: their summary is the last line of the run.
.PHONY: test
test: environment ## lint, sanity and all tests
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint sanity
	@$(MAKE) --no-print-directory pytest

.PHONY: pytest
pytest: environment ## all tests but the thorough ones, or those of TESTS=path
	@$(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder $(or $(TESTS),-m "not thorough")

.PHONY: thorough
thorough: environment ## the tests of which make test has a sample only (ten minutes)
	@$(BIN)/pytest -n 2 --dist load -m thorough

.PHONY: unit
unit: environment ## the tests of the pure core
	@$(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder tests/unit

.PHONY: integration
integration: environment ## the tests that run modules and playbooks on the sandbox
	@$(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder tests/integration

.PHONY: faults
faults: environment ## the whole sweep: every fault at every call (an hour; EVERY=10 for a tenth of it)
	@PYTHONPATH=$(BUILD)/collections:. $(BIN)/python -m tests.faults --every $(or $(EVERY),1)

.PHONY: fault-pairs
fault-pairs: environment ## two faults in one run, in a sample (half an hour; PAIRS=2000, SEED=1)
	@PYTHONPATH=$(BUILD)/collections:. $(BIN)/python -m tests.faults --pairs $(or $(PAIRS),2000) --seed $(or $(SEED),1)

.PHONY: kills
kills: environment ## kill real runs of the playbook at each of their writes, and run again (half an hour)
	@PYTHONPATH=$(BUILD)/collections:. $(BIN)/python -m tests.faults.kills

.PHONY: judge-quality
judge-quality: environment ## simulate phases: false alarms and what the judge finds (an hour; PHASES=100 for a tenth)
	@PYTHONPATH=$(BUILD)/collections:. $(BIN)/python -m tests.benchmark.judge_quality --phases $(or $(PHASES),1000) --seed $(or $(SEED),1)

.PHONY: judge-chart
judge-chart: environment ## draw docs/judging-power.svg: how often each judge fails a canary, by how much it differs
	@PYTHONPATH=$(BUILD)/collections:. $(BIN)/python -m tests.benchmark.judge_chart --phases $(or $(PHASES),200) --seed $(or $(SEED),1)

.PHONY: judge-fleets
judge-fleets: environment ## deploy on a pretend fleet whose instances differ: no false alarm, and a slow image caught (TIMES=20)
	@PYTHONPATH=$(BUILD)/collections:. $(BIN)/python -m tests.benchmark.uneven_fleets --times $(or $(TIMES),20)

.PHONY: judge-cases
judge-cases: environment ## judge the phases of a file, a JSON line each (CASES=file)
	@PYTHONPATH=$(BUILD)/collections:. $(BIN)/python -m tests.tools.judge_cases $(CASES)

.PHONY: compatibility
compatibility: environment ## the deployments on every Ansible from 2.16 to the newest (an hour; CORE=2.16 for one)
	@PYTHONPATH=$(BUILD)/collections:. $(BIN)/python -m tests.tools.compatibility $(if $(CORE),--core $(CORE))

.PHONY: rulebook
rulebook: environment ## run the rulebook with the real ansible-rulebook on the sandbox (needs Java 17 or later)
	@PYTHONPATH=$(BUILD)/collections:. $(BIN)/python -m tests.tools.rulebook

.PHONY: benchmark
benchmark: environment ## measure a deployment against others, by size and many at once (half an hour; PARTS=ways)
	@PYTHONPATH=$(BUILD)/collections:. $(BIN)/python -m tests.benchmark $(PARTS)

define CHECKS
ruff check --quiet .
ruff format --quiet --check --output-format concise .
mypy --no-error-summary
env PYTHONPATH=plugins lint-imports --cache-dir build/import-linter
ansible-lint --offline --profile production --strict --nocolor -q
antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs dependent --disallow-unknown-collection-refs .
antsibull-changelog lint
endef
export CHECKS

.PHONY: lint
lint: environment ## layout, types, Ansible's conventions, documentation and change log
	@echo "$$CHECKS" | { \
	  while read -r check; do echo "$$check"; output=$$($$check </dev/null 2>&1) || { \
	    echo "$$output"; failed="$$failed$${failed:+, }$${check%% -*}"; }; done; \
	  test -z "$$failed" || { echo "Lint failed: $$failed" >&2; exit 1; }; }

.PHONY: sanity
sanity: environment ## ansible-test sanity on the collection as it would be installed
	@$(BIN)/python -m tests.tools.sanity

.PHONY: format
format: environment ## let ruff put imports and layout in order
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

.PHONY: docs
docs: environment ## build the documentation as a site into build/docs/html
	@$(BIN)/python -m tests.tools.documentation

.PHONY: package
package: environment ## build the collection's archive into build/
	@$(BIN)/ansible-galaxy collection build --force --output-path $(BUILD)

.PHONY: release
release: environment ## prepare a release: changelog, archive, checksum, Galaxy's own checks (VERSION=1.0.0)
	@$(BIN)/python -m tests.tools.release $(VERSION)

.PHONY: requirements
requirements: environment ## pin anew what tests/requirements.in asks for (UPGRADE=1: the newest)
	@$(BIN)/uv pip compile $(if $(UPGRADE),--upgrade) --quiet --universal --python-version 3.11 --no-annotate \
	  --custom-compile-command "make requirements" --output-file tests/requirements.txt tests/requirements.in

.PHONY: clean
clean: ## remove everything that was built
	@rm -rf $(BUILD)
