# SPDX-License-Identifier: MIT
"""How a failed call of a Function raises."""

from __future__ import annotations

from .._ffi import ffi, lib
from .hooks import hooks
from .numbers import is_exnref, kind_of
from .owner import Owner
from .references import decode_all
from .stopping import HOST, take_error
from .tenants import new_anchor
from .throw import shown_type, tag_types
from .turns import leave

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, TypeAlias

    from .function import Function
    from .store import Store

    Pointer = Any
    Frame: TypeAlias = tuple[int, int | None, str | Callable[[int], str] | None]

_MAX_FRAMES = 64
# Bytes of a name that is decoded at once. It is at least as much as a message shows.
_SHORT_NAME = 1028
_EXCEPTION: int = lib.PW_TRAP_EXCEPTION
_NO_MEMORY: int = lib.PW_TRAP_NO_MEMORY
_UNSUPPORTED: int = lib.PW_TRAP_UNSUPPORTED


class Report:
    """What the engine recorded about a failed call of a store, which is entered."""

    __slots__ = ("frames", "head", "message", "omitted")

    def __init__(self, store: Store, trap: int) -> None:
        frames = ffi.new("pw_frame[]", _MAX_FRAMES)
        head, omitted = ffi.new("uint32_t *"), ffi.new("uint64_t *")
        count = lib.pw_store_frames(store._pointer, frames, _MAX_FRAMES, head, omitted)
        self.frames: tuple[Frame, ...] = tuple([_frame(frames[i]) for i in range(count)])
        self.head, self.omitted = int(head[0]), int(omitted[0])
        self.message = ""
        if trap == _UNSUPPORTED:
            text = ffi.string(lib.pw_store_message(store._pointer), 255)
            self.message = str(text, "utf-8", "replace")


def _frame(frame: Pointer) -> Frame:
    offset = None if frame.offset == lib.PW_NO_INDEX else int(frame.offset)
    return int(frame.function), offset, _name(frame.module, frame.name)


def _name(module: Pointer, name: Pointer) -> str | Callable[[int], str] | None:
    """Returns a name; a long one as a function that decodes at most so many bytes, -1: all."""
    data, size = name.data, name.size
    if size == 0:
        return None
    if size <= _SHORT_NAME:
        return str(ffi.unpack(data, size), "utf-8", "replace")
    keeper = Owner(lib.pw_module_retain(module), lib.pw_module_release)

    def decode(most: int, keeper: Owner = keeper) -> str:
        if not 0 <= most < size:
            return str(ffi.unpack(data, size), "utf-8", "replace")
        part: bytes = ffi.unpack(data, most)
        for cut in range(1, 4):  # a character that is cut in two is left out
            if most >= cut and part[-cut] >= 0xC0:
                width = 2 if part[-cut] < 0xE0 else 3 if part[-cut] < 0xF0 else 4
                part = part[:-cut] if cut < width else part
                break
        return str(part, "utf-8", "replace")

    return decode


# ---- exceptions that wasm threw ------------------------------------------------------------------


def _thrown(store: Store, thrown: Pointer, report: Report) -> Callable[[], BaseException]:
    """Returns what makes the Python exception for the exception with which a call ended."""
    tag = thrown.tag
    types = tag_types(tag)
    cells = ffi.unpack(thrown.cells, thrown.ncells) if thrown.ncells else []
    anchor = new_anchor(store, ffi.cast("pw_object *", tag))
    if any(is_exnref(kind_of(each)) for each in types):
        keeper = lib.pw_gate_keep_thrown(store._turn)
        if not keeper:
            raise MemoryError
        payload: Any = new_anchor(store, keeper)
    else:
        payload = decode_all(store, cells, types, False)
    codes = tuple([shown_type(store, each) for each in types])
    address = int(ffi.cast("uintptr_t", tag))
    return lambda: hooks.thrown(
        store, anchor, address, codes, payload, report.frames, report.head, report.omitted
    )


def _fail_with_exception(
    store: Store, report: Report
) -> tuple[BaseException | None, Callable[[], BaseException] | None]:
    """Returns the exception of a host function, or what makes the one that wasm threw.

    The engine keeps that one until `pw_gate_end_thrown` (native/embed/thrown.h).
    """
    try:
        thrown = lib.pw_gate_thrown(store._turn)
        if thrown.of_host:
            return take_error(store), None
        if not thrown.host:
            return None, _thrown(store, thrown, report)
        if thrown.host not in store._externs.objects:
            return SystemError("wasm threw an exception that it was never given"), None
        return store._externs.objects[thrown.host], None
    finally:
        lib.pw_gate_end_thrown(store._turn)


# ---- any failure ---------------------------------------------------------------------------------


def _annotate(error: BaseException, report: Report) -> None:
    """Adds a note to the exception of a host function, with the wasm frames that it passed through.

    The exception is more important than its note: if that cannot be made, there is none.
    """
    try:
        note = hooks.note(report.frames, report.head, report.omitted)
        if note:
            hooks.add_note(error, note)
    except Exception:
        return


def _trap(trap: int, report: Report) -> BaseException:
    if trap == _NO_MEMORY:
        return MemoryError()
    return hooks.trap(trap, report.frames, report.head, report.omitted, report.message)


def fail(function: Function, trap: int, depth: int) -> NoReturn:
    """Raises the exception for a trap.

    The store is entered. It is left, until it is entered `depth` times, before Python code runs
    that makes the exception.
    """
    store = function._store
    error: BaseException | None = None
    make: Callable[[], BaseException] | None = None
    try:
        report = Report(store, trap)
        if trap == HOST:
            error = take_error(store)
        elif trap == _EXCEPTION:
            error, make = _fail_with_exception(store, report)
        else:
            store._trapped = True
    finally:
        leave(store, depth)
    if error is not None:
        _annotate(error, report)
    else:
        error = make() if make is not None else _trap(trap, report)
    raise error if store._failure_hook is None else store._failure_hook(error)
