# SPDX-License-Identifier: MIT
"""What MoonBit compiles with structures and arrays runs, and its objects are values in Python.

The compiler, and the sources of MoonBit's core library, are in npm's package
@moonbit/moonpad-monaco (Apache-2.0). moonbit/build.cjs runs it in Node.js.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import pywasm3
from helpers import TESTS
from npm_helpers import Package

MOONBIT = Package(
    "@moonbit/moonpad-monaco",
    "0.1.202602255",
    "d32579642863260f2fcf4fb24586d1ea59a6bfac0626f4761db45bb7fbe2d035",
)
FOLDER = TESTS / "toolchains" / "moonbit"
EXPORTS = "root,insert,depth,counted,shown,length,unit"


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> pywasm3.Module:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not there to run MoonBit's compiler")
    made: Path = tmp_path_factory.mktemp("moonbit") / "tally.wasm"
    command = [node, FOLDER / "build.cjs", MOONBIT.unpacked(), FOLDER / "tally.mbt", made, EXPORTS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return pywasm3.Module(made.read_bytes())


@pytest.fixture
def tally(module: pywasm3.Module) -> Any:
    return pywasm3.Instance(module).exports


def depth(keys: list[int]) -> int:
    """The depth of the tree into which the keys are inserted one after the other."""
    if not keys:
        return 0
    left, right = ([k for k in keys[1:] if (k < keys[0]) is less] for less in (True, False))
    return 1 + max(depth(left), depth(right))


def test_the_module_needs_no_host(module: pywasm3.Module) -> None:
    assert not module.imports


def test_python_holds_a_tree(tally: Any) -> None:
    keys = random.Random(7).sample(range(10_000), 2_000)
    tree = tally.root(keys[0])
    for key in keys[1:]:
        tally.insert(tree, key)
    assert tally.depth(tree) == depth(keys)


def test_a_map_counts_words(tally: Any) -> None:
    assert [tally.counted(1000, i) for i in (0, 5, 6, 7)] == [143, 143, 142, -1]


def test_a_string_is_an_array_of_code_units(tally: Any) -> None:
    text = tally.shown(5)
    units = [tally.unit(text, i) for i in range(tally.length(text))]
    expected = "[6, 9, 14] \xe9\U0001f600"
    assert b"".join(unit.to_bytes(2, "little") for unit in units).decode("utf-16-le") == expected
    with pytest.raises(pywasm3.Trap):
        tally.unit(text, len(units))


def test_an_object_of_another_type_is_refused(tally: Any) -> None:
    with pytest.raises(TypeError, match="is not of type"):
        tally.depth(tally.shown(1))


def test_a_tree_grows_up_to_the_limit(module: pywasm3.Module) -> None:
    tally: Any = pywasm3.Instance(module, limits=pywasm3.Limits(heap=1 << 20)).exports
    tree, inserted = tally.root(0), 0
    with pytest.raises(pywasm3.Trap) as caught:
        for inserted in range(1, 1 << 20):
            tally.insert(tree, (inserted * 40503) % 65536)
    assert caught.value.kind is pywasm3.TrapKind.HEAP_EXHAUSTED
    assert inserted > 10_000
