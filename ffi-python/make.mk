# The Python package. Included by the Makefile at the top; paths are relative to it.

PYTHON ?= python3
VENV ?= .venv
PYTHON_STAMP := $(VENV)/.hauptbuch-setup

SETUP_TARGETS += python-setup
TEST_TARGETS += python-test

# Pinned, so that a new release of a tool can't turn a passing tree into a failing one.
PYTHON_TOOLS := maturin==1.16.0 pytest==9.2.0 mypy==2.4.1
PYTHON_LIBRARIES := numpy==2.4.6 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1 tqdm==4.70.1

.PHONY: python-setup python-test python-wheel

python-setup: $(PYTHON_STAMP)

$(PYTHON_STAMP): ffi-python/make.mk
	@command -v $(PYTHON) >/dev/null 2>&1 || \
		{ echo "python3 is missing: install Python 3.11 or later" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is too old: install Python 3.11 or later" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "python3 has no venv: install the package python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		$(PYTHON_TOOLS) $(PYTHON_LIBRARIES)
	@touch $@

# Tests run against the installed package, as it is released; doctests are one of them.
python-test: python-setup
	cd ffi-python && VIRTUAL_ENV=$(abspath $(VENV)) $(abspath $(VENV))/bin/maturin develop --release --locked
	cd ffi-python && $(abspath $(VENV))/bin/python -m pytest -q

python-wheel: python-setup
	cd ffi-python && $(abspath $(VENV))/bin/maturin build --release --locked --out $(abspath dist)
