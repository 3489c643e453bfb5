# SPDX-License-Identifier: MIT
"""Flips one thing at a time in native/engine and reports which test notices.

    python tools/mutate.py [--jobs 2] [--only compile_moves.h] [--fuzz 500] [--known TABLE]

The list is tools/mutations.txt. Each mutation is built in a folder of its own, of the engine alone
and with little optimization, and must be noticed by the suite or the fuzzer. The table goes to
stdout, each function's first mutation before its second. --known: the table of an earlier run,
whose tests come first. --quick leaves out those that notice least. The exit code is 1 when one
survived, and 2 when the list is wrong: what it changes is not there, or does not compile, or the
suite fails without it. Run it where the tests run; beside other work with PYWASM3_SANITIZE=1, or
tests that measure time fail for that.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import re
import resource
import shutil
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
    "-isystem", build_ffi.WASM3, "-isystem", sysconfig.get_path("include"), "-Inative/bridge",
]  # fmt: skip
# First those of the file's topic, then those that notice most, then the fuzzer, then all others.
TOPICS = {
    "bulk": (
        "compile_block.h",
        "compile_memory.h",
        "compile_table.h",
        "instructions.h",
        "ops_table.h",
    ),
    "tables": ("compile_table.h", "ops_call.h", "ops_table.h"),
    "references": ("compile_table.h", "compile_types.h", "instructions.h", "ops_table.h"),
    "tail_calls": ("compile_tail.h", "ops_call.h", "ops_tail.h"),
    "far_locals": ("compile_far.h", "ops_far.h"),
    "fuel": ("record.h",),
    "limits": ("memory.c",),
    "map": ("each.h",),
}
QUICK = [f"tests/unit/test_{name}.py" for name in ("engine_bugs", "errors", "memory", "linking")]
QUICK += ["tests/spec", "tests/unit/test_engine_limits.py"]
OTHERS = [f"tests/{folder}" for folder in ("unit", "property", "misuse", "threads", "leak")]
# The folder has no documentation; the front-end is not what is changed.
LEFT_OUT = [*QUICK, *(f"tests/unit/test_{name}.py" for name in ("readme", "frontend_mutations"))]
SHARED = ("pages.h", "state.h")  # included by others than engine.c
QUICK_SECONDS, SECONDS = 120, 900  # what takes longer hangs
SPEC_SUITE = "../shared/spec/wasm-core-3.0.zip"  # unless the environment names another
SURVIVED, NOT_COMPILED, WITHOUT = "SURVIVED", "DOES NOT COMPILE", "FAILS WITHOUT A MUTATION"
BYTES = 8 << 30  # of memory that can be written, which a mutation may want without end


def read_mutations() -> list[tuple[str, str, str, str]]:
    """File, function, old text, new text."""
    found = []
    text = (ROOT / "tools" / "mutations.txt").read_text(encoding="utf-8")
    for part in text.split("\n== ")[1:]:
        heading, _, rest = part.partition("\n")
        file, _, function = heading.partition(": ")
        for pair in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)+)", rest + "\n", re.MULTILINE):
            old, new = ("\n".join(line[2:] for line in lines.splitlines()) for lines in pair)
            found.append((file, function, old, new))
    return found


MUTATIONS = read_mutations()


class Scratch:
    """A copy of what an engine is built from and tested with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("native", "pywasm3", "tests", "examples"):
            shutil.copytree(ROOT / name, folder / name)
        for name in ("pyproject.toml", "build_ffi.py", "README.md"):
            shutil.copy(ROOT / name, folder)
        (folder / "vendor").symlink_to(ROOT / "vendor")
        self.library = next((folder / "pywasm3").glob("_engine*.so"))
        self.sources = ["engine_module.c", *build_ffi.ENGINE_SOURCES]
        os.chdir(ROOT)  # where the builder reads pw.h
        build_ffi.ffibuilder().emit_c_code(str(folder / "engine_module.c"))

    def _run(self, *command: str, seconds: int = SECONDS) -> subprocess.CompletedProcess[str]:
        environment = {"WASM_SPEC_TESTSUITE": str(ROOT / SPEC_SUITE), **os.environ}
        environment |= {"PYTHONPATH": str(self.folder), "PYTHONFAULTHANDLER": "1"}
        try:
            return subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES)),
            )
        except subprocess.TimeoutExpired as expired:
            output = (expired.stdout or b"").decode(errors="replace")
            return subprocess.CompletedProcess(command, -1, output, "hangs")

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

    def _tests(self, *paths: str, seconds: int = QUICK_SECONDS) -> str:
        pytest = [sys.executable, "-m", "pytest", "-x", "-v", "-p", "no:cacheprovider"]
        tests = self._run(*pytest, *paths, seconds=seconds)
        ends = "hangs" if tests.stderr == "hangs" else "crashes"
        return last_test(tests.stdout, ends) if tests.returncode else ""

    def _fuzz(self, count: int) -> str:
        fuzzer = [sys.executable, "tests/fuzz/fuzz.py", "--count", str(count), "--most", "1"]
        return "fuzz" if self._run(*fuzzer).returncode else ""

    def noticed_by(self, given: argparse.Namespace, known: str = "", file: str = "") -> str:
        """The test that fails, or nothing."""
        fuzz = given.fuzz
        if known.startswith("fuzz") and self._fuzz(fuzz):
            return "fuzz"
        path = f"tests/{known.partition(' (')[0].partition('[')[0]}"
        if ".py::" in known and (noticed := self._tests(path)):
            return noticed
        topics = [f"tests/unit/test_{name}.py" for name, files in TOPICS.items() if file in files]
        others = [*OTHERS, *(f"--ignore={path}" for path in LEFT_OUT)]
        return (
            self._tests(*topics, *QUICK)
            or self._fuzz(fuzz)
            or (not given.quick and self._tests(*others, seconds=SECONDS))
            or ""
        )

    def try_one(
        self, mutation: tuple[str, str, str, str], given: argparse.Namespace, known: str
    ) -> str:
        """Who notices the mutation; nothing when nobody does."""
        file, _, old, new = mutation
        path = self.folder / "native" / "engine" / file
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(old, new), encoding="utf-8")
        sources = [f"native/engine/{file}"] if file.endswith(".c") else ["native/engine/engine.c"]
        if file in SHARED:
            sources = [source for source in self.sources if "frontend" not in source]
        try:
            if self.build(sources):
                return NOT_COMPILED
            return self.noticed_by(given, known, file)
        finally:
            path.write_text(text, encoding="utf-8")
            if file.endswith(".c") or file in SHARED:
                self.build(sources)


def last_test(output: str, ends: str) -> str:
    """The test that failed, or ran when the process ended."""
    if failed := re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", output, re.MULTILINE):
        return failed[1].removeprefix("tests/")
    ran = re.findall(r"^(tests/.+?)(?: [A-Z]+ +\[.*)?$", output, re.MULTILINE)
    return f"{ran[-1].removeprefix('tests/').strip()} ({ends})" if ran else "pytest"


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


def read_known(path: Path | None) -> dict[str, str]:
    """Who noticed, by the beginning of the row, in an earlier table."""
    rows = path.read_text(encoding="utf-8").splitlines() if path else []
    found = (row.rpartition(" |")[0].rpartition(" | ") for row in rows if row.endswith(" |"))
    return {f"{begin} |": noticed for begin, _, noticed in found if noticed != SURVIVED}


def work(part: list[int], given: argparse.Namespace, known: dict[str, str]) -> list[str]:
    """Tries these mutations one after the other: who noticed. None: whether it works without."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Scratch(Path(folder))
        if words := scratch.build(scratch.sources):
            return [f"{NOT_COMPILED}: {words}"]
        if not part:
            noticed = scratch.noticed_by(given)
            return [f"{WITHOUT}: {noticed}"] if noticed else []
        for index in part:
            before = known.get(shown(index), "")
            noticed = scratch.try_one(MUTATIONS[index], given, before) or SURVIVED
            print(shown(index), noticed, "|", flush=True)
            results.append(noticed)
    return results


def main() -> int:
    """Whether a mutation survived, or the list is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="a part of the file's or function's name")
    parser.add_argument("--fuzz", type=int, default=500, help="modules")
    parser.add_argument("--known", type=Path, help="the table of an earlier run")
    parser.add_argument("--quick", action="store_true", help="not all of the suite")
    given = parser.parse_args()
    if wrong := outdated():
        print(*wrong, f"{len(wrong)} mutations are out of date", sep="\n", file=sys.stderr)
        return 2
    chosen = [i for i, m in enumerate(MUTATIONS) if given.only in f"{m[0]} {m[1]}"]
    chosen.sort(key=lambda i: sum(m[:2] == MUTATIONS[i][:2] for m in MUTATIONS[:i]))
    known = read_known(given.known)
    print("| file | function | flip | noticed by |\n| --- | --- | --- | --- |", flush=True)
    with concurrent.futures.ProcessPoolExecutor(given.jobs) as pool:
        parts = [[], *(chosen[i :: given.jobs] for i in range(min(given.jobs, len(chosen))))]
        futures = [pool.submit(work, part, given, known) for part in parts]
        results = [result for future in futures for result in future.result()]
    survived = results.count(SURVIVED)
    wrong = [result for result in results if result.startswith((NOT_COMPILED, WITHOUT))]
    print(f"{len(chosen)} mutations, {survived} survived", *wrong, sep="\n")
    return 2 if wrong else int(survived > 0)


if __name__ == "__main__":
    sys.exit(main())
