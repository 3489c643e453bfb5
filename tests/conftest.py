# SPDX-License-Identifier: MIT
"""Fixtures and settings of the whole suite."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

import helpers
import pywasm3
from pywasm3._ffi import PURE

# Buffers written in Python exist since Python 3.12 (PEP 688). Before, the file has nothing to test.
collect_ignore = ["misuse/test_python_buffers.py"] if sys.version_info < (3, 12) else []
# "make toolchains" and "make guests-real" set this variable, after they have installed the
# compilers that these tests need.
if "PYWASM3_TOOLCHAINS" not in os.environ:
    collect_ignore.extend(["toolchains", "real"])
# "make test-dask" sets this one, after it has installed Dask and pandas.
if "PYWASM3_DASK" not in os.environ:
    collect_ignore.append("scale")
# The sanitizers watch C code, of which these tests run nothing that others do not.
if helpers.SANITIZED:
    collect_ignore += ["bench", "tools", "unit/test_hook.py", "cli/test_stubs.py"]
    collect_ignore_glob = [
        f"unit/test_{name}*.py" for name in ("bindgen", "emscripten", "gojs", "guest_", "napi")
    ]
# "make fuzz-v8" sets this one, after it has installed Node.js.
if "PYWASM3_V8" not in os.environ:
    collect_ignore.append("fuzz/test_v8.py")

# A slow machine is not a bug, so hypothesis must not time the examples.
hypothesis.settings.register_profile(
    "pywasm3",
    deadline=None,
    max_examples=20 if helpers.SANITIZED else 100,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("pywasm3")

# A shell lets commands in the background ignore Ctrl-C, and our child processes would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips what the types that use cffi alone do not have (PYWASM3_PURE_CFFI=1)."""
    if not PURE:
        return
    if item.get_closest_marker("c_types"):
        pytest.skip("this is about the types of pywasm3._cpython")
    old = sys.version_info < (3, 12) and sys.implementation.name == "cpython"
    if old and item.get_closest_marker("buffers"):
        pytest.skip("before Python 3.12, a class that is written in Python exports no buffer")


@pytest.fixture(scope="module", autouse=True)
def only_new_objects() -> None:
    """Lets the garbage collector look only at objects that the tests of a file have made.

    Otherwise, each collection looks at what pytest has made of all tests, too, which takes most of
    the time of the leak tests. What a test leaves behind is found all the same, because it is new.
    """
    gc.collect()
    if hasattr(gc, "freeze"):  # PyPy has none
        gc.freeze()


@pytest.fixture(scope="session")
def wat() -> Callable[[str], bytes]:
    """The function that assembles a text module."""
    return helpers.wat


@pytest.fixture(scope="session")
def guests() -> Path:
    """The folder that the compiled guests are in."""
    return helpers.GUESTS


@pytest.fixture(scope="module")
def large() -> pywasm3.Memory:
    """A memory that has grown to 4 GiB and two pages, of which tests touch only some."""
    pages = 65536 + 2
    try:
        pywasm3.Memory(pages, address="i64")
    except MemoryError as error:
        pytest.skip(f"needs 4 GiB of address space: {error}")
    memory = pywasm3.Memory(1, address="i64")
    memory.grow(pages - 1)
    return memory
