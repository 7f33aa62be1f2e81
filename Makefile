# jinheng. On a machine with make and a Python 3.12 to 3.14, nothing else:
#   make demo     the main job on the shipped example
#   make test     the tests
#   make check    all that CI holds: locks, format, lint, strict types, tests
# Another Python: make demo UV_PYTHON=/path/to/python3.13

PYTHON_FOLDERS = $(foreach folder,optimizer market_data scenarios api tests tools benchmarks docs,$(if $(wildcard \
	$(folder)/*.py),$(folder)))
BIN = .venv/bin
ARGS =

.DEFAULT_GOAL := help
.PHONY: help demo test check lock-check format-check lint types format lock bench bench-check peers clean runtime dev \
	browser

help:
	@sed -n 's/^#   //p' Makefile
	@echo 'also: make format | lock | bench | bench-check | peers | clean, and make test ARGS="-k lots"'

demo: runtime
	@$(BIN)/jinheng demo

test: dev browser
	@$(BIN)/python -m pytest $(ARGS)

# The tests come last, so that their closing lines do.
check: lock-check format-check lint types test

lock-check: dev
	@$(BIN)/python tools/lock.py --check

format-check: dev
	@$(BIN)/ruff format --check --quiet $(PYTHON_FOLDERS) || { echo 'Not formatted: run make format.'; exit 1; }

lint: dev
	@$(BIN)/ruff check --quiet $(PYTHON_FOLDERS)

types: dev
	@$(BIN)/mypy $(PYTHON_FOLDERS)

format: dev
	@$(BIN)/ruff check --quiet --fix-only $(PYTHON_FOLDERS)
	@$(BIN)/ruff format $(PYTHON_FOLDERS)

# Resolves every version anew (network), then brings .venv up to it.
lock: dev
	@settings=$$(.tools/bin/python tools/pip_settings.py) && eval "$$settings" && \
	    UV_SYSTEM_CERTS=$${UV_SYSTEM_CERTS:-1} $(BIN)/python tools/lock.py
	@sh tools/bootstrap.sh dev

# Ratios measured side by side: make bench ARGS="calendar draws", ARGS=--quick.
bench: dev
	@$(BIN)/python -m benchmarks $(ARGS)

# Measures too, and fails where a ratio is worse than the baseline.
bench-check: dev
	@$(BIN)/python -m benchmarks check $(ARGS)

# What the engine is measured beside; not needed for anything else.
peers: dev
	@settings=$$(.tools/bin/python tools/pip_settings.py) && eval "$$settings" && \
	    UV_SYSTEM_CERTS=$${UV_SYSTEM_CERTS:-1} UV_NO_CONFIG=1 UV_INDEX_STRATEGY=$${UV_INDEX_STRATEGY:-unsafe-best-match} \
	    .tools/bin/uv pip install --quiet --python $(BIN)/python --no-build --require-hashes \
	    -r requirements.peers.lock.txt

clean:
	rm -rf .venv .tools build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find $(PYTHON_FOLDERS) -type d -name __pycache__ -prune -exec rm -rf {} +

runtime:
	@sh tools/bootstrap.sh runtime

browser:
	@sh tools/browser.sh

dev:
	@sh tools/bootstrap.sh dev
