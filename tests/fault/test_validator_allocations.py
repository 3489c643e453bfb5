# SPDX-License-Identifier: MIT
"""If an allocation of the decoder or validator fails, it reports that and frees everything else.

validator.c is compiled with the sources of the decoder and validator; it makes the n-th allocation
fail, for each n in turn, on modules that use every feature. It needs a C compiler.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz import seeds
from helpers import wat

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import toolchain

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent

RENAMED = [f"-D{name}=fault_{name}" for name in ("malloc", "calloc", "realloc", "free")]
# A module that is larger than the first sizes of the buffers, so that they must grow.
TYPES = " ".join(f"(type (func (param {n * 'i32 '})))" for n in range(40))
SETS = " ".join(f"(local.set {2 * n + 2} (local.get 0))" for n in range(99))
LARGE = f"""(module {TYPES}
    (func (param (ref func)) {"(local i32) (local (ref func))" * 100} {SETS}
        {"(i32.const 1) " * 300} {"(drop) " * 300} {"(block " * 100} {")" * 100})
    {" ".join(f'(func (export "f{n}"))' for n in range(100))})"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = toolchain.default_compiler()
    if sys.platform == "win32" or not shutil.which(compiler):
        pytest.skip(f"needs the compiler {compiler}")
    folder = tmp_path_factory.mktemp("fault")
    sources = [
        source
        for layer in ("base", "decode", "validate")
        for source in sorted((ROOT / "native" / layer).glob("*.c"))
    ]
    if not sources:
        pytest.skip("needs the sources")
    flags = ["-std=c11", "-g", f"-I{ROOT / 'native'}"]
    for number, source in enumerate(sources):  # two layers may have files of one name
        compile = [compiler, *flags, "-c", *RENAMED, str(source), "-o", f"{number}.o"]
        subprocess.run(compile, check=True, cwd=folder)
    found = folder / "validator"
    link = [compiler, *flags, "-o", str(found), str(TESTS / "fault/validator.c")]
    subprocess.run([*link, *map(str, folder.glob("*.o"))], check=True)
    return found


def test_each_failure_is_reported_and_nothing_leaks(program: Path, tmp_path: Path) -> None:
    texts = {**seeds.TEXTS, "large": LARGE}
    files = [tmp_path / f"{name}.wasm" for name in texts]
    for file, text in zip(files, texts.values(), strict=True):
        file.write_bytes(wat(text))
    done = subprocess.run([program, *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    # A line is "PATH: 9 and 8 allocations": those of pw_module_new and of pw_module_validate.
    counts = [line.split()[-4:-1:2] for line in done.stdout.splitlines()]
    assert len(counts) == len(files)
    assert min(int(validated) for _, validated in counts) > 4
    assert int(counts[-1][0]) > 20
