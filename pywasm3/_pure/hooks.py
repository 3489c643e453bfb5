# SPDX-License-Identifier: MIT
"""What the Python layer gives to connect(): functions and classes for what need not be fast."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

NAMES = (
    *("trap", "error", "note", "add_note", "closed", "signature", "call_argv", "aio"),
    *("describe", "layout", "brief", "limits", "array", "element", "aggregates"),
)


class Hooks:
    """The hooks; native/cpython/state.h says what each of them takes and returns."""

    trap: Callable[..., BaseException]
    error: Callable[[int], BaseException]
    note: Callable[..., str]
    add_note: Callable[[BaseException, str], None]
    closed: type[Exception]
    signature: Callable[[Any, int], Any]
    call_argv: Callable[[Any, tuple[str, ...]], Any]
    aio: Callable[[Any], Any]
    describe: Callable[[int], tuple[str, Any]]
    layout: Callable[[str], tuple[int, Callable[..., bytes], Callable[[bytes], tuple[Any, ...]]]]
    brief: Callable[[str], str]
    limits: Callable[[Any], tuple[int, int, int, int, int, int, int]]
    array: Callable[[tuple[object, ...], str, int], Any]
    element: Callable[[BaseException, int, bool], None]
    aggregates: Callable[[], tuple[type[Any], type[Any]]]
    # connect_thrown() gives these two later.
    thrown: Callable[..., BaseException]
    wasm_exception: type[BaseException]


hooks = Hooks()
