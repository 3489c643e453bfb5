# SPDX-License-Identifier: MIT
"""The table of the functions of WASI preview 1: their names, their types and what runs them."""

from __future__ import annotations

from .._ffi import FdWrite
from .._types import FuncType, i32, i64
from . import fd_calls, path_calls, poll, process, sock_calls
from .abi import FAILURES, errno_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import Wasi

    Call = Callable[..., "int | None"]

SNAPSHOT = "wasi_snapshot_preview1"
UNSTABLE = "wasi_unstable"
MODULES = (SNAPSHOT, UNSTABLE)

# The types of parameters have a letter each: "i" and "l" are unsigned integers of 32 and 64 bits
# (descriptors, pointers, lengths, flags), and "s" is a signed integer of 64 bits.
FUNCTIONS: dict[str, tuple[Call, str]] = {
    "args_get": (process.args_get, "ii"),
    "args_sizes_get": (process.args_sizes_get, "ii"),
    "environ_get": (process.environ_get, "ii"),
    "environ_sizes_get": (process.environ_sizes_get, "ii"),
    "clock_res_get": (process.clock_res_get, "ii"),
    "clock_time_get": (process.clock_time_get, "ili"),
    "fd_advise": (fd_calls.fd_advise, "illi"),
    "fd_allocate": (fd_calls.fd_allocate, "ill"),
    "fd_close": (fd_calls.fd_close, "i"),
    "fd_datasync": (fd_calls.fd_datasync, "i"),
    "fd_fdstat_get": (fd_calls.fd_fdstat_get, "ii"),
    "fd_fdstat_set_flags": (fd_calls.fd_fdstat_set_flags, "ii"),
    "fd_fdstat_set_rights": (fd_calls.fd_fdstat_set_rights, "ill"),
    "fd_filestat_get": (fd_calls.fd_filestat_get, "ii"),
    "fd_filestat_set_size": (fd_calls.fd_filestat_set_size, "il"),
    "fd_filestat_set_times": (fd_calls.fd_filestat_set_times, "illi"),
    "fd_pread": (fd_calls.fd_pread, "iiili"),
    "fd_prestat_get": (fd_calls.fd_prestat_get, "ii"),
    "fd_prestat_dir_name": (fd_calls.fd_prestat_dir_name, "iii"),
    "fd_pwrite": (fd_calls.fd_pwrite, "iiili"),
    "fd_read": (fd_calls.fd_read, "iiii"),
    "fd_readdir": (fd_calls.fd_readdir, "iiili"),
    "fd_renumber": (fd_calls.fd_renumber, "ii"),
    "fd_seek": (fd_calls.fd_seek, "isii"),
    "fd_sync": (fd_calls.fd_sync, "i"),
    "fd_tell": (fd_calls.fd_tell, "ii"),
    "fd_write": (fd_calls.fd_write, "iiii"),
    "path_create_directory": (path_calls.path_create_directory, "iii"),
    "path_filestat_get": (path_calls.path_filestat_get, "iiiii"),
    "path_filestat_set_times": (path_calls.path_filestat_set_times, "iiiilli"),
    "path_link": (path_calls.path_link, "iiiiiii"),
    "path_open": (path_calls.path_open, "iiiiillii"),
    "path_readlink": (path_calls.path_readlink, "iiiiii"),
    "path_remove_directory": (path_calls.path_remove_directory, "iii"),
    "path_rename": (path_calls.path_rename, "iiiiii"),
    "path_symlink": (path_calls.path_symlink, "iiiii"),
    "path_unlink_file": (path_calls.path_unlink_file, "iii"),
    "poll_oneoff": (poll.poll_oneoff, "iiii"),
    "proc_exit": (process.proc_exit, "i"),
    "proc_raise": (process.proc_raise, "i"),
    "sched_yield": (process.sched_yield, ""),
    "random_get": (process.random_get, "ii"),
    "sock_accept": (sock_calls.sock_accept, "iii"),
    "sock_recv": (sock_calls.sock_recv, "iiiiii"),
    "sock_send": (sock_calls.sock_send, "iiiii"),
    "sock_shutdown": (sock_calls.sock_shutdown, "ii"),
}

# The functions of wasi_unstable that differ. It has no sock_accept at all.
UNSTABLE_FUNCTIONS: dict[str, Call] = {
    "fd_filestat_get": fd_calls.fd_filestat_get_unstable,
    "fd_seek": fd_calls.fd_seek_unstable,
    "path_filestat_get": path_calls.path_filestat_get_unstable,
    "poll_oneoff": poll.poll_oneoff_unstable,
}

_TYPES = {"i": i32, "l": i64, "s": i64}
_MASKS = {"i": (1 << 32) - 1, "l": (1 << 64) - 1, "s": -1}


def bind(wasi: Wasi, module: str, name: str) -> tuple[Call, FuncType] | None:
    """Returns a function bound to one guest, and its type, or None if WASI has no such function."""
    if name not in FUNCTIONS or module not in MODULES:
        return None
    function, letters = FUNCTIONS[name]
    if module == UNSTABLE:
        if name == "sock_accept":
            return None
        function = UNSTABLE_FUNCTIONS.get(name, function)
    call = _guarded(wasi, function, letters)
    if name == "fd_write":
        call = FdWrite(wasi.descriptors.writers, call, wasi.memory, FAILURES, errno_of)
    results = () if name == "proc_exit" else (i32,)
    return call, FuncType([_TYPES[letter] for letter in letters], results)


def _guarded(wasi: Wasi, function: Call, letters: str) -> Call:
    """Wraps a function: it gets unsigned numbers, and its exceptions become error numbers."""
    masks = [_MASKS[letter] for letter in letters]

    def call(*arguments: int) -> int | None:
        try:
            return function(wasi, *[a & mask for a, mask in zip(arguments, masks, strict=True)])
        except FAILURES as error:
            return errno_of(error)

    return call
