# SPDX-License-Identifier: MIT
"""Functions that Emscripten's C library imports for memory, the end of a program, and messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from ..._errors import StackExhausted, Trap, TrapKind, WasiExit, WasmError
from ...wasi.abi import FAILURES, RIGHT_FD_WRITE
from ...wasi.sources import MONOTONIC, REALTIME, random_bytes, resolution_of, time_of

if TYPE_CHECKING:
    from ._program import Emscripten
    from ._signatures import Entry

_PAGE = 1 << 16
_MOST_SURPLUS = 96 << 20  # bytes that a memory grows at most beyond what was asked for
_MOST_TEXT = 1 << 16  # bytes of a message of the guest
_MOST_ENTROPY = 256  # bytes: getentropy() gives no more at a time
_ENOSYS = 52


class Aborted(Trap):
    """The guest has called abort(), or an assertion of it has failed.

    It is a Trap whose kind is ``TrapKind.UNREACHABLE``; ``detail`` is the guest's message.
    """


def text_at(program: Emscripten, address: int) -> str:
    """Returns the text at an address, without what is behind its first 65,536 bytes; "" for 0."""
    if address == 0:
        return ""
    memory = program.wasi.memory
    memory.check(address, 1)
    data = bytes(memory.view[address : address + _MOST_TEXT])
    return data.partition(b"\0")[0].decode(errors="replace")


# ---- memory ----


def _resize_heap(program: Emscripten, wanted: int) -> int:
    """Grows the memory to at least the wanted bytes, and beforehand, so that it seldom grows."""
    memory = program.memory
    size = len(memory)
    if wanted <= size:
        return 1
    most = _heap_max(program)
    if wanted > most:
        return 0
    for part in (5, 10, 20, size + 1):
        surplus = min(size + size // part, wanted + _MOST_SURPLUS)
        pages = -(-min(max(wanted, surplus), most) // _PAGE)
        try:
            memory.grow(pages - size // _PAGE)
        except WasmError:  # the maximum or the limits do not allow so much
            continue
        return 1
    return 0


def _heap_max(program: Emscripten) -> int:
    pages = program.memory.type.max
    return min((1 << 16) - 1 if pages is None else pages, (1 << 16) - 1) * _PAGE


def _copy(program: Emscripten, to: int, source: int, size: int) -> None:
    memory = program.wasi.memory
    data = memory.span(source, size)
    memory.span(to, size)[:] = data  # Python allows the two to overlap


def _copy_to(program: Emscripten, to: int, source: int, size: int) -> int:
    _copy(program, to, source, size)
    return to


# ---- the end ----


def _abort(program: Emscripten) -> NoReturn:
    raise Aborted(TrapKind.UNREACHABLE, detail="the guest called abort()")


def _assert_fail(
    program: Emscripten, condition: int, file: int, line: int, function: int
) -> NoReturn:
    shown, where = text_at(program, condition), text_at(program, file) or "unknown file"
    within = text_at(program, function) or "unknown function"
    detail = f"assertion failed: {shown}, at {where}:{line}, in {within}"
    raise Aborted(TrapKind.UNREACHABLE, detail=detail)


def _exit(program: Emscripten, code: int) -> NoReturn:
    raise WasiExit(code, program.wasi)


def _stack_overflow(program: Emscripten, *_: int) -> NoReturn:
    raise StackExhausted(TrapKind.STACK_EXHAUSTED, detail="the stack of C is exhausted")


def _fault(program: Emscripten) -> NoReturn:
    raise Trap(TrapKind.MEMORY_OUT_OF_BOUNDS, detail="the guest's checks found a wrong address")


# ---- time and randomness ----


def _date_now(program: Emscripten) -> float:
    return float(time_of(program.wasi.clock, REALTIME) // 1_000_000)


def _now(program: Emscripten) -> float:
    return time_of(program.wasi.clock, MONOTONIC) / 1e6


def _now_resolution(program: Emscripten) -> float:
    return resolution_of(program.wasi.clock, MONOTONIC) / 1e6


def _entropy(program: Emscripten, buffer: int, size: int) -> int:
    if size > _MOST_ENTROPY:
        return -1
    span = program.wasi.memory.span(buffer, size)
    span[:] = random_bytes(program.wasi.random, size)
    return 0


def _set_timer(program: Emscripten, _which: int, milliseconds: float) -> int:
    """Refuses to set a timer, whose signal could not come: nothing runs between two calls."""
    return -1 if milliseconds else 0


# ---- messages and the rest ----


def _write(program: Emscripten, fd: int, address: int, end: bytes) -> None:
    data = text_at(program, address).encode() + end
    try:
        descriptor = program.wasi.descriptors.get(fd)
        descriptor.require_mode(RIGHT_FD_WRITE)
        descriptor.write([memoryview(data)])
    except FAILURES:  # as the console of JavaScript: the guest does not hear of it
        pass


def _log(program: Emscripten, address: int) -> None:
    _write(program, 1, address, b"\n")


def _warn(program: Emscripten, address: int) -> None:
    _write(program, 2, address, b"\n")


def _nothing(program: Emscripten, *_: Any) -> None:
    """Does nothing, because here nothing needs to be done."""


def _zero(program: Emscripten, *_: Any) -> int:
    return 0


def _one(program: Emscripten, *_: Any) -> int:
    return 1


def _system(program: Emscripten, command: int) -> int:
    return 0 if command == 0 else -_ENOSYS


def _call_handler(program: Emscripten, function: int, signal: int) -> None:
    program.call(function, signal)


FUNCTIONS: list[Entry] = [
    ("emscripten_resize_heap", _resize_heap, "i>i"),
    ("emscripten_get_heap_max", _heap_max, ">i"),
    ("emscripten_notify_memory_growth", _nothing, "i>"),
    ("emscripten_memcpy_big", _copy, "iii>"),
    ("emscripten_memcpy_big", _copy_to, "iii>i"),
    ("emscripten_memcpy_js", _copy, "iii>"),
    ("_emscripten_memcpy_js", _copy, "iii>"),
    ("abort", _abort, ">"),
    ("_abort_js", _abort, ">"),
    ("__assert_fail", _assert_fail, "iiii>"),
    ("exit", _exit, "i>"),
    ("_Exit", _exit, "i>"),
    ("emscripten_force_exit", _exit, "i>"),
    ("__handle_stack_overflow", _stack_overflow, "i>"),
    ("__handle_stack_overflow", _stack_overflow, ">"),
    ("segfault", _fault, ">"),
    ("alignfault", _fault, ">"),
    ("emscripten_date_now", _date_now, ">d"),
    ("emscripten_get_now", _now, ">d"),
    ("emscripten_get_now_res", _now_resolution, ">d"),
    ("_emscripten_get_now_is_monotonic", _one, ">i"),
    ("emscripten_get_now_is_monotonic", _one, ">i"),
    ("getentropy", _entropy, "ii>i"),
    ("_setitimer_js", _set_timer, "id>i"),
    ("emscripten_console_log", _log, "i>"),
    ("emscripten_console_warn", _warn, "i>"),
    ("emscripten_console_error", _warn, "i>"),
    ("emscripten_out", _log, "i>"),
    ("emscripten_err", _warn, "i>"),
    ("emscripten_dbg", _warn, "i>"),
    ("_emscripten_system", _system, "i>i"),
    ("_emscripten_runtime_keepalive_clear", _nothing, ">"),
    ("emscripten_runtime_keepalive_push", _nothing, ">"),
    ("emscripten_runtime_keepalive_pop", _nothing, ">"),
    ("emscripten_runtime_keepalive_check", _zero, ">i"),
    ("__call_sighandler", _call_handler, "ii>"),
]
