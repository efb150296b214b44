# Two commands matter: `make demo` and `make test`. `make help` tells of the others.
PYTHON ?= python3
BUILD := $(CURDIR)/build
VENV := $(BUILD)/venv
BIN := $(VENV)/bin
COLLECTIONS := $(BUILD)/collections
COLLECTION := $(COLLECTIONS)/ansible_collections/progressive/aws
LINKED := galaxy.yml meta playbooks plugins roles tests

# Nothing of the caller's own Ansible set-up may leak into a run.
export ANSIBLE_COLLECTIONS_PATH := $(COLLECTIONS)
export PATH := $(BIN):$(PATH)

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

$(BUILD)/installed: tests/requirements.txt
	@rm -rf $(VENV)
	@mkdir -p $(BUILD)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
	@touch $@

# Links to the parts, not to the whole: a link to this folder would contain itself.
$(BUILD)/linked: Makefile
	@rm -rf $(COLLECTIONS)
	@mkdir -p $(COLLECTION)
	@for part in $(LINKED); do ln -s $(CURDIR)/$$part $(COLLECTION)/$$part; done
	@touch $@

.PHONY: environment
environment: $(BUILD)/installed $(BUILD)/linked ## build the virtual environment (done by the others as needed)
