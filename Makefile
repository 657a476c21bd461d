# Everything that a user runs; README.md explains it.  Each target makes .venv
# first when it is missing, unfinished or older than requirements.txt.
#
#   make train     trains sign masks on the embedded digits, into runs/digits
#   make test      runs the tests; TESTS=tests/layers runs those alone
#   make fuzz      tries 10,000 good, odd and damaged inputs on what reads them
#   make doctor    says what works on this machine
#   make web       fetches LiteRT.js with npm, for the page of the device server
#   make docs      builds the API reference into build/api, from docstrings
#   make lock      compiles requirements.txt again, for developers: it keeps the
#                  versions that are there; UPGRADE=--upgrade takes the newest
#   make clean     removes .venv, caches and build/, not runs/
#
# PYTHON=/path/to/python3.12 picks the interpreter that .venv is made with; without
# it, and where none of Python 3.10 to 3.13 is installed, uv fetches one.

VENV := .venv
FETCHED := 3.12
RUN := $(VENV)/bin/python
TESTS := tests
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3.12 python3.13 python3.11 \
  python3.10 python3)

.PHONY: train test fuzz doctor web docs lock clean venv

train: venv
	@$(RUN) -m binaries.train --flagfile=configs/hidenseek.digits.cnn.flags \
	  --reference=fed_avg --output_dir=runs/digits --resume

test: venv
	@$(RUN) -m pytest $(TESTS)

# The tests of tests/fuzz, which `make test` runs with 300 inputs.
fuzz: venv
	@FUZZ_INPUTS=10000 $(RUN) -m pytest tests/fuzz

doctor: venv
	@$(RUN) -m binaries.doctor

web: venv
	@$(RUN) -m tff_hidenseek.on_device.web.litert_files

# pdoc reads what it describes by importing it, so it runs with .venv's Python;
# it lies in a folder of its own, because nothing else needs it.  What it warns
# of, such as a type that cannot be resolved, is an error; not that it keeps a
# value to itself that is in the environment too, such as a path.
DOCS := .venv-docs
PDOC := pdoc==16.0.0 markdown2==2.5.5

docs: venv
	@[ "$$(cat $(DOCS)/installed.txt 2>/dev/null)" = '$(PDOC)' ] || { \
	  rm -rf $(DOCS) && \
	  $(RUN) -m pip install --quiet --disable-pip-version-check --no-deps \
	    --target $(DOCS) $(PDOC) && \
	  echo '$(PDOC)' > $(DOCS)/installed.txt; \
	}
	@rm -rf build/api
	@TF_CPP_MIN_LOG_LEVEL=3 PYTHONPATH=$(DOCS) $(RUN) -W error::UserWarning \
	  -W ignore::RuntimeWarning -m pdoc --docformat google --no-show-source \
	  --output-directory build/api tff_hidenseek
	@echo 'Open build/api/index.html.'

# Sets $python to the first interpreter that passes the preflight check. If there
# is none, but one that starts (a pyenv shim may be there and fail) and only its
# version is wrong, uv fetches another. Else ends with the sentences of that one.
define find_python
python=; started=; \
for candidate in $(CANDIDATES); do \
  "$$candidate" -c '' >/dev/null 2>&1 || continue; \
  started=$${started:-$$candidate}; \
  if "$$candidate" binaries/preflight.py 2>/dev/null; then \
    python=$$candidate; break; \
  fi; \
done; \
if [ -z "$$python" ]; then \
  if [ -z "$$started" ]; then \
    echo 'This needs Python 3.10, 3.11, 3.12 or 3.13, and none of these' \
      'starts: $(CANDIDATES). Install one and run' \
      '`make PYTHON=/path/to/python3.12`.' >&2; \
    exit 1; \
  fi; \
  if [ -n '$(PYTHON)' ]; then "$$started" binaries/preflight.py; exit 1; fi; \
  "$$started" binaries/preflight.py --any_python || exit 1; \
  echo "$$("$$started" --version 2>&1) is not supported: fetching Python" \
    '$(FETCHED) with uv into .python.'; \
  $(fetch_python) || { \
    echo 'No Python $(FETCHED) could be fetched: install Python 3.10, 3.11,' \
      '3.12 or 3.13 and run `make PYTHON=/path/to/python3.12`, or let this' \
      'machine reach PyPI (for uv) and github.com (for its Python).' >&2; \
    exit 1; \
  }; \
fi
endef

# uv is a package of the index; Python comes from where uv has it.
define fetch_python
{ { [ -x .python/uv/bin/uv ] || \
    { "$$started" -m venv --clear .python/uv && \
      .python/uv/bin/python -m pip install --quiet uv; }; } \
  >/dev/null 2>&1 && \
  .python/uv/bin/uv python install --quiet --no-config --no-bin \
    --install-dir .python/versions $(FETCHED) && \
  python=$$(ls -d "$$PWD"/.python/versions/*/bin/python$(FETCHED) \
    2>/dev/null | head -n 1) && \
  "$$python" binaries/preflight.py; }
endef

# On a terminal, one line that says what pip is at; elsewhere nothing.
define show_progress
if [ -t 1 ]; then \
  awk '/^Collecting/ {printf "\r\033[K  downloading %s", $$2; fflush()} \
    /^Installing/ {printf "\r\033[K  unpacking"; fflush()} \
    END {printf "\r\033[K"}'; \
else cat >/dev/null; fi
endef

# The copy of requirements.txt is written last: an install that was cut short
# does not count.
venv:
	@cmp -s requirements.txt $(VENV)/installed.txt && $(RUN) -c '' && exit 0; \
	$(find_python); \
	echo "Installing requirements.txt into $(VENV): 0.5 GiB of packages," \
	  'a minute or more.'; \
	"$$python" -m venv --clear $(VENV) || exit 1; \
	{ $(RUN) -m pip install --quiet --disable-pip-version-check 'pip>=21' && \
	  $(RUN) -m pip install --disable-pip-version-check --no-deps \
	    --ignore-requires-python --progress-bar off --require-hashes \
	    --requirement requirements.txt && \
	  $(RUN) -m pip install --quiet --disable-pip-version-check --no-deps \
	    --no-build-isolation --editable . && \
	  cp requirements.txt $(VENV)/installed.txt; \
	} | { $(show_progress); }; \
	if cmp -s requirements.txt $(VENV)/installed.txt; then \
	  echo "Installed with $$($(RUN) --version)."; \
	else \
	  echo 'The install failed: mend what is said above and run make again.' \
	    >&2; \
	  exit 1; \
	fi

# TFF's wheel says that it needs Python below 3.12, hence the option of pip.
# uv alone resolves with overrides; it lives as long as this command.
lock:
	@$(find_python); \
	folder=$$(mktemp -d) || exit 1; \
	trap 'rm -rf "$$folder"' EXIT; \
	"$$python" -m venv "$$folder" && \
	"$$folder/bin/python" -m pip install --quiet uv && \
	compile="$$folder/bin/python -m uv pip compile --quiet --no-config \
	  --universal --python-version 3.10 --fork-strategy fewest \
	  $(UPGRADE) --generate-hashes --no-annotate --no-header" && \
	$$compile requirements.in --overrides requirements_overrides.txt \
	  --excludes requirements_excludes.txt \
	  --output-file requirements.txt && \
	$$compile requirements_gpu.in --no-deps \
	  --output-file requirements_gpu.txt && \
	echo 'Compiled requirements.txt and requirements_gpu.txt.'

clean:
	rm -rf $(VENV) $(DOCS) .pytest_cache .hypothesis build
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
