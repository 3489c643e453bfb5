# SPDX-License-Identifier: MIT
"""The runtime of .NET starts as a guest, and runs a program of C#.

The program is examples/gallery/runtimes. npm downloads the package, once. Hashes are compared with
those of Python.
"""

from __future__ import annotations

import hashlib
import json
from types import ModuleType
from typing import Any

import pytest

import pywasm3
from gallery_helpers import GALLERY, outputs_of, run_example
from helpers import import_file
from npm_helpers import Package
from pywasm3.wasi import WasiConfig

PROGRAM = GALLERY / "runtimes" / "dotnet.py"
MLVSCAN = Package(  # GPL-3.0-or-later
    "@mlvscan/wasm-core",
    "1.4.1",
    "e95c77467ba16abc29d8b729042184b2b4bbd548be892df30662fb8c48e1f5e2",
)
FRAMEWORK = "dist/_framework"
CORE = "System.Private.CoreLib"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return import_file(PROGRAM)


@pytest.fixture(scope="module")
def mono(example: ModuleType) -> Any:
    return example.Mono(MLVSCAN.unpacked() / FRAMEWORK)


def test_the_page_shows_what_the_example_prints() -> None:
    assert outputs_of("runtimes.md") == [run_example(PROGRAM, MLVSCAN.unpacked() / FRAMEWORK)]


def test_all_functions_of_the_runtime_compile() -> None:
    module = pywasm3.Module(MLVSCAN.read(f"package/{FRAMEWORK}/dotnet.native.wasm"))
    pywasm3.Instance(module, wasi=WasiConfig(), missing="trap", compile="eager").close()


def test_methods_of_net_take_and_return_texts(mono: Any) -> None:
    joined = mono.call(CORE, "System.String", "Concat", "straße ", "北🙂")
    assert str(joined) == "straße 北🙂"
    assert str(joined.call(CORE, "System.String", "ToUpperInvariant")) == "STRAßE 北🙂"


def test_main_runs_to_its_end(mono: Any) -> None:
    mono.run("MLVScan.WASM")
    assert mono.traces == []


def test_a_program_hashes_bytes_like_python(mono: Any) -> None:
    data = bytes(range(256))
    scanner = "MLVScan.WASM", "MLVScan.WASM.ScannerExports", "ScanAssembly"
    report = json.loads(str(mono.call(*scanner, data, "ü.dll")))
    assert report["input"] == {
        "fileName": "ü.dll",
        "sizeBytes": 256,
        "sha256Hash": hashlib.sha256(data).hexdigest(),
    }


def test_an_exception_of_net_is_one_of_python(example: ModuleType, mono: Any) -> None:
    """A method of an object is called without an object."""
    with pytest.raises(example.ManagedError, match="ArgumentNullException: Value cannot be null"):
        mono.call(CORE, "System.String", "ToUpperInvariant")


def test_a_method_that_a_program_does_not_contain_is_a_lookup_error(mono: Any) -> None:
    with pytest.raises(LookupError, match=r"System\.Convert\.ToHexString with 1 parameters"):
        mono.call(CORE, "System.Convert", "ToHexString", b"")
    with pytest.raises(LookupError):
        mono.run("NoSuchAssembly")


def test_objects_that_python_forgets_give_their_places_back(example: ModuleType, mono: Any) -> None:
    for _ in range(2 * example.SLOTS):
        mono.call(CORE, "System.String", "Concat", "a", "b")
