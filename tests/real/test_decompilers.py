# SPDX-License-Identifier: MIT
"""Vineflower and CFR, decompilers that TeaVM compiled from Java, decompile classes from Python.

They are npm's packages @run-slicer/vf (Apache-2.0) and @run-slicer/cfr (MIT). java/Tally.class was
compiled from java/Tally.java; the other files in that folder are what the packages made of it in
Node 24.19, which runs such modules.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pywasm3
from npm_helpers import Package
from teavm_helpers import Bytes, JavaError, Promise, TeaVM

VINEFLOWER = Package(
    "@run-slicer/vf",
    "0.6.4-1.12.0",
    "95ea9721347df3cf471dcdcc2a28d46266dba5680a044a8f23d692a703e319e9",
)
CFR = Package(
    "@run-slicer/cfr",
    "0.1.8-0.152",
    "f1ee4ea567f4e572488fc7de39b192f40934a6534722dfa353a93bcb5260072f",
)
FOLDER = Path(__file__).parent / "java"
CLASS = (FOLDER / "Tally.class").read_bytes()
PACKAGES = {"vf": VINEFLOWER, "cfr": CFR}


@pytest.fixture(scope="module", params=list(PACKAGES))
def decompiler(request: pytest.FixtureRequest) -> tuple[str, TeaVM]:
    name = request.param
    return name, TeaVM(pywasm3.Module(PACKAGES[name].read(f"package/{name}.wasm")))


def decompile(program: TeaVM, find: Callable[[str], bytes | None]) -> Any:
    """Returns what the program makes of the class Tally, for whose bytes it asks."""

    def source(name: str) -> Promise:
        data = find(name)
        promise = Promise(program)
        promise.settle("fulfilled", None if data is None else Bytes(data))
        return promise

    function = program.instance.exports["decompile"].value
    return program.run(function(["Tally"], {"source": source, "options": {}}))


def test_a_class_is_decompiled_as_in_node(decompiler: tuple[str, TeaVM]) -> None:
    name, program = decompiler
    asked: list[str] = []

    def find(class_: str) -> bytes | None:
        asked.append(class_)
        return CLASS if class_ == "Tally" else None

    expected = (FOLDER / f"Tally.{name}.java").read_text(encoding="utf-8")
    assert decompile(program, find) == {"Tally": expected}
    assert asked[0] == "Tally"


def test_the_same_program_decompiles_again(decompiler: tuple[str, TeaVM]) -> None:
    name, program = decompiler
    expected = (FOLDER / f"Tally.{name}.java").read_text(encoding="utf-8")
    for _ in range(2):
        made = decompile(program, {"Tally": CLASS}.get)
        assert made == {"Tally": expected}


@pytest.mark.parametrize("decompiler", ["vf"], indirect=True)
def test_an_exception_of_java_comes_out(decompiler: tuple[str, TeaVM]) -> None:
    """The class ends too early, as Vineflower finds out. The program goes on afterwards."""
    _, program = decompiler
    with pytest.raises(JavaError):
        decompile(program, {"Tally": CLASS[:300]}.get)
    assert "abstract class Tally" in decompile(program, {"Tally": CLASS}.get)["Tally"]
