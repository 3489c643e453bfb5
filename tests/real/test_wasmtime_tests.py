# SPDX-License-Identifier: MIT
"""The examples and the tests of the package wasmtime run over pywasm3.

They come from the source archive of wasmtime, and only the name of the module that they import is
replaced. Tests of components, and of what is private to wasmtime, are left out.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import unittest
from pathlib import Path

import pytest

from helpers import import_file
from pip_helpers import download

VERSION = "50.0.1"
SHA256 = "d9a1eb530e5c4a55853784ae6bff0053db3cad89299097ad00e352e3d48c3cc1"
EXAMPLES = {
    "gcd": "gcd(6, 27) = 3",
    "hello": "Hello from Python!",
    "linking": "Hello, world!",
    "memory": "Creating stand-alone memory...",
    "multi": 'Calling export "round_trip_many"...',
}
TESTS = [
    *("config", "engine", "func", "global", "instance", "linker", "memory", "module", "refs"),
    *("shared_memory", "store", "table", "tag", "trap", "types", "value", "wasi", "wat2wasm"),
]
# The tests that fail, and why.
FAILING = {
    "test_page_size_custom": "pywasm3 has no pages of other sizes",
    "test_dtor_func": "pywasm3 drops unused references later",
    "test_dtor_global": "pywasm3 drops unused references later",
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of wasmtime's examples and tests, which import pywasm3."""
    file = f"wasmtime-{VERSION}.tar.gz"
    archive = download(f"wasmtime=={VERSION}", file, SHA256, "--no-binary", "wasmtime")
    folder = tmp_path_factory.mktemp("wasmtime")
    with tarfile.open(archive) as opened:
        for member in opened.getmembers():
            path = Path(*Path(member.name).parts[1:])
            if member.isfile() and path.parts[0] in ("examples", "tests"):
                file_ = opened.extractfile(member)
                assert file_ is not None
                text = file_.read().decode().replace("from wasmtime import", _IMPORT)
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text, encoding="utf-8")
    (folder / "wasmtime").mkdir()  # a test gives a program this directory
    return folder


_IMPORT = "from pywasm3.compat.wasmtime import"


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(sources: Path, name: str) -> None:
    command = [sys.executable, f"examples/{name}.py"]
    done = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert EXAMPLES[name] in done.stdout.splitlines()


@pytest.mark.parametrize("name", TESTS)
def test_tests_pass(sources: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sources)
    module = import_file(sources / "tests" / f"test_{name}.py")
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    expected = {
        test._testMethodName
        for group in suite
        if isinstance(group, unittest.TestSuite)
        for test in group
        if isinstance(test, unittest.TestCase) and test._testMethodName in FAILING
    }
    output = io.StringIO()
    result = unittest.TextTestRunner(output).run(suite)
    failed = {
        test._testMethodName
        for test, _ in (*result.failures, *result.errors)
        if isinstance(test, unittest.TestCase)
    }
    assert result.testsRun > 0
    assert failed == expected, output.getvalue()
