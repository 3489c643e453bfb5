# Each target sets up what it needs; stamp files in the environment keep a second run from
# building again. PYTHON names the interpreter, ARGS are handed to pytest; TESTS are those that the
# copies (sanitize, matrix, test-copy) run: TESTS="tests/wasi tests/cli".
#
#   make demo       runs examples/demo.py
#   make test       the suite, on an editable install in .venv
#   make spec       the official suite: counts per folder; ARGS=--update writes what must hold
#   make fuzz-mutants  its modules changed, validated by us and by wasmtime: SEED=1 COUNT=3000
#   make sanitize   the suite under AddressSanitizer and UBSan, in .venv-sanitize
#   make matrix     the suite on every Python found, each in .venv-3.x
#   make test-copy  the suite on one of them: PYTHON=python3.14t VENV=.venv-3.14t (free-threaded)
#   make lint       ruff; make lint-c: own C files, format and every warning
#   make types      mypy --strict, pyright on the user's program in tests/typing, and stubtest on the
#                   stubs of the compiled modules
#   make wheel      dist/*.whl, tried in an environment without a compiler
#   make fuzz       random modules against wasmtime: SEED=1 COUNT=3000 TIME=0 (seconds)
#   make fuzz-asserts   the same with wasm3's own assertions; make fuzz-sanitize: sanitized
#   make fuzz-validator  mutants of modules on the sanitized decoder and validator, from C: as make fuzz
#   make tsan       threads with stores of their own under ThreadSanitizer
#   make guests     compiles tests/guests and benchmarks/guests again; ARGS=--check: only compares
#   make bench      benchmarks/crossing.py
#   make bench-docs pywasm3 bench, all of it, into docs/benchmarks.md: on an idle machine
#   make clean

VENV ?= .venv
ARGS ?=
TESTS ?= tests
SEED ?= 1
COUNT ?= 3000
TIME ?= 0
export PYTHON

BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install -q --disable-pip-version-check
NO_INDEX := pip could not install what the build needs: check the network and 'pip config list', \
	then run make again.
BUILD_INPUTS := pyproject.toml setup.py build_ffi.py tools/toolchain.py vendor/wasm3/fetch.py \
	vendor/wasm3/requirements.txt $(wildcard native/*/* native/*/*/*)
PACKAGE := $(wildcard pywasm3/*.py pywasm3/*.pyi pywasm3/*/*.py pywasm3/*/*/*.py \
	pywasm3/bench/guests/*)

# For pytest in the environment's folder: beside pywasm3/, child processes would import that.
FROM_COPY := -c $(CURDIR)/pyproject.toml --rootdir $(CURDIR) $(addprefix $(CURDIR)/,$(TESTS))

.PHONY: demo test test-copy sanitize matrix lint lint-c types wheel fuzz fuzz-validator fuzz-asserts \
	fuzz-sanitize tsan guests bench bench-docs clean
.NOTPARALLEL:

demo: $(VENV)/.editable
	@$(BIN)/python examples/demo.py

test: $(VENV)/.editable $(VENV)/.extra-test
	$(BIN)/pytest $(ARGS)

.PHONY: spec fuzz-mutants

spec: $(VENV)/.editable $(VENV)/.extra-test
	$(BIN)/python tests/spec/run.py $(ARGS)

fuzz-mutants: $(VENV)/.editable $(VENV)/.extra-test
	$(BIN)/python tests/fuzz/mutants.py --seed $(SEED) --count $(COUNT) $(ARGS)

lint: $(VENV)/.extra-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint-c: $(VENV)/.editable $(VENV)/.extra-check
	$(BIN)/clang-format --dry-run -Werror native/*/*.[ch] native/engine/*/*.inc
	$(BIN)/python tools/lint_c.py
	$(BIN)/python tools/lint_dialect.py

types: $(VENV)/.editable $(VENV)/.extra-check $(VENV)/.extra-types
	$(BIN)/mypy
	$(BIN)/pyright --project tests/typing --pythonpath $(BIN)/python
	$(BIN)/stubtest pywasm3._engine pywasm3._cpython --mypy-config-file pyproject.toml \
		--allowlist tools/stubtest.txt --ignore-unused-allowlist

guests: $(VENV)/.extra-guests $(VENV)/.extra-test
	$(BIN)/python tests/guests/build.py $(ARGS)

FUZZ := tests/fuzz/fuzz.py --reduce --seed $(SEED) --count $(COUNT) $(if $(TIME:0=),--time $(TIME))

fuzz: $(VENV)/.editable $(VENV)/.extra-test
	$(BIN)/python $(FUZZ)

# tests/fuzz/seeds.py writes the seeds: modules of the tests and of the official suite.
VALIDATOR_FUZZ := build/fuzz-validator
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=undefined

$(VALIDATOR_FUZZ)/validator: tests/fuzz/validator.c $(wildcard native/base/* native/decode/* native/validate/*)
	@mkdir -p $(@D)
	$${CC:-gcc} -std=c11 -O1 -g $(SANITIZERS) -o $@ -Inative \
		tests/fuzz/validator.c native/base/*.c native/decode/*.c native/validate/*.c

fuzz-validator: $(VALIDATOR_FUZZ)/validator $(VENV)/.extra-test
	@rm -rf $(VALIDATOR_FUZZ)/seeds
	@$(BIN)/python tests/fuzz/seeds.py $(VALIDATOR_FUZZ)/seeds
	cd $(VALIDATOR_FUZZ) && find seeds -name '*.wasm' | sort | \
		./validator $(SEED) $(COUNT) $(TIME)

tsan: $(VENV)/.editable $(VENV)/.extra-test
	$(BIN)/python tools/tsan.py

bench: $(VENV)/.editable $(VENV)/.extra-bench $(VENV)/.extra-test
	$(BIN)/python benchmarks/crossing.py

bench-docs: $(VENV)/.editable $(VENV)/.extra-bench
	$(BIN)/python -m pywasm3 bench --update docs/benchmarks.md --plot docs/benchmarks.svg $(ARGS)

# ---- the environment ----

$(VENV)/.created:
	@python=$$(tools/find-python) && echo "$(VENV): $$python" && \
		$$python -m venv --clear $(VENV)
	@$(BIN)/python tools/toolchain.py
	@$(PIP_INSTALL) --upgrade setuptools cffi || { echo "$(NO_INDEX)" >&2; exit 1; }
	@touch $@

$(VENV)/.editable: $(VENV)/.created $(BUILD_INPUTS)
	@$(BIN)/python tools/toolchain.py
	@$(BIN)/python vendor/wasm3/fetch.py
	$(PIP_INSTALL) --no-build-isolation -e .
	@touch $@

# The package is there: this adds what the extra names.
$(VENV)/.extra-%: pyproject.toml | $(VENV)/.editable
	$(PIP_INSTALL) 'pywasm3-cffi[$*]'
	@touch $@

# ---- other builds: copies, since their libraries would clash with those in pywasm3/ ----

$(VENV)/.copy: $(VENV)/.created $(BUILD_INPUTS) $(PACKAGE)
	@$(BIN)/python tools/toolchain.py
	@$(BIN)/python vendor/wasm3/fetch.py
	rm -rf build
	$(PIP_INSTALL) --no-build-isolation --force-reinstall --no-deps .
	$(PIP_INSTALL) 'pywasm3-cffi[test]'
	@touch $@

test-copy: $(VENV)/.copy
	cd $(VENV) && bin/pytest $(FROM_COPY) $(ARGS)

matrix:
	@tools/find-python --all | while read -r version python; do \
		echo "== Python $$version" && \
		$(MAKE) test-copy VENV=.venv-$$version PYTHON=$$python </dev/null || exit 1; \
	done

# detect_leaks=0: CPython and its extensions leave much to the end of the process.
# allocator_may_return_null=1: a size that malloc refuses is no bug, as long as the code copes.
# PYTHONMALLOC: pymalloc's pools would hide what happens to single objects.
# --capture=sys: a report goes to the file descriptor, which pytest would keep to itself.
# ulimit: instrumented operations need far more of the C stack.
sanitize fuzz-sanitize: export PYWASM3_SANITIZE = 1
sanitize fuzz-sanitize: export ASAN_OPTIONS = detect_leaks=0:allocator_may_return_null=1
sanitize fuzz-sanitize: export UBSAN_OPTIONS = print_stacktrace=1
sanitize:
	@$(MAKE) VENV=.venv-sanitize .venv-sanitize/.copy
	@ulimit -s unlimited 2>/dev/null || echo "the C stack stays at $$(ulimit -s) KiB"; \
	asan=$$($${CC:-gcc} -print-file-name=libasan.so) && \
	cd .venv-sanitize && LD_PRELOAD=$$asan PYTHONMALLOC=malloc \
		bin/pytest --capture=sys $(FROM_COPY) $(ARGS)

fuzz-sanitize:
	@$(MAKE) VENV=.venv-sanitize .venv-sanitize/.copy
	@ulimit -s unlimited 2>/dev/null; asan=$$($${CC:-gcc} -print-file-name=libasan.so) && \
	LD_PRELOAD=$$asan PYTHONMALLOC=malloc .venv-sanitize/bin/python $(FUZZ)

fuzz-asserts: export PYWASM3_ASSERTS = 1
fuzz-asserts:
	@$(MAKE) VENV=.venv-asserts .venv-asserts/.copy
	.venv-asserts/bin/python $(FUZZ)

# The environment for the wheel has nothing on PATH but itself.
wheel: $(VENV)/.extra-check
	@$(BIN)/python tools/toolchain.py
	rm -rf build dist .venv-wheel
	@mkdir -p build dist
	$(BIN)/python -m build --outdir build/raw . >build/wheel.log 2>&1 || \
		{ tail -n 30 build/wheel.log; exit 1; }
	PATH="$(CURDIR)/$(BIN):$$PATH" auditwheel repair --wheel-dir dist build/raw/*.whl || \
		cp build/raw/*.whl dist/
	cp build/raw/*.tar.gz dist/
	$(BIN)/python tools/check_wheel.py dist/*.whl
	$(BIN)/python -m venv .venv-wheel
	cd .venv-wheel && export PATH=$(CURDIR)/.venv-wheel/bin CC=/nonexistent && \
		python -m pip install -q --disable-pip-version-check ../dist/*.whl && \
		python ../tests/smoke.py

clean:
	rm -rf .venv .venv-* build dist *.egg-info pywasm3/*.so .*_cache .hypothesis
