# SPDX-License-Identifier: MIT
"""Flips one thing at a time in native/engine and reports which test notices.

    python tools/mutate.py [--jobs 2] [--only compile_moves.h] [--fuzz 500]

The list is tools/mutations.py. Each mutation is built in a folder of its own, of the engine alone
and with little optimization, and must be noticed by the unit and property tests or the fuzzer. The
table goes to stdout, each function's first mutation before its second; the exit code is 1 when one
survived. Run it where the tests run.
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

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]
import build_ffi  # noqa: E402
import toolchain  # noqa: E402
from mutations import MUTATIONS  # noqa: E402

FLAGS = [
    "-std=c11", "-O1", "-g0", "-fPIC", "-foptimize-sibling-calls", "-fwrapv",
    "-fno-strict-aliasing", "-fomit-frame-pointer", "-pthread", "-w",
    "-isystem", build_ffi.WASM3, "-isystem", sysconfig.get_path("include"), "-Inative/bridge",
]  # fmt: skip
# Those that notice most come first, then the fuzzer, then all others.
QUICK = [f"tests/unit/test_{name}.py" for name in ("engine_bugs", "errors", "memory", "linking")]
OTHERS = ["tests/unit", "tests/property"]
# The folder has no documentation; the front-end is not what is changed.
LEFT_OUT = [*QUICK, *(f"tests/unit/test_{name}.py" for name in ("readme", "frontend_mutations"))]
SECONDS = 240  # what takes longer hangs
BYTES = 4 << 30  # of written memory, which a mutation may want without end


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

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONFAULTHANDLER": "1"}
        try:
            return subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
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

    def _tests(self, *paths: str) -> str:
        tests = self._run(
            sys.executable, "-m", "pytest", "-x", "-v", "-p", "no:cacheprovider", *paths
        )
        return last_test(tests.stdout) if tests.returncode else ""

    def _fuzz(self, count: int) -> str:
        fuzzer = [sys.executable, "tests/fuzz/fuzz.py", "--count", str(count), "--most", "1"]
        return "fuzz" if self._run(*fuzzer).returncode else ""

    def noticed_by(self, fuzz: int) -> str:
        """The test that fails, or nothing."""
        others = [*OTHERS, *(f"--ignore={path}" for path in LEFT_OUT)]
        return self._tests(*QUICK) or self._fuzz(fuzz) or self._tests(*others)

    def try_one(self, file: str, function: str, old: str, new: str, fuzz: int) -> str:
        """Who notices the mutation; nothing when nobody does."""
        path = self.folder / "native" / "engine" / file
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            return f"OUT OF DATE: {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")
        source = f"native/engine/{file}"
        try:
            words = self.build([source if file.endswith(".c") else "native/engine/engine.c"])
            return "the compiler" if words else self.noticed_by(fuzz)
        finally:
            path.write_text(text, encoding="utf-8")
            if file.endswith(".c"):
                self.build([source])


def last_test(output: str) -> str:
    """The test that failed, or ran when the process ended."""
    if failed := re.search(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE):
        return failed[1].removeprefix("tests/")
    ran = re.findall(r"^(tests/\S+)", output, re.MULTILINE)
    return f"{ran[-1].removeprefix('tests/')} (crash or hang)" if ran else "pytest"


def work(part: list[int], fuzz: int) -> list[tuple[int, str]]:
    """Tries these mutations one after the other."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Scratch(Path(folder))
        if words := scratch.build(scratch.sources):
            sys.exit(words)
        if noticed := scratch.noticed_by(fuzz):
            sys.exit(f"fails without a mutation: {noticed}")
        for index in part:
            file, function, old, new = MUTATIONS[index]
            noticed = scratch.try_one(file, function, old, new, fuzz)
            flip = f"`{' '.join(old.split())}` -> `{' '.join(new.split())}`"
            print(f"| {file} | {function} | {flip} | {noticed or 'SURVIVED'} |", flush=True)
            results.append((index, noticed))
    return results


def main() -> int:
    """Whether a mutation survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="a part of the file's or function's name")
    parser.add_argument("--fuzz", type=int, default=500, help="modules")
    given = parser.parse_args()
    chosen = [i for i, m in enumerate(MUTATIONS) if given.only in f"{m[0]} {m[1]}"]
    chosen.sort(key=lambda i: sum(m[:2] == MUTATIONS[i][:2] for m in MUTATIONS[:i]))
    print("| file | function | flip | noticed by |\n| --- | --- | --- | --- |", flush=True)
    with concurrent.futures.ProcessPoolExecutor(given.jobs) as pool:
        parts = [chosen[i :: given.jobs] for i in range(given.jobs)]
        futures = [pool.submit(work, part, given.fuzz) for part in parts]
        results = [result for future in futures for result in future.result()]
    survived = sum(not noticed for _, noticed in results)
    print(f"{len(results)} mutations, {survived} survived")
    return int(survived > 0)


if __name__ == "__main__":
    sys.exit(main())
