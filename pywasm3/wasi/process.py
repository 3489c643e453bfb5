# SPDX-License-Identifier: MIT
"""The functions args_*, environ_*, clock_*, random_get, proc_* and sched_yield."""

from __future__ import annotations

import time

from .._errors import WasiExit
from .abi import EINVAL, ENOTSUP, MASK_U64, SUCCESS, U32, WasiError
from .sources import THREAD_CPUTIME, random_bytes, resolution_of, time_of
from .waiting import check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from .context import Wasi

_RANDOM_PIECE = 1 << 20

# WASI's signal numbers, grouped by what a signal does by default.
_LAST_SIGNAL = 30
_IGNORED = (0, 16, 22, 27)  # none, chld, urg, winch
_STOPPING = (17, 18, 19, 20, 21)  # cont, stop, tstp, ttin, ttou


def _put_strings(wasi: Wasi, strings: list[bytes], pointers: int, buffer: int) -> int:
    data = b"".join(strings)
    memory = wasi.memory
    memory.check(pointers, 4 * len(strings))
    memory.write(buffer, data)
    for text in strings:
        U32.pack_into(memory.view, pointers, buffer)
        pointers += 4
        buffer += len(text)
    return SUCCESS


def _put_sizes(wasi: Wasi, strings: list[bytes], count: int, size: int) -> int:
    wasi.memory.check(size, 4)
    wasi.memory.put_u32(count, len(strings))
    wasi.memory.put_u32(size, sum(map(len, strings)))
    return SUCCESS


def args_get(wasi: Wasi, pointers: int, buffer: int) -> int:
    """Writes the arguments and a pointer to each of them."""
    return _put_strings(wasi, wasi.args, pointers, buffer)


def args_sizes_get(wasi: Wasi, count: int, size: int) -> int:
    """Writes the number of arguments and their total size in bytes."""
    return _put_sizes(wasi, wasi.args, count, size)


def environ_get(wasi: Wasi, pointers: int, buffer: int) -> int:
    """Writes the environment variables and a pointer to each of them."""
    return _put_strings(wasi, wasi.env, pointers, buffer)


def environ_sizes_get(wasi: Wasi, count: int, size: int) -> int:
    """Writes the number of environment variables and their total size in bytes."""
    return _put_sizes(wasi, wasi.env, count, size)


def _check_clock(clock_id: int) -> None:
    if clock_id > THREAD_CPUTIME:
        raise WasiError(EINVAL)


def clock_res_get(wasi: Wasi, clock_id: int, result: int) -> int:
    """Writes the resolution of a clock in nanoseconds."""
    _check_clock(clock_id)
    wasi.memory.check(result, 8)
    wasi.memory.put_u64(result, resolution_of(wasi.clock, clock_id) & MASK_U64)
    return SUCCESS


def clock_time_get(wasi: Wasi, clock_id: int, precision: int, result: int) -> int:
    """Writes the time of a clock in nanoseconds."""
    _check_clock(clock_id)
    wasi.memory.check(result, 8)
    wasi.memory.put_u64(result, time_of(wasi.clock, clock_id) & MASK_U64)
    return SUCCESS


def random_get(wasi: Wasi, buffer: int, size: int) -> int:
    """Fills a buffer with random bytes."""
    span = wasi.memory.span(buffer, size)
    for begin in range(0, size, _RANDOM_PIECE):
        check()
        piece = span[begin : begin + _RANDOM_PIECE]
        piece[:] = random_bytes(wasi.random, len(piece))
    return SUCCESS


def proc_exit(wasi: Wasi, code: int) -> None:
    """Ends the guest with an exit code."""
    _exit(wasi, code)


def _exit(wasi: Wasi, code: int) -> NoReturn:
    end = WasiExit(code, wasi)
    if wasi.threads is not None:
        wasi.threads.fail(end)
    raise end


def proc_raise(wasi: Wasi, signal: int) -> int:
    """Does what a signal does by default: ends the guest with code 128 + signal, or nothing."""
    if signal > _LAST_SIGNAL:
        raise WasiError(EINVAL)
    if signal in _STOPPING:
        raise WasiError(ENOTSUP)
    if signal not in _IGNORED:
        _exit(wasi, 128 + signal)
    return SUCCESS


def sched_yield(wasi: Wasi) -> int:
    """Lets other threads run."""
    time.sleep(0)
    return SUCCESS
