# SPDX-License-Identifier: MIT
"""Whatever numbers and bytes a guest passes to a WASI function, it gets an errno.

No call raises, crashes or hangs. Hypothesis draws the functions, the arguments and the bytes in the
guest's memory; that the errno exists is all that is expected of it.
"""

from __future__ import annotations

import tempfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pywasm3
from pywasm3.wasi import CAPTURE, VirtualDir
from pywasm3.wasi.abi import ERRNO_NAMES
from pywasm3.wasi.preview1 import FUNCTIONS
from wasi_helpers import Calls, small_files

ENDING = ("proc_exit", "proc_raise")
NAMES = sorted(set(FUNCTIONS) - set(ENDING))

small = st.integers(0, 40)
i32 = st.one_of(small, small, st.integers(-(2**31), 2**31 - 1), st.integers(131060, 131080))
i64 = st.one_of(small, st.integers(-(2**63), 2**63 - 1))


@st.composite
def call(draw: Any) -> tuple[str, list[int]]:
    name = draw(st.sampled_from(NAMES))
    return name, [draw(i32 if letter == "i" else i64) for letter in FUNCTIONS[name][1]]


@given(st.binary(max_size=200), st.lists(call(), min_size=1, max_size=30))
def test_any_arguments_have_an_errno(data: bytes, several: list[tuple[str, list[int]]]) -> None:
    with tempfile.TemporaryDirectory() as folder, small_files():
        virtual = VirtualDir({"\1": b"text", "\2": {}}, max_bytes=1 << 20)
        calls = Calls(
            args=["a"],
            stdin=b"text",
            stdout=CAPTURE,
            preopens={"/a": virtual, "/b": folder},
            clock=0,
            max_capture_bytes=1 << 20,
        )
        calls.memory.write(0, data)
        for name, arguments in several:
            assert 0 <= calls.instance.exports[name](*arguments) < len(ERRNO_NAMES)
        calls.instance.close()


@given(i32)
def test_any_exit_code_and_signal_ends_cleanly(number: int) -> None:
    calls = Calls()
    with pytest.raises(pywasm3.WasiExit) as caught:
        calls.instance.exports.proc_exit(number)
    assert caught.value.code == number % 2**32
    try:
        assert calls.instance.exports.proc_raise(number) in (0, 28, 58)
    except pywasm3.WasiExit as end:
        assert end.code == 128 + number
