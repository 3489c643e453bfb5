# SPDX-License-Identifier: MIT
"""What a host keeps for its guest is counted, also on a Python that does not know sizes."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from pywasm3 import WasmError
from pywasm3.guests import _budget


@pytest.mark.parametrize("value", ["", "text", "zażółć", "\U0001d11e" * 9, b"bytes", bytearray(9)])
def test_an_object_counts_as_what_python_says(value: Any) -> None:
    if sys.implementation.name == "pypy":
        pytest.skip("PyPy does not say")
    assert _budget.size_of(value) == sys.getsizeof(value)


@pytest.mark.parametrize(
    ("value", "size"), [("text", 4), ("za\u017c", 12), (b"\xff\xff", 2), (bytearray(9), 9)]
)
def test_without_python_characters_and_bytes_are_counted(
    value: Any, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sys.getsizeof gives the default on PyPy."""
    monkeypatch.setattr(_budget, "getsizeof", lambda value, default: default)
    assert _budget.size_of(value) == _budget._HEADER + size


class _Budget(_budget.Budget):
    def exceeded(self, total: int) -> WasmError:
        return WasmError(f"{total} bytes")


@pytest.mark.parametrize(("freed", "enough"), [(61, False), (62, True)])
def test_a_collection_makes_room_if_it_frees_a_sixteenth_of_the_limit(
    freed: int, enough: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = _Budget(1000)
    budget.take(1000)

    def collect() -> bool:
        budget.give(freed)
        return True

    monkeypatch.setattr(_budget, "made_room", collect)
    if enough:
        budget.take(1)
    else:
        with pytest.raises(WasmError, match="1001 bytes"):
            budget.take(1)
