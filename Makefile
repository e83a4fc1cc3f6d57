# Two verbs do all the set-up on a fresh machine with Python 3.11+, make and git: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help demo test check fix bench drill lock clean

help:
	@echo "make demo    set up, then run the demo: gateway, scripted provider, a mixed workload, a table"
	@echo "make test    set up, then run all tests"
	@echo "make check   lint, types, import rules"
	@echo "make fix     format, and mend what the linter can mend"
	@echo "make drill   run every drill: inject each failure, with Seawall off and on"
	@echo "make bench   measure the overhead against a bare relay"
	@echo "make lock    resolve the dependencies anew"

$(READY): requirements.lock pyproject.toml hatch_build.py src/seawall/runtime/price_source.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Seawall needs Python 3.11 or newer; set PYTHON=...")'
	@echo "setting up .venv (once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)
	@$(BIN)/seawall demo

test: $(READY)
	$(BIN)/pytest

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

drill: $(READY)
	$(BIN)/seawall drill

bench: $(READY)
	$(BIN)/python bench/overhead.py

lock:
	$(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --all-extras \
	  --group dev pyproject.toml -o requirements.lock --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache src/seawall/_built
