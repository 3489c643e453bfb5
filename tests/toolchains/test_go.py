# SPDX-License-Identifier: MIT
"""Programs that Go compiles for WASI run. `make toolchains` installs Go and runs these tests.

The expected values are what the programs print on Linux.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pywasm3
from helpers import TESTS
from pywasm3 import Limits, Module
from pywasm3.wasi import CAPTURE, HostDir, VirtualDir, WasiConfig

CACHE = TESTS.parent / "build" / "go"


def compiled(name: str, folder: Path) -> Module:
    """Compiles a program of the folder go/; Go's own packages are compiled once into a cache."""
    go = Path(sys.prefix, "bin", "go")
    assert go.exists(), "run these tests with `make toolchains`, which installs Go"
    output = folder / f"{name}.wasm"
    settings = {
        "GOOS": "wasip1",
        "GOARCH": "wasm",
        "GOCACHE": str(CACHE),
        "GOPATH": str(CACHE / "path"),
        "GOTOOLCHAIN": "local",
        "GOPROXY": "off",
    }
    subprocess.run(
        [go, "build", "-trimpath", "-o", output, TESTS / "toolchains" / "go" / f"{name}.go"],
        env={**os.environ, **settings},
        check=True,
    )
    return Module(output.read_bytes())


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
