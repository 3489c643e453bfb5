# SPDX-License-Identifier: MIT
"""tools/wheels.py hides the compiler, shows why a step failed, and audits the stable ABI's modules.

What it does with real wheels is what "make wheels" shows.
"""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from helpers import TESTS, import_file

wheels: Any = import_file(TESTS.parent / "tools" / "wheels.py")


def test_no_compiler_is_found_where_a_wheel_is_tried(tmp_path: Path) -> None:
    environment = wheels.without_compiler(tmp_path)
    names = [environment["CC"], environment["CXX"], "cc", "gcc", "clang", "c++"]
    assert [shutil.which(name, path=environment["PATH"]) for name in names] == [None] * len(names)


def test_a_step_that_fails_shows_the_end_of_what_it_printed(tmp_path: Path) -> None:
    program = "import sys; print(*range(100), sep='\\n'); sys.exit(3)"
    with pytest.raises(wheels.StepError) as caught:
        wheels.run([sys.executable, "-c", program], tmp_path / "log", tmp_path, os.environ)
    command, *shown = str(caught.value).splitlines()
    assert command.endswith("failed:")
    assert shown == [str(number) for number in range(70, 100)]


def test_only_what_is_for_the_stable_abi_is_audited_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "WORK", tmp_path)
    wheel = tmp_path / "some.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pywasm3/_cpython.cpython-311-x86_64-linux-gnu.so", b"one version")
        archive.writestr("pywasm3/_engine.abi3.so", b"all versions")
        archive.writestr("pywasm3/_ffi.py", b"source")
    (module,) = wheels.stable_modules(wheel)
    assert module.read_bytes() == b"all versions"
