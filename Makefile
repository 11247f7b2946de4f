# Liên Thông. `make` alone lists the targets. Every target first builds .venv from the locked, hashed packages.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run demo test check bench chaos figures fmt reset token operate adapter-conformance

PY := .venv/bin/python
BUILT := .venv/.locked
N ?= 1

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(BUILT) ## start the whole system: engines, services, sandbox; Ctrl-C stops it, data stay
	@$(PY) -m deploy.local run

demo: $(BUILT) ## take N dossiers (N=1) through the whole system and print their life
	@$(PY) -m deploy.demo --number $(N)

test: $(BUILT) ## run every test on the real engines
	@$(PY) -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder

check: $(BUILT) ## lint, types, import rules, drift, then every test
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PY) -m deploy.publish --check
	@$(MAKE) --no-print-directory test

bench: $(BUILT) ## measure, several runs with the floor beside them
	@$(PY) -m tests.bench

chaos: $(BUILT) ## let dossiers flow while everything fails, and compare everything: CHAOS="--seed 1 --dossiers 100"
	@$(PY) -m tests.chaos $(CHAOS)

figures: $(BUILT) ## make the figures of the documents again, published / ours / difference: PLACE=can-duoc for one
	@$(PY) -m deploy.figures $(if $(PLACE),--place $(PLACE))

fmt: $(BUILT) ## format and fix what can be fixed
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

adapter-conformance: $(BUILT) ## judge an adapter: ADAPTER="command that starts it" [ONLY="check ..."]
	@$(PY) -m deploy.conformance --adapter "$(ADAPTER)" $(if $(ONLY),--only $(ONLY))

reset: $(BUILT) ## delete the local data (LIENTHONG_DATA, default .local)
	@$(PY) -m deploy.local reset

token: $(BUILT) ## print a bearer token: ROLE=officer AGENCY=H29.12 [SUBJECT=...] [SYSTEM=...]
	@$(PY) -m deploy.local token --role "$(ROLE)" $(if $(AGENCY),--agency "$(AGENCY)") \
	  $(if $(SUBJECT),--subject "$(SUBJECT)") $(if $(SYSTEM),--system "$(SYSTEM)")

operate: $(BUILT) ## put a service of the running system right: SERVICE=sla DO="recover" | "replay" | "rebuild --all"
	@$(PY) -m deploy.local operate $(SERVICE) $(DO)

# The first Python that is new enough, by its real path: a link on somebody's PATH may be gone tomorrow.
# What pip says goes to stderr, so that `make token` prints a token and nothing else.
$(BUILT): requirements.lock
	@{ set -e; new='import os, sys; sys.version_info >= (3, 11) or sys.exit(1); print(os.path.realpath(sys.executable))'; \
	for name in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  python=$$($$name -c "$$new" 2>/dev/null) && break || python=; \
	done; \
	[ -n "$$python" ] || { echo "lien-thong: Python 3.11 or newer is needed and was not found" >&2; exit 1; }; \
	$(PY) -c "import pip, sys; sys.version_info >= (3, 11) or sys.exit(1)" 2>/dev/null || { \
	  echo "· building .venv with $$python"; rm -rf .venv; \
	  "$$python" -m venv .venv || { rm -rf .venv; \
	    echo "lien-thong: $$python cannot make a virtual environment: install its venv package" >&2; exit 1; }; }; \
	echo "· installing the locked packages"; \
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock || { \
	  echo "lien-thong: the locked packages could not be installed (is the package registry reachable?)" >&2; exit 1; }; \
	touch $@; } >&2
