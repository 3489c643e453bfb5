# SPDX-License-Identifier: MIT
"""Flips one thing at a time in native/engine and reports which test notices.

    nice -n 5 python tools/mutate.py [--jobs 2] [--only compile_moves.h] [--known] [--update]

The list is tools/mutations.txt. Each mutation is built in a folder of its own, of the engine alone
and with little optimization. It is judged by the quick part of the suite and by the fuzzer; what
survives that, at the end, by the rest of the suite. Both are run without a mutation before. What a
test of the rest notices, it must notice again when it runs alone, so that a busy machine does not
count. The rows of the table go to stdout as they are found, each function's first mutation before
its second. --update writes tools/mutations.md; --known tries first who noticed according to that.
--quick leaves out the rest of the suite. The exit code is 1 when one survived, and 2 when the list
is wrong: what it changes is not there, or does not compile, or the suite fails without it. Run it
where the tests run.
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
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import build_ffi
import toolchain

ROOT = Path(__file__).resolve().parents[1]

FLAGS = [
    "-std=c11", "-O1", "-g0", "-fPIC", "-foptimize-sibling-calls", "-fwrapv",
    "-fno-strict-aliasing", "-fomit-frame-pointer", "-pthread", "-w",
    "-Werror=implicit-function-declaration",
    "-isystem", build_ffi.WASM3, "-isystem", sysconfig.get_path("include"), "-Inative/bridge",
]  # fmt: skip
# First those of the file's topic, then those that notice most, then the fuzzer, then all others.
TOPICS = {
    "unit/test_bulk.py": (
        "bulk.h",
        "compile_block.h",
        "compile_memory.h",
        "compile_table.h",
        "instructions.h",
        "ops_memory.h",
        "ops_table.h",
    ),
    "unit/test_map.py": ("each.h",),
    "unit/test_tables.py": ("code_map.h", "compile_table.h", "ops_call.h", "ops_table.h"),
    "unit/test_slots.py": (
        "compile_block.h",
        "compile_branch.h",
        "compile_function.h",
        "compile_locals.h",
        "compile_moves.h",
        "compile_state.h",
        "compile_tail.h",
    ),
    "unit/test_references.py": (
        "code_map.h",
        "compile_table.h",
        "compile_types.h",
        "instructions.h",
        "ops_table.h",
    ),
    "unit/test_tail_calls.py": ("compile_tail.h", "ops_call.h", "ops_tail.h"),
    "unit/test_far_locals.py": (
        "compile_far.h",
        "compile_function.h",
        "instructions.h",
        "ops_call.h",
        "ops_far.h",
        "state.h",
    ),
    "unit/test_fuel.py": ("ops_call.h", "record.h"),
    "unit/test_limits.py": ("memory.c",),
}
QUICK = [f"unit/test_{name}.py" for name in ("engine_bugs", "errors", "memory", "linking")]
QUICK += ["spec", "unit/test_engine_limits.py"]
OTHERS = ["threads/test_stopping.py", "unit", "misuse", "threads", "wasi", "property", "leak"]
OTHERS += ["fault/test_bulk_allocations.py"]
# The folder has no documentation; the front-end is not what is changed.
LEFT_OUT = ["unit/test_readme.py", "unit/test_frontend_mutations.py"]
SHARED = ("pages.h", "state.h")  # included by others than engine.c
QUICK_SECONDS, TEST_SECONDS = 25, 120  # a test that takes longer hangs
SECONDS = 900  # for all of them
SPEC_SUITE = "../shared/spec/wasm-core-3.0.zip"  # unless the environment names another
SURVIVED, NOT_COMPILED, WITHOUT = "SURVIVED", "DOES NOT COMPILE", "FAILS WITHOUT A MUTATION"
BYTES = 8 << 30  # of memory that can be written, which a mutation may want without end
LIST, TABLE = ROOT / "tools" / "mutations.txt", ROOT / "tools" / "mutations.md"
COLUMNS = "| file | function | flip | noticed by |\n| --- | --- | --- | --- |"
HEADING = """\
Which test notices what `tools/mutations.txt` changes in native/engine; the last
run was on commit {commit}, and rows of what it did not try are of earlier ones. All is repeated by
`{command}`.
"""


def read_mutations() -> list[tuple[str, str, str, str]]:
    """File, function, old text, new text."""
    found = []
    for part in LIST.read_text(encoding="utf-8").split("\n== ")[1:]:
        heading, _, rest = part.partition("\n")
        file, _, function = heading.partition(": ")
        for pair in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)+)", rest + "\n", re.MULTILINE):
            old, new = ("\n".join(line[2:] for line in lines.splitlines()) for lines in pair)
            found.append((file, function, old, new))
    return found


MUTATIONS = read_mutations()


class Scratch:
    """A copy of what an engine is built from and tested with."""

    def __init__(self, folder: Path, fuzz: int) -> None:
        self.folder = folder
        self.fuzz = fuzz
        self.running = 0  # a process that leads a session
        self.stale: list[str] = []  # sources whose objects have the mutation before
        for name in ("native", "pywasm3", "tests", "examples"):
            shutil.copytree(ROOT / name, folder / name)
        for name in ("pyproject.toml", "build_ffi.py", "README.md"):
            shutil.copy(ROOT / name, folder)
        (folder / "vendor").symlink_to(ROOT / "vendor")
        self.library = next((folder / "pywasm3").glob("_engine*.so"))
        self.sources = ["engine_module.c", *build_ffi.ENGINE_SOURCES]
        os.chdir(ROOT)  # where the builder reads pw.h
        build_ffi.ffibuilder().emit_c_code(str(folder / "engine_module.c"))
        if words := self.build(self.sources):
            raise RuntimeError(f"{NOT_COMPILED}: {words}")

    def _run(self, *command: str, seconds: int = SECONDS) -> subprocess.CompletedProcess[str]:
        """Nothing that it starts outlives it."""
        environment = {"WASM_SPEC_TESTSUITE": str(ROOT / SPEC_SUITE), **os.environ}
        environment |= {"PYTHONPATH": str(self.folder), "PYTHONFAULTHANDLER": "1"}
        environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # half of the time of a short run
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

    def build(self, sources: list[str]) -> str:
        """Compiles these and links all; the compiler's words when it fails."""
        compiler = toolchain.default_compiler()
        for source in sources:
            target = source.replace("/", "-") + ".o"
            done = self._run(compiler, *FLAGS, "-c", "-o", target, source)
            if done.returncode:
                return done.stderr
        objects = [source.replace("/", "-") + ".o" for source in self.sources]
        self.library.unlink(missing_ok=True)
        return self._run(compiler, "-shared", "-o", str(self.library), *objects, "-lm").stderr

    def _tests(
        self, *paths: str, left_out: list[str] = LEFT_OUT, seconds: int = TEST_SECONDS
    ) -> str:
        """The first test that fails, or nothing."""
        pytest = [sys.executable, "-m", "pytest", "-x", "-v", "-p", "no:cacheprovider"]
        pytest += ["-o", f"faulthandler_timeout={seconds}"]
        pytest += ["-o", "faulthandler_exit_on_timeout=true"]
        pytest += [f"tests/{path}" for path in paths]
        for path in left_out:
            pytest.append(f"--{'deselect' if '::' in path else 'ignore'}=tests/{path}")
        done = self._run(*pytest)
        if done.returncode == 0 or "ERROR: not found: " in done.stdout + done.stderr:
            return ""  # or a test of an earlier table has another name now
        return last_test(done.stdout, "Timeout (" in done.stderr)

    def _fuzz(self) -> str:
        fuzzer = [sys.executable, "tests/fuzz/fuzz.py", "--count", str(self.fuzz), "--most", "1"]
        return "fuzz" if self._run(*fuzzer).returncode else ""

    def quick(self, file: str, known: str) -> str:
        """Who notices at once: who did before, or the tests of the topic, or most tests."""
        if known == "fuzz" and self._fuzz():
            return known
        name = known.partition(" (")[0].partition("[")[0]
        if ".py::" in name and (noticed := self._tests(name, seconds=QUICK_SECONDS)):
            return noticed
        topics = [test for test, files in TOPICS.items() if file in files]
        return self._tests(*topics, *QUICK, seconds=QUICK_SECONDS) or self._fuzz()

    def rest(self) -> str:
        """Who notices of the others."""
        left_out = [*LEFT_OUT, *QUICK]
        while noticed := self._tests(*OTHERS, left_out=left_out):
            if noticed.endswith(")") or noticed in left_out or self._tests(noticed) == noticed:
                return noticed
            left_out.append(noticed)
        return ""

    def run(self, part: str, file: str = "", known: str = "") -> str:
        """Who notices of this part of the suite."""
        return self.quick(file, known) if part == "quick" else self.rest()

    def judge(self, part: str, mutation: tuple[str, str, str, str], known: str) -> str:
        """Who notices the mutation; nothing when nobody does."""
        file, _, old, new = mutation
        path = self.folder / "native" / "engine" / file
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(old, new), encoding="utf-8")
        sources = [f"native/engine/{file}"] if file.endswith(".c") else ["native/engine/engine.c"]
        if file in SHARED:
            sources = [source for source in self.sources if "frontend" not in source]
        again = [source for source in self.stale if source not in sources]
        self.stale = sources
        try:
            return NOT_COMPILED if self.build(again + sources) else self.run(part, file, known)
        finally:
            path.write_text(text, encoding="utf-8")


def kill_group(leader: int) -> None:
    """What a process that led a session has left behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def last_test(output: str, hangs: bool) -> str:
    """The test that failed, or ran when the process ended."""
    if failed := re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", output, re.MULTILINE):
        return failed[1].removeprefix("tests/")
    ends = "hangs" if hangs else "crashes"
    ran = re.findall(r"^tests/(\S+?::.+?)(?: [A-Z]+ +\[.*)?$", output, re.MULTILINE)
    return f"{ran[-1].strip()} ({ends})" if ran else f"pytest ({ends})"


def shown(index: int) -> str:
    """A mutation as the beginning of a row of the table."""
    file, function, old, new = MUTATIONS[index]
    flip = f"`{' '.join(old.split())}` -> `{' '.join(new.split())}`"
    return f"| {file} | {function} | {flip} |"


def outdated() -> list[str]:
    """The mutations that change nothing, or do not say what."""
    wrong = []
    for index, (file, _, old, _) in enumerate(MUTATIONS):
        path = ROOT / "native" / "engine" / file
        times = path.read_text(encoding="utf-8").count(old) if path.exists() else 0
        if times != 1:
            wrong.append(f"{shown(index)} {times} times in the file |")
    return wrong


def read_table() -> dict[str, str]:
    """Who noticed, by the beginning of the row, in an earlier run."""
    rows = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.exists() else []
    found = (row.rpartition(" |")[0].rpartition(" | ") for row in rows if row.endswith(" |"))
    return {f"{begin} |": noticed for begin, _, noticed in found if noticed != SURVIVED}


def write_table(noticed: dict[str, str]) -> None:
    """In the order of the list, with what is known of the others."""
    noticed = read_table() | noticed
    git = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    command = "nice -n 5 python tools/mutate.py --known --update"
    begins = [begin for begin in map(shown, range(len(MUTATIONS))) if begin in noticed]
    rows = [f"{begin} {noticed[begin]} |" for begin in begins]
    text = "\n".join([HEADING.format(commit=commit, command=command), COLUMNS, *rows, ""])
    TABLE.write_text(text, encoding="utf-8")


scratch: Scratch  # of a worker


def begin_worker(folder: str, fuzz: int) -> None:
    """Makes the folder that a worker keeps."""
    global scratch
    scratch = Scratch(Path(tempfile.mkdtemp(dir=folder)), fuzz)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end_worker)


def end_worker(*_: object) -> None:
    """With what it runs."""
    if scratch.running:
        kill_group(scratch.running)
    os._exit(1)


def end_all(*_: object) -> None:
    """With the workers."""
    for worker in multiprocessing.active_children():
        worker.terminate()
    sys.exit(1)


def try_one(part: str, index: int, known: str) -> str:
    """In a worker."""
    return scratch.judge(part, MUTATIONS[index], known)


def try_none(part: str) -> str:
    """In a worker: whether the tests pass."""
    scratch.build(scratch.stale)
    return scratch.run(part)


def main() -> int:
    """Whether a mutation survived, or the list is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="a part of the file's or function's name")
    parser.add_argument("--fuzz", type=int, default=500, help="modules")
    parser.add_argument("--known", action="store_true", help="begin with who noticed before")
    parser.add_argument("--update", action="store_true", help=f"write {TABLE.name}")
    parser.add_argument("--quick", action="store_true", help="not all of the suite")
    given = parser.parse_args()
    if wrong := outdated():
        print(*wrong, f"{len(wrong)} mutations are out of date", sep="\n", file=sys.stderr)
        return 2
    chosen = [i for i, m in enumerate(MUTATIONS) if given.only in f"{m[0]} {m[1]}"]
    signal.signal(signal.SIGTERM, end_all)
    signal.signal(signal.SIGINT, end_all)
    chosen.sort(key=lambda i: sum(m[:2] == MUTATIONS[i][:2] for m in MUTATIONS[:i]))
    resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
    print(COLUMNS, flush=True)
    found: dict[int, str] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        concurrent.futures.ProcessPoolExecutor(
            given.jobs, initializer=begin_worker, initargs=(folder, given.fuzz)
        ) as pool,
    ):
        for part in ("quick",) if given.quick else ("quick", "rest"):
            left = [index for index in chosen if index not in found]
            if left and (noticed := pool.submit(try_none, part).result()):
                print(f"{WITHOUT}: {noticed}", file=sys.stderr)
                return 2
            found |= pass_on(pool, part, left, read_table() if given.known else {})
    found |= {index: SURVIVED for index in chosen if index not in found}
    if given.update:
        write_table({shown(index): noticed for index, noticed in found.items()})
    survived = [index for index in chosen if found[index] == SURVIVED]
    broken = [index for index in chosen if found[index] == NOT_COMPILED]
    print(*(f"{shown(index)} {SURVIVED} |" for index in survived), sep="\n")
    print(f"{len(chosen)} mutations, {len(survived)} survived, {len(broken)} do not compile")
    return 2 if broken else int(bool(survived))


def pass_on(
    pool: concurrent.futures.Executor, part: str, left: list[int], known: dict[str, str]
) -> dict[int, str]:
    """Who notices of these what."""
    found = {}
    futures = {pool.submit(try_one, part, i, known.get(shown(i), "")): i for i in left}
    for future in concurrent.futures.as_completed(futures):
        index = futures[future]
        if noticed := future.result():
            found[index] = noticed
            print(shown(index), noticed, "|", flush=True)
        else:
            print(shown(index), "survives", part, file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
