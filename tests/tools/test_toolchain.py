# SPDX-License-Identifier: MIT
"""tools/toolchain.py says in one sentence what a build lacks."""

from __future__ import annotations

import sys

import pytest

from helpers import TESTS, import_file

toolchain = import_file(TESTS.parent / "tools" / "toolchain.py")


def test_nothing_is_missing_here() -> None:
    assert toolchain.missing(toolchain.default_compiler()) is None


def test_a_python_of_32_bits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    assert toolchain.missing("cc").startswith("pywasm3 needs a Python of 64 bits, and this one has")


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows, setup.py looks for the compiler")
def test_a_missing_compiler_is_named() -> None:
    assert "'no-such-compiler' was not found" in toolchain.missing("no-such-compiler")
