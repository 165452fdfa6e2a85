# make run    makes .venv from the lock, runs the example study, prints where the report is
# make open   the same environment, then the page in the browser over FOLDER (this one)
# make test   the same environment with the tools, then every check and test
# make verify the slow checks
# make site   the documents as a site, in build/site/html
# make sbom   the licence of everything that is installed, and a bill of materials
# PYTHON=3.13 (or a path) picks another interpreter; .venv is made anew when its version or a lock changes.

PYTHON ?= python3
STUDY ?= cisplatin_guinea_pig
FOLDER ?= .
override PYTHON := $(if $(filter 3.%,$(PYTHON)),python$(PYTHON),$(PYTHON))

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# Names the interpreter's version and what the locks hold.
KEY := $(shell "$(PYTHON)" -c 'import hashlib, pathlib, sys; \
	locks = b"".join(pathlib.Path(n).read_bytes() for n in ("requirements.lock", "requirements-dev.lock")); \
	print("%d.%d.%d-" % sys.version_info[:3] + hashlib.sha256(locks).hexdigest()[:12])' 2>/dev/null)
LOCKED := .venv/made-$(KEY)
INSTALLED := .venv/installed-$(KEY)
TOOLS := .venv/tools-$(KEY)
SITE := .venv/site-$(KEY)

.PHONY: run open browser test verify site install tools bench fits docs sbom format lock
.DELETE_ON_ERROR:

run: $(INSTALLED)
	$(BIN)/otosome run $(STUDY) --force

open: $(INSTALLED)
	$(BIN)/otosome open $(FOLDER)

install: $(INSTALLED)

tools: $(TOOLS)

# The stories of the page need a browser: installed where apt is there to do it, else those tests say why they are skipped.
browser:
	@command -v chromium >/dev/null || { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && \
	  { apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; }; } || \
	  echo "no chromium: tests in a browser are skipped (apt install chromium)"

# A fresh cache, because a stale compiled kernel gives wrong numbers silently; one thread, so that runs repeat. Kernels are
# compiled once, beside the check of types, and not by every process that runs tests.
test: $(TOOLS) browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cache=$$(mktemp -d) && trap 'rm -rf "$$cache"' EXIT && \
	export NUMBA_CACHE_DIR="$$cache" NUMBA_NUM_THREADS=1 OMP_NUM_THREADS=1 && \
	{ $(BIN)/python -m tools.kernels & kernels=$$!; } && \
	$(BIN)/mypy && wait "$$kernels" && $(BIN)/python -m pytest -n auto --dist loadfile

# Slow checks: a hundred thousand mutated laboratory files, two hundred small changes of the code that its tests must
# notice, every command of the documents as printed, and the site with its notebooks and links.
verify: $(TOOLS) $(SITE)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.fuzz
	$(BIN)/python -m tools.mutation
	$(BIN)/python -m tools.commands

# References, gallery and notebooks are made anew from real runs; broken links fail.
site: $(SITE)
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.site

# The peers come from the extra of the same name; one thread, so that a core is what is measured.
bench: $(INSTALLED)
	@$(PIP) --no-build-isolation --editable ".[bench]"
	$(BIN)/python -m tools.benchmark.start
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.benchmark.fits
	$(BIN)/python -m tools.benchmark

# Runs every shipped fit again and writes its draws and its numbers on the shelves; NAMES="tmpa_window" some of them.
fits: $(INSTALLED)
	$(BIN)/python -m tools.fits build/fits $(NAMES)

# Computes what README.md, docs/claims.md, docs/validation.md, docs/quality.md and docs/window.png show; some minutes.
docs: $(INSTALLED)
	$(BIN)/python -m tools.documents

# The licence of everything locked, and a bill of materials (CycloneDX).
sbom: $(TOOLS)
	$(BIN)/python -m tools.supply --write sbom.json

format: $(TOOLS)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Versions with hashes for every platform and Python at once; no download address is written.
COMPILE := $(BIN)/uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command "make lock" --quiet
lock: $(TOOLS)
	$(COMPILE) --extra page --extra dev $(UPGRADE) --output-file requirements-dev.lock
	$(COMPILE) --extra page --constraint requirements-dev.lock --output-file requirements.lock
	$(COMPILE) --extra page --extra docs --constraint requirements-dev.lock $(UPGRADE) --output-file requirements-docs.lock

$(LOCKED):
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "otosome needs Python 3.11 or newer, and '$(PYTHON)' is not that."; \
	  echo "On Debian: apt install make python3-venv    or name another: make run PYTHON=3.12"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make a virtual environment. On Debian: apt install make python3-venv"; exit 1; }
	@echo "making .venv from the lock (once; downloads the packages it names)"
	@"$(PYTHON)" -m venv --clear .venv
	@$(PIP) --require-hashes --requirement requirements.lock
	@touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(SITE): $(INSTALLED) requirements-docs.lock
	@$(PIP) --require-hashes --requirement requirements-docs.lock
	@touch $@

$(TOOLS): $(INSTALLED)
	@$(PIP) --require-hashes --requirement requirements-dev.lock
	@touch $@
