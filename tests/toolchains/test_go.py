# SPDX-License-Identifier: MIT
"""Programs that Go compiles for WASI run. `make toolchains` installs Go and runs these tests.

The expected values are what the programs print on Linux.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import pywasm3
from go_helpers import compiled
from pywasm3 import Limits, Module
from pywasm3.wasi import CAPTURE, HostDir, VirtualDir, WasiConfig


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Module:
    return compiled("nested", tmp_path_factory.mktemp("go"))


def run(module: Module, config: WasiConfig, limits: Limits | None = None) -> str:
    instance = pywasm3.Instance(module, wasi=config, limits=limits)
    assert instance.run() == 0
    return instance.wasi.stdout.decode()


def test_the_default_stack_is_large_enough_for_deep_json(nested: Module) -> None:
    """Go's own packages and tests read and write JSON of 10,000 levels."""
    config = WasiConfig(args=["nested", "9900"], stdout=CAPTURE)
    assert run(nested, config) == "true <nil>\n"
    with pytest.raises(pywasm3.StackExhausted, match=r"Limits\(stack=\)"):
        run(nested, config, Limits(stack=1 << 20))


@pytest.mark.parametrize("virtual", [False, True])
def test_a_root_can_be_read_written_and_listed(virtual: bool, tmp_path: Path) -> None:
    (tmp_path / "data" / "inner").mkdir(parents=True)
    (tmp_path / "data" / "inner" / "file").write_text("text")
    (tmp_path / "secret").write_text("secret")
    files = VirtualDir({"inner": {"file": b"text"}}) if virtual else HostDir(tmp_path / "data")
    config = WasiConfig(args=["root"], stdout=CAPTURE, preopens={"/data": files})
    printed = run(compiled("root", tmp_path), config)
    assert printed == '"text" <nil>\n<nil>\n2 <nil>\ntrue\n'


# ---- a library ----


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Module:
    return compiled("reactor", tmp_path_factory.mktemp("go"), "wasip1", "-buildmode=c-shared")


def words_of(instance: pywasm3.Instance) -> Callable[[str], str]:
    """Returns the library's function `words`, with strings of Python."""
    exports = instance.exports

    def words(text: str) -> str:
        data = text.encode()
        address = exports.allocate(len(data))
        instance.memory[address : address + len(data)] = data
        packed = exports.words(address, len(data))
        exports.release(address)
        result, size = packed >> 32 & 0xFFFFFFFF, packed & 0xFFFFFFFF
        answer = instance.memory.read_str(result, size)
        exports.release(result)
        return answer

    return words


def test_a_library_takes_and_returns_strings(library: Module) -> None:
    words = words_of(pywasm3.Instance(library, wasi=WasiConfig()))
    assert words("pear apple  fig") == "apple fig pear"
    assert words("żaba ångström") == "ångström żaba"
    assert words("") == ""


def test_a_library_holds_nothing_that_was_released(library: Module) -> None:
    instance = pywasm3.Instance(library, wasi=WasiConfig())
    words = words_of(instance)
    for count in range(200):
        words("word " * count)
    assert instance.exports.held() == 0
