# Two commands for people: `make demo` and `make test`. Everything they need is installed
# into .venv, from the package index; Graphviz's `dot` from the system's packages.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: demo test check lint types layers repo tests dot playground site clean

demo: $(STAMP) dot
	$(BIN)/nasdsl show nasnet_a
	$(BIN)/nasdsl check nasnet_a
	$(BIN)/nasdsl count nasnet_space
	$(BIN)/nasdsl sample nasnet_space --seed 0
	-$(BIN)/nasdsl render nasnet_a -o nasnet_a.svg
	$(BIN)/nasdsl cost nasnet_a --N 6 --filters 4032 --stem imagenet --image-size 331 --classes 1000
	$(BIN)/nasdsl compile nasnet_a.cell --N 6 --filters 4032
	rm -f demo.db demo.db-*
	$(BIN)/nasdsl search nasnet_space --algorithm ppo --trials 12 --workers 2 --store demo.db \
		--evaluator 'train?data=digits&recipe=quick&epochs=3&N=1&cell_filters=4'
	mkdir -p demo && $(BIN)/nasdsl search top demo.db -o demo
	$(BIN)/nasdsl show demo/001.cell --tree
	-$(BIN)/nasdsl render demo/001.cell -o demo/found.svg

test: $(STAMP) dot check

check: lint types layers repo tests

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports

# The project's own files: pyproject.toml, the workflows, and the habits of Python projects.
repo: $(STAMP)
	$(BIN)/validate-pyproject pyproject.toml
	$(BIN)/zizmor --offline --quiet .
	$(BIN)/sp-repo-review --show err .

tests: $(STAMP)
	$(BIN)/python -m pytest -n 2

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nasdsl needs Python 3.11 or later")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet 'pip>=25.1' # the first that knows dependency groups
	$(BIN)/python -m pip install --quiet --editable '.[all]' --group dev
	touch $@

# Only drawings need `dot`; where it cannot be installed, everything else still works. Newer
# versions of Debian have its engine `nop2` in a package of its own.
dot:
	@command -v dot >/dev/null \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	       && apt-get update -qq && apt-get install -qq -y graphviz >/dev/null \
	       && { apt-get install -qq -y 'libgvplugin-neato-layout[0-9]' >/dev/null 2>&1 || true; }; } \
	  || echo "note: Graphviz's 'dot' is missing; drawings need it (see https://graphviz.org/download)" >&2

# The page of `nasdsl play`, in playground/dist: static files for any web server.
playground: $(STAMP)
	cd playground && npm ci && PYTHON=$(abspath $(BIN)/python) npm run build

# The site, in build/site: `python -m website.build --help` has its settings.
site: $(STAMP)
	$(BIN)/python -m pip install --quiet --group docs
	$(BIN)/python -m website.build

clean:
	rm -rf $(VENV) build dist *.egg-info playground/dist playground/node_modules
