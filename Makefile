# make demo    translate a sentence and see what each word attended to
# make test    run the tests            make lint    format, types, layers
# make bench   measure against peers    make docs    build the documentation
# make clean   remove what make built
#
# TORCH_INDEX=URL   an extra package index with another build of torch (CPU only, another CUDA)
# PYTHON=python3.12 the interpreter that makes .venv
# WORKERS=1         tests at the same time

PYTHON ?= python3
TORCH_INDEX ?=
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
SENTENCE := The cat sat on the mat.

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench docs clean

help:
	@sed -n 's/^# \{0,1\}//p' Makefile

demo: $(VENV)/.regard
	@echo "==> Translating \"$(SENTENCE)\" with the model that ships, en-fr"
	$(BIN)/regard translate "$(SENTENCE)" --look attention.png --word sat --force

test: $(VENV)/.regard-test $(VENV)/.timm
	@echo "==> Running the tests, $(WORKERS) at a time"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(TESTS)

lint: $(VENV)/.regard-dev
	@echo "==> Style"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@echo "==> Types"
	$(BIN)/mypy
	@echo "==> Layers"
	$(BIN)/lint-imports

bench: $(VENV)/.regard-bench $(VENV)/.timm
	@echo "==> Measuring against peers; this takes a while"
	$(BIN)/python -m benchmarks

docs: $(VENV)/.regard-docs
	@echo "==> Building the documentation into site/"
	$(BIN)/mkdocs build --strict --quiet

clean:
	rm -rf $(VENV) build dist site attention.png .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# One stamp for each set of dependencies: nothing is installed again until the versions change.
$(VENV)/.made:
	@echo "==> Making $(VENV) with $(PYTHON)"
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(v < (3, 11) and f"Regard needs Python 3.11 or later; $(PYTHON) is {v[0]}.{v[1]}. Try make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.regard: $(VENV)/.made pyproject.toml constraints.txt
	@echo "==> Installing Regard into $(VENV) (torch is large: the first time takes minutes)"
	@$(INSTALL) -e .
	@touch $@

# timm wants torchvision, which PyPI compiles for CUDA and which then breaks what imports it beside a torch for the
# CPU: they stand apart, and benchmarks/peers.py knows where.
$(VENV)/.timm: $(VENV)/.made constraints.txt
	@echo "==> Installing timm into $(VENV)/timm"
	@$(INSTALL) --no-deps --upgrade --target $(VENV)/timm timm torchvision
	@touch $@

$(VENV)/.regard-%: $(VENV)/.made pyproject.toml constraints.txt
	@echo "==> Installing Regard and what '$*' needs into $(VENV)"
	@$(INSTALL) -e '.[$*]'
	@touch $@ $(VENV)/.regard
