# SPDX-License-Identifier: MIT
"""Changes the C sources a little, one place at a time, and reports which test notices.

    python tools/mutate.py --since HEAD~3                   lines changed since a revision
    python tools/mutate.py compile/branch.inc own_param     files and functions by name
    python tools/mutate.py native/validate --count 200 --seed 7
    python tools/mutate.py --list read_leb                  only shows the mutations

The mutations are derived from the sources in native/ (tools/mutations.py says how), and `--count`
of them are tried, the same ones for the same `--seed`. Nothing in the repository is written: each
worker copies the tree to a temporary folder, builds both extension modules there with little
optimization, and compiles again only what includes the changed file. A mutation that does not
change the compiled code is not tested. The others are judged by the quick part of the suite, which
begins with the test files that noticed something in the same source file before, or that have its
name; then by the fuzzer; and what survives both, by the rest of the suite. A test of the rest that
fails must fail again when it runs alone, so that a busy machine does not count as noticing. Every
part is run without a mutation first.

The rows of the table are printed as they are found, then the survivors. A survivor is either a
test that is missing, or a change that makes no difference: somebody has to read it. The exit code
is 1 if there are survivors, and 2 if nothing could be tried: a name fits nothing, the sources do
not compile, or the suite fails without a mutation. Run it where the tests run.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import multiprocessing
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "tests"))
import build_ffi
import mutations
import toolchain
from mutations import Mutation
from spec import suite

ROOT = Path(__file__).resolve().parents[1]
SUFFIXES = (".c", ".h", ".inc")
FLAGS = [
    "-std=c11", "-O1", "-g0", "-fPIC", "-foptimize-sibling-calls", "-fwrapv",
    "-fno-strict-aliasing", "-fomit-frame-pointer", "-pthread", "-w",
    "-Werror=implicit-function-declaration", "-MMD",
    "-isystem", build_ffi.WASM3, "-isystem", sysconfig.get_path("include"),
    *(f"-I{folder}" for folder in build_ffi.INCLUDE_DIRS),
]  # fmt: skip

# Folders and files of tests/. The quick part is what most mutations are noticed by within seconds.
QUICK = ["unit", "invalid", "spec"]
REST = ["misuse", "cli", "property", "threads", "wasi", "fault", "leak"]
SLOW = ["fault", "leak"]  # these are not run first, whatever their files are called
QUICK_SECONDS, TEST_SECONDS = 25, 120  # a test that takes longer hangs
SECONDS = 900  # for one run of pytest or of the fuzzer
BYTES = 8 << 30  # a mutation may ask for memory without end: more than this is refused

SURVIVED, NOT_COMPILED, SAME_CODE = "SURVIVED", "does not compile", "the same code"
HEADING = "| place | function | mutation | noticed by |\n| --- | --- | --- | --- |"


def git(*arguments: str) -> str:
    """The output of a git command in the repository."""
    command = ["git", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise LookupError(done.stderr.strip())
    return done.stdout


def all_mutations() -> list[Mutation]:
    """Every mutation of every C source in native/, however deep its folder is."""
    found = []
    for path in sorted((ROOT / "native").rglob("*")):
        if path.suffix in SUFFIXES:
            name = path.relative_to(ROOT).as_posix()
            found += mutations.derive(name, path.read_text(encoding="utf-8"))
    return found


class Scratch:
    """A copy of the repository in which mutations are built and tested."""

    def __init__(self, folder: Path, fuzz: int) -> None:
        self.folder = folder
        self.fuzz = fuzz
        self.running = 0  # the process that leads the session of what runs now
        self.noticed: dict[str, list[str]] = {}  # by source: the test files, the latest first
        for name in git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        source = folder / build_ffi.WASM3
        source.unlink(missing_ok=True)
        source.symlink_to((ROOT / build_ffi.WASM3).resolve())
        os.chdir(ROOT)  # the builder of cffi reads pw.h relative to the repository
        with contextlib.redirect_stdout(sys.stderr):  # it says what it writes
            build_ffi.ffibuilder().emit_c_code(str(folder / "engine_module.c"))
        self.modules = {"_engine": ["engine_module.c", *build_ffi.ENGINE_SOURCES]}
        if sys.implementation.name == "cpython":
            self.modules["_cpython"] = build_ffi.CPYTHON_SOURCES
        sources = [source for part in self.modules.values() for source in part]
        if words := self._compile(sources) or self._link(self.modules):
            raise RuntimeError(f"the sources do not compile without a mutation:\n{words}")
        self.objects = {source: self._object(source).read_bytes() for source in sources}
        self.includes = {source: self._included(source) for source in sources}

    def _object(self, source: str) -> Path:
        return self.folder / "objects" / (source.replace("/", "-") + ".o")

    def _included(self, source: str) -> set[str]:
        """The files of the repository that a source includes, itself among them."""
        rule = self._object(source).with_suffix(".d").read_text(encoding="utf-8")
        names = rule.partition(":")[2].replace("\\\n", " ").split()
        return {os.path.normpath(name) for name in names}

    def _run(self, *command: str, seconds: int = SECONDS) -> subprocess.CompletedProcess[str]:
        """Runs a command in the folder; no process that it starts outlives it."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONFAULTHANDLER": "1"}
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # it halves the time of a short run
        if scripts := suite.locate():
            environment[suite.VARIABLE] = str(scripts.resolve())
        with (
            tempfile.TemporaryFile("w+", errors="replace") as output,
            tempfile.TemporaryFile("w+", errors="replace") as errors,
        ):
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
            self.running = process.pid
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
            kill_group(process.pid)
            code = process.wait()
            self.running = 0
            output.seek(0)
            errors.seek(0)
            return subprocess.CompletedProcess(command, code, output.read(), errors.read())

    def _compile(self, sources: list[str]) -> str:
        """Compiles these sources; returns the compiler's words if it fails."""
        (self.folder / "objects").mkdir(exist_ok=True)
        for source in sources:
            target = str(self._object(source))
            done = self._run(toolchain.default_compiler(), *FLAGS, "-c", "-o", target, source)
            if done.returncode:
                return done.stderr
        return ""

    def _link(self, names: dict[str, list[str]]) -> str:
        """Links these modules; returns the linker's words if it fails."""
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        for name, sources in names.items():
            # A process that a test left behind may still have the old file mapped.
            library = self.folder / "pywasm3" / f"{name}{suffix}"
            library.unlink(missing_ok=True)
            objects = [str(self._object(source)) for source in sources]
            command = [toolchain.default_compiler(), "-shared", "-pthread", "-o", str(library)]
            done = self._run(*command, *objects, "-lm")
            if done.returncode:
                return done.stderr
        return ""

    def _tests(
        self, paths: Iterable[str], left_out: Iterable[str] = (), seconds: int = TEST_SECONDS
    ) -> str:
        """The first test that fails, or nothing."""
        pytest = [sys.executable, "-m", "pytest", "-x", "-v", "-p", "no:cacheprovider"]
        pytest += ["-o", f"faulthandler_timeout={seconds}"]
        pytest += ["-o", "faulthandler_exit_on_timeout=true"]
        pytest += [f"tests/{path}" for path in paths]
        pytest += [f"--deselect=tests/{test}" for test in left_out]
        done = self._run(*pytest)
        return last_test(done.stdout, "Timeout (" in done.stderr) if done.returncode else ""

    def _fuzz(self) -> str:
        fuzzer = [sys.executable, "tests/fuzz/fuzz.py", "--count", str(self.fuzz), "--most", "1"]
        return "fuzz" if self.fuzz and self._run(*fuzzer).returncode else ""

    def _likely(self, path: str) -> list[str]:
        """The test files that are likely to notice a mutation of this source.

        These are the ones that noticed something in the same source before, and the ones whose
        name, or whose folder's name, contains the name of the source, unless they are slow.
        """
        stem = Path(path).stem
        tests = sorted((self.folder / "tests").rglob("test_*.py"))
        topic = [test for test in tests if stem in test.stem or stem == test.parent.name]
        topic = [test for test in topic if test.parent.name not in SLOW]
        names = [test.relative_to(self.folder / "tests").as_posix() for test in topic]
        return list(dict.fromkeys([*self.noticed.get(path, [])[:3], *names]))

    def quick(self, path: str = "") -> str:
        """Says who notices of the likely files, of the quick part, and of the fuzzer."""
        likely = self._likely(path) if path else []
        if likely and (test := self._tests(likely, seconds=QUICK_SECONDS)):
            return test
        return self._tests(QUICK, seconds=QUICK_SECONDS) or self._fuzz()

    def rest(self) -> str:
        """Says who notices of the rest."""
        left_out: list[str] = []
        while test := self._tests(REST, left_out):
            crashed = test.endswith(")")
            if crashed or test in left_out or self._tests([test]) == test:
                return test
            left_out.append(test)
        return ""

    def run(self, part: str, path: str = "") -> str:
        """Says who notices of this part of the suite."""
        return self.quick(path) if part == "quick" else self.rest()

    def judge(self, part: str, mutation: Mutation) -> str:
        """Says who notices the mutation, or why it was not tested; nothing if nobody notices."""
        path = self.folder / mutation.path
        text = path.read_text(encoding="utf-8")
        affected = [source for source, files in self.includes.items() if mutation.path in files]
        path.write_text(mutation.apply(text), encoding="utf-8")
        try:
            if self._compile(affected):
                return NOT_COMPILED
            changed = [s for s in affected if self._object(s).read_bytes() != self.objects[s]]
            if not changed:
                return SAME_CODE
            names = {n: s for n, s in self.modules.items() if not set(s).isdisjoint(changed)}
            if self._link(names):
                return NOT_COMPILED
            noticed = self.run(part, mutation.path)
        finally:
            path.write_text(text, encoding="utf-8")
            for source in affected:
                self._object(source).write_bytes(self.objects[source])
            self._link({n: s for n, s in self.modules.items() if not set(s).isdisjoint(affected)})
        if ".py" in noticed:
            self._remember(mutation.path, noticed)
        return noticed

    def _remember(self, path: str, test: str) -> None:
        """Puts the file of the test to the front of those that know this source file."""
        file = test.partition("::")[0]
        before = self.noticed.get(path, [])
        self.noticed[path] = [file, *(other for other in before if other != file)]


def kill_group(leader: int) -> None:
    """Ends what a process that led a session has left behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def last_test(output: str, hangs: bool) -> str:
    """The test that failed, or the one that ran when the process ended."""
    if failed := re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", output, re.MULTILINE):
        return failed[1].removeprefix("tests/")
    ends = "hangs" if hangs else "crashes"
    ran = re.findall(r"^tests/(\S+?::.+?)(?: [A-Z]+ +\[.*)?$", output, re.MULTILINE)
    return f"{ran[-1].strip()} ({ends})" if ran else f"pytest ({ends})"


def row(mutation: Mutation, noticed: str) -> str:
    """A mutation as a row of the table."""
    place = f"{mutation.path.removeprefix('native/')}:{mutation.line}"
    return f"| {place} | {mutation.function} | {mutation.change} | {noticed} |"


# ---- workers: processes that keep a scratch folder each ----

scratch: Scratch


def begin_worker(folder: str, fuzz: int) -> None:
    """Makes the folder that the worker keeps."""
    global scratch
    scratch = Scratch(Path(tempfile.mkdtemp(dir=folder)), fuzz)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end_worker)


def end_worker(*_: object) -> None:
    """Ends the worker, and the process that it waits for."""
    if scratch.running:
        kill_group(scratch.running)
    os._exit(1)


def end_all(*_: object) -> None:
    """Ends the workers, then this process."""
    for worker in multiprocessing.active_children():
        worker.terminate()
    sys.exit(1)


def try_one(part: str, mutation: Mutation) -> str:
    """Judges a mutation in a worker."""
    return scratch.judge(part, mutation)


def try_none(part: str) -> str:
    """Runs a part of the suite in a worker, without a mutation."""
    return scratch.run(part)


# ---- the command ----


def choose(given: argparse.Namespace) -> list[Mutation]:
    """The mutations that the command line asks for.

    Raises:
        LookupError: A name or a revision is unknown.
    """
    found = all_mutations()
    if given.names:
        found = mutations.named(found, given.names)
    if given.since:
        diff = git(
            "diff", "--unified=0", "--no-color", "--no-ext-diff", given.since, "--", "native"
        )
        found = mutations.changed(found, mutations.changed_lines(diff))
    return mutations.sample(found, given.count, given.seed)


def judge_all(chosen: list[Mutation], given: argparse.Namespace) -> dict[Mutation, str]:
    """Says who noticed which mutation, and prints the rows on the way.

    Raises:
        RuntimeError: A part of the suite fails without a mutation.
    """
    found: dict[Mutation, str] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        concurrent.futures.ProcessPoolExecutor(
            given.jobs, initializer=begin_worker, initargs=(folder, given.fuzz)
        ) as pool,
    ):
        for part in ("quick",) if given.quick else ("quick", "rest"):
            left = [mutation for mutation in chosen if mutation not in found]
            if left and (test := pool.submit(try_none, part).result()):
                raise RuntimeError(f"the suite fails without a mutation: {test}")
            futures = {pool.submit(try_one, part, mutation): mutation for mutation in left}
            for future in concurrent.futures.as_completed(futures):
                if noticed := future.result():
                    found[futures[future]] = noticed
                    print(row(futures[future], noticed), flush=True)
    return found


def main() -> int:
    """Parses the command line, and returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="files, folders of native/, functions")
    parser.add_argument("--since", metavar="REV", help="only lines changed since this revision")
    parser.add_argument("--count", type=int, default=40, help="mutations at most (40)")
    parser.add_argument("--seed", type=int, default=1, help="which ones, if there are more (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="workers")
    parser.add_argument("--fuzz", type=int, default=500, help="modules of the fuzzer (500)")
    parser.add_argument("--quick", action="store_true", help="leave out the rest of the suite")
    parser.add_argument("--list", action="store_true", help="show the mutations, try none")
    given = parser.parse_args()
    try:
        chosen = choose(given)
    except LookupError as error:
        parser.error(str(error))
    if given.list:
        print(HEADING, *(row(mutation, "") for mutation in chosen), sep="\n")
        return 0
    signal.signal(signal.SIGTERM, end_all)
    signal.signal(signal.SIGINT, end_all)
    resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
    print(HEADING, flush=True)
    try:
        found = judge_all(chosen, given)
    except (RuntimeError, concurrent.futures.process.BrokenProcessPool) as error:
        print(f"mutate.py: {error}", file=sys.stderr)
        return 2
    survivors = [mutation for mutation in chosen if mutation not in found]
    print(*(row(mutation, SURVIVED) for mutation in survivors), sep="\n")
    counts = Counter(found.values())
    print(
        f"{len(chosen)} mutations: {len(survivors)} survived, {counts[SAME_CODE]} changed no code,"
        f" {counts[NOT_COMPILED]} do not compile"
    )
    return int(bool(survivors))


if __name__ == "__main__":
    sys.exit(main())
