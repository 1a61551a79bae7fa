# `make help` lists the targets. All of them run inside .venv, which the first one makes from requirements.lock.

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo test slow fuzz kills lint format lock lock-check notebooks benchmarks leaderboard rivals clean

# Any Python from 3.11 to 3.13: `make demo PYTHON=python3.12` names one.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(IN_RANGE)' 2>/dev/null && echo $$python && exit; done; echo python3)
IN_RANGE = import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))

BIN = .venv/bin
INSTALLED = .venv/installed.stamp
PIP = $(BIN)/python -m pip --disable-pip-version-check -qq

# `make test PYTEST_ARGS="-k lstm -x"` runs some of the tests, in one process.
PYTEST_ARGS ?= -n 2 --dist loadfile

# Each prints a ratio of ours to a rival's, both run in turn on the same two cores.
BENCHMARKS = benchmarks/latency.py benchmarks/throughput.py benchmarks/time_to_accuracy.py benchmarks/shakespeare.py
ON_TWO_CORES = $(shell command -v taskset >/dev/null && echo taskset -c 0,1)

COMPILE_LOCK = $(BIN)/uv pip compile setup.cfg --quiet --extra dev --extra notebooks --universal --python-version 3.11 \
	--no-emit-index-url --custom-compile-command "make lock"

help:  ## Lists the targets.
	@sed -nE 's/^([a-z-]+):.*  ## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(INSTALLED)  ## Trains, exports and uses a model on the embedded corpus, in two minutes.
	@$(BIN)/zoo demo

test: $(INSTALLED)  ## Runs the tests, but for those that take longest.
	@$(BIN)/python -m pytest -q $(PYTEST_ARGS) -m "not slow" tests

slow: $(INSTALLED)  ## Runs the tests that take longest, in five minutes.
	@$(BIN)/python -m pytest -q $(PYTEST_ARGS) -m slow tests

fuzz: $(INSTALLED)  ## Reads tens of thousands of damaged files and odd texts.
	@ZOO_FUZZ=60 $(BIN)/python -m pytest -q $(PYTEST_ARGS) tests/test_fuzz.py tests/test_any_text.py

kills: $(INSTALLED)  ## Kills small fits at 200 random moments, and compares what they come to (KILLS=8: at fewer; SEED=2: at others).
	@$(BIN)/python -m benchmarks.kills --kills $(or $(KILLS),200) --seed $(or $(SEED),1)

lint: $(INSTALLED)  ## Checks style, format, types and the lock.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy zoo
	@$(MAKE) --no-print-directory lock-check

format: $(INSTALLED)  ## Formats the code and mends what ruff can mend.
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

lock: $(INSTALLED)  ## Makes requirements.lock again from setup.cfg, keeping the versions that still fit (UPGRADE=1: the newest).
	@$(COMPILE_LOCK) --generate-hashes $(if $(UPGRADE),--upgrade) --output-file requirements.lock
	@echo "requirements.lock is fresh; the next target installs what changed."

# The versions alone are compared: a file that a package's authors add to a release is no change of ours.
WITHOUT_HASHES = sed -e '/--hash=/d' -e 's/ \\$$//'
lock-check: $(INSTALLED)
	@$(BIN)/python -m pytest -q -p no:cacheprovider -k lock tests/test_repository.py
	@fresh=$$(mktemp) && trap 'rm -f "$$fresh"' EXIT && $(WITHOUT_HASHES) requirements.lock > "$$fresh" && \
	if ! $(COMPILE_LOCK) --output-file "$$fresh"; then \
		echo "The lock was compared with setup.cfg only: uv could not resolve it again (no network?)."; \
	elif ! $(WITHOUT_HASHES) requirements.lock | diff - "$$fresh"; then \
		echo "requirements.lock is not what setup.cfg asks for: run \`make lock\`."; exit 1; \
	else echo "requirements.lock is what setup.cfg asks for."; fi

benchmarks: $(INSTALLED)  ## Runs the benchmarks, one after the other.
	@for benchmark in $(BENCHMARKS); do echo "== $$benchmark"; $(ON_TWO_CORES) $(BIN)/python $$benchmark || exit; done

notebooks: $(INSTALLED)  ## Runs the notebooks and checks what they say (WRITE=1: puts their outputs into the files; NOTEBOOKS="quickstart" some).
	@$(BIN)/python notebooks/run.py $(if $(WRITE),--write) $(NOTEBOOKS)

leaderboard: $(INSTALLED)  ## Trains every model that ships again, and says how far each is from what is written.
	@$(ON_TWO_CORES) $(BIN)/zoo leaderboard --again runs/leaderboard

rivals:  ## Makes .venv-rivals, with PyTorch and KerasHub, for benchmarks/generation.py and shakespeare.py.
	@$(PYTHON) -m venv .venv-rivals
	@.venv-rivals/bin/python -m pip --disable-pip-version-check -qq install $$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' benchmarks/rivals.txt)
	@.venv-rivals/bin/python -m pip --disable-pip-version-check -qq install -r benchmarks/rivals.txt

clean:  ## Removes .venv, .venv-rivals, caches and builds; runs/ stays.
	@rm -rf .venv .venv-rivals .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp comes last: an install that broke off is begun again.
$(INSTALLED): requirements.lock setup.cfg pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "The zoo needs Python 3.11, 3.12 or 3.13; there is no $(PYTHON) here."; exit 1; }
	@$(PYTHON) -c '$(IN_RANGE)' || { echo "The zoo needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) -V): name one with PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments: install its venv module (on Debian and Ubuntu: apt-get install python3-venv)."; exit 1; }
	@echo "Installing TensorFlow, Keras and the zoo into .venv with $$($(PYTHON) -V), once: a minute or two ..."
	@$(BIN)/python -c '$(IN_RANGE)' 2>/dev/null && $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
