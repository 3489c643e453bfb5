# SPDX-License-Identifier: MIT
"""The table of the functions of WASI preview 1: their names, their types and what runs them."""

from __future__ import annotations

import sys

from .._ffi import FdWrite
from .._types import FuncType, i32, i64
from .abi import FAILURES, errno_of
from .waiting import locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import Wasi

    Call = Callable[..., "int | None"]

SNAPSHOT = "wasi_snapshot_preview1"
UNSTABLE = "wasi_unstable"
MODULES = (SNAPSHOT, UNSTABLE)

# For each function: the module that has it, which is imported when a guest needs the function, and
# the types of its parameters. The types have a letter each: "i" and "l" are unsigned integers of 32
# and 64 bits (descriptors, pointers, lengths, flags), and "s" is a signed integer of 64 bits.
FUNCTIONS = {
    "args_get": ("process", "ii"),
    "args_sizes_get": ("process", "ii"),
    "environ_get": ("process", "ii"),
    "environ_sizes_get": ("process", "ii"),
    "clock_res_get": ("process", "ii"),
    "clock_time_get": ("process", "ili"),
    "fd_advise": ("fd_calls", "illi"),
    "fd_allocate": ("fd_calls", "ill"),
    "fd_close": ("fd_calls", "i"),
    "fd_datasync": ("fd_calls", "i"),
    "fd_fdstat_get": ("fd_calls", "ii"),
    "fd_fdstat_set_flags": ("fd_calls", "ii"),
    "fd_fdstat_set_rights": ("fd_calls", "ill"),
    "fd_filestat_get": ("fd_calls", "ii"),
    "fd_filestat_set_size": ("fd_calls", "il"),
    "fd_filestat_set_times": ("fd_calls", "illi"),
    "fd_pread": ("fd_calls", "iiili"),
    "fd_prestat_get": ("fd_calls", "ii"),
    "fd_prestat_dir_name": ("fd_calls", "iii"),
    "fd_pwrite": ("fd_calls", "iiili"),
    "fd_read": ("fd_calls", "iiii"),
    "fd_readdir": ("fd_calls", "iiili"),
    "fd_renumber": ("fd_calls", "ii"),
    "fd_seek": ("fd_calls", "isii"),
    "fd_sync": ("fd_calls", "i"),
    "fd_tell": ("fd_calls", "ii"),
    "fd_write": ("fd_calls", "iiii"),
    "path_create_directory": ("path_calls", "iii"),
    "path_filestat_get": ("path_calls", "iiiii"),
    "path_filestat_set_times": ("path_calls", "iiiilli"),
    "path_link": ("path_calls", "iiiiiii"),
    "path_open": ("path_calls", "iiiiillii"),
    "path_readlink": ("path_calls", "iiiiii"),
    "path_remove_directory": ("path_calls", "iii"),
    "path_rename": ("path_calls", "iiiiii"),
    "path_symlink": ("path_calls", "iiiii"),
    "path_unlink_file": ("path_calls", "iii"),
    "poll_oneoff": ("poll", "iiii"),
    "proc_exit": ("process", "i"),
    "proc_raise": ("process", "i"),
    "sched_yield": ("process", ""),
    "random_get": ("process", "ii"),
    "sock_accept": ("sock_calls", "iii"),
    "sock_recv": ("sock_calls", "iiiiii"),
    "sock_send": ("sock_calls", "iiiii"),
    "sock_shutdown": ("sock_calls", "ii"),
}

# The functions that differ in wasi_unstable: in the modules, their names end with "_unstable".
# wasi_unstable has no sock_accept at all.
UNSTABLE_FUNCTIONS = ("fd_filestat_get", "fd_seek", "path_filestat_get", "poll_oneoff")

_TYPES = {"i": i32, "l": i64, "s": i64}
_MASKS = {"i": (1 << 32) - 1, "l": (1 << 64) - 1, "s": -1}


def bind(wasi: Wasi, module: str, name: str) -> tuple[Call, FuncType] | None:
    """Returns a function bound to one guest, and its type, or None if WASI has no such function."""
    if name not in FUNCTIONS or module not in MODULES:
        return None
    if module == UNSTABLE and name == "sock_accept":
        return None
    letters = FUNCTIONS[name][1]
    function = _function(module, name)
    if wasi.lock is not None:
        function = locked(function)
    call = _guarded(wasi, function, letters)
    if name == "fd_write" and wasi.lock is None:
        call = FdWrite(wasi.descriptors.writers, call, wasi.memory, FAILURES, errno_of)
    call = traced(wasi, name, letters, call)
    results = () if name == "proc_exit" else (i32,)
    return call, FuncType([_TYPES[letter] for letter in letters], results)


def _function(module: str, name: str) -> Call:
    where = f"{__package__}.{FUNCTIONS[name][0]}"
    __import__(where)
    unstable = module == UNSTABLE and name in UNSTABLE_FUNCTIONS
    function: Call = getattr(sys.modules[where], f"{name}_unstable" if unstable else name)
    return function


def _guarded(wasi: Wasi, function: Call, letters: str) -> Call:
    """Wraps a function: it gets unsigned numbers, and its exceptions become error numbers."""
    masks = [_MASKS[letter] for letter in letters]

    def call(*arguments: int) -> int | None:
        try:
            return function(wasi, *[a & mask for a, mask in zip(arguments, masks, strict=True)])
        except FAILURES as error:
            return errno_of(error)

    return call


def traced(wasi: Wasi, name: str, letters: str, call: Call) -> Call:
    """Wraps a function, so that the ``trace`` of the configuration hears of each call, if any."""
    trace = wasi.config.trace
    if trace is None:
        return call
    masks = [_MASKS[letter] for letter in letters]

    def traced_call(*arguments: int) -> int | None:
        result = None
        try:
            result = call(*arguments)
        finally:
            trace(name, tuple([a & mask for a, mask in zip(arguments, masks, strict=True)]), result)
        return result

    return traced_call
