# Each target sets up what it needs in .venv, with nothing but Python 3.11 or later, pip and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_TEST := $(VENV)/.ready-test

.PHONY: demo test slow lint clean

demo: $(READY)
	$(BIN)/sim demo

test: $(READY_TEST)
	$(BIN)/python -m pytest -m "not slow"

slow: $(READY_TEST)
	$(BIN)/python -m pytest -m slow

lint: $(READY_TEST)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find sim tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The pip of $(PYTHON) installs into .venv, which needs none of its own.
define install
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
		"Python 3.11 or later is needed; try: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@echo "setting up $(VENV); this takes a minute or two, once" >&2
	@$(PYTHON) -m venv --without-pip $(VENV)
	@$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check \
		-c constraints.txt -e "$(1)"
endef

$(READY): pyproject.toml constraints.txt
	$(call install,.)
	@touch $@

$(READY_TEST): pyproject.toml constraints.txt
	$(call install,.[test])
	@touch $(READY) $@
