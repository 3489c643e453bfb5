# SPDX-License-Identifier: MIT
"""A hostile guest calls every WASI function with arguments that are extreme or almost make sense.

Whatever it passes, an errno comes back at once, nothing is written to its memory except where the
function may write (`OUTPUTS`, by hand from the specification of WASI preview 1), the process does
not grow, and nothing outside of the directory changes.
"""

from __future__ import annotations

import os
import random
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED
from pywasm3.wasi import CAPTURE, VirtualDir
from pywasm3.wasi.abi import ERRNO_NAMES
from pywasm3.wasi.preview1 import FUNCTIONS, MODULES
from wasi_helpers import BACKENDS, Calls, resolving, small_files

SEED = 1
CALLS = 3000
SECONDS = 5  # that one call may take on a slow machine
GROWTH = (512 if SANITIZED else 64) << 20  # bytes that the process may grow by

# The addresses in the guest's memory of iovecs, subscriptions, paths, and room for results.
VECTORS, SUBSCRIPTIONS, PATHS, RESULTS = 0, 4096, 8192, 32768
PATH_ROOM = 300
NAMES = (
    *("a", "b", "sub", "sub/a", "link", "loop", "out", "out/x", "new", "sub/new", "d/d/d/d", "d"),
    *(".", "..", "", "/", "a/", "sub/", "link/", "sub/..", "../x", "/etc/passwd", "sub/../../x"),
    *("a\0b", "\udcff", "n" * 255, "n" * 256, "./" * 140 + "a", "d/" * 140, "loop/x", "ä"),
)

U32 = (0, 1, 2, 3, 4, 5, 8, 16, 64, 255, 256, 1023, 1024, 1025, 4096, 4097, 65535, 65536, 131071)
U32 += (131072, 131073, 1 << 20, (1 << 28) - 1, 1 << 31, (1 << 31) - 1, (1 << 32) - 1, -4, -8)
U64 = (0, 1, 2, 3, 10, 4096, 1 << 20, 1 << 32, 1 << 62, (1 << 63) - 1, -1 << 63, -1, -2, -4096)

# Where a function may write. The key is the position of the argument that is the address; the value
# is the number of bytes. "iN" means as many as argument N says, and "v" means the buffers of the
# vector at the address.
STAT, NUMBER, LONG = 64, 4, 8
OUTPUTS: dict[str, dict[int, int | str]] = {
    "args_get": {0: 8, 1: 9},
    "args_sizes_get": {0: NUMBER, 1: NUMBER},
    "environ_get": {0: 4, 1: 4},
    "environ_sizes_get": {0: NUMBER, 1: NUMBER},
    "clock_res_get": {1: LONG},
    "clock_time_get": {2: LONG},
    "fd_fdstat_get": {1: 24},
    "fd_filestat_get": {1: STAT},
    "fd_pread": {1: "v", 4: NUMBER},
    "fd_prestat_get": {1: 8},
    "fd_prestat_dir_name": {1: "i2"},
    "fd_pwrite": {4: NUMBER},
    "fd_read": {1: "v", 3: NUMBER},
    "fd_readdir": {1: "i2", 4: NUMBER},
    "fd_seek": {3: LONG},
    "fd_tell": {1: LONG},
    "fd_write": {3: NUMBER},
    "path_filestat_get": {4: STAT},
    "path_open": {8: NUMBER},
    "path_readlink": {3: "i4", 5: NUMBER},
    "poll_oneoff": {1: "i2", 3: NUMBER},
    "random_get": {0: "i1"},
    "sock_accept": {2: NUMBER},
    "sock_recv": {1: "v", 4: NUMBER, 5: 2},
    "sock_send": {4: NUMBER},
}


def _signed(value: int, bits: int) -> int:
    value %= 1 << bits
    return value - (1 << bits) if value >> bits - 1 else value


class Guest:
    """Chooses the arguments of calls at random, and says where a call may write."""

    def __init__(self, seed: int, calls: Calls) -> None:
        self.random = random.Random(seed)
        self.calls = calls
        self.memory = calls.memory

    def prepare(self) -> None:
        """Puts vectors and subscriptions into the memory."""
        choose = self.random.choice
        for at in range(VECTORS, VECTORS + 64, 8):
            near = (choose((RESULTS, RESULTS + 5, 131070, VECTORS)), choose((0, 1, 7, 64, 4096)))
            far = (choose(U32), choose(U32))
            self.memory.write(at, struct.pack("<II", *(n % 2**32 for n in choose((near, far)))))
        for at in range(SUBSCRIPTIONS, SUBSCRIPTIONS + 4 * 48, 48):
            clock = struct.pack(
                "<QQQQQQ", at, choose((0, 0, 1, 2, 3)), choose((0, 1, 4, 9)),
                choose(U64) % 2**64, choose(U64) % 2**64, choose((0, 1, 2, 65535)),
            )  # fmt: skip
            self.memory.write(at, clock)

    def path(self) -> tuple[int, int]:
        """Puts a path into the memory; returns its address and its length."""
        if self.random.random() < 0.05:
            return self.number(), self.number()
        data = self.random.choice(NAMES).encode("utf-8", "surrogateescape")
        at = PATHS + PATH_ROOM * self.random.randrange(4)
        self.memory.write(at, data)
        return at, len(data)

    def number(self) -> int:
        choose = self.random.choice
        return choose((choose(U32), RESULTS + 64 * self.random.randrange(64), choose(range(12))))

    def arguments(self, name: str) -> list[int]:
        letters = FUNCTIONS[name][1]
        values = [self.number() if letter == "i" else self.random.choice(U64) for letter in letters]
        choose, chance = self.random.choice, self.random.random
        if name.startswith(("fd_", "sock_")) and chance() < 0.9:
            values[0] = self.random.randrange(10)
        if name in WITH_VECTOR and chance() < 0.8:
            values[1:3] = [VECTORS, choose((0, 1, 2, 8))]
        if name == "poll_oneoff" and chance() < 0.8:
            values[0], values[2] = SUBSCRIPTIONS, choose((0, 1, 4))
        for place in PATH_PLACES.get(name, ()):
            values[place : place + 2] = self.path()
            if place:
                values[0] = choose((3, 3, 3, 4, 5, 6))
        if name in ("path_link", "path_rename", "path_symlink") and chance() < 0.9:
            values[{"path_link": 4, "path_rename": 3, "path_symlink": 2}[name]] = choose((3, 4))
        if name in WITH_LOOKUP and chance() < 0.9:
            values[1] = choose((0, 1))
        if name == "path_symlink":
            values[0:2] = self.path()
        if name == "path_open" and chance() < 0.8:
            values[4] = choose((0, 1, 2, 4, 5, 8, 9))
            values[5], values[6] = choose((-1, 2, 66, 1 << 14)), choose((-1, 0))
            values[7], values[8] = choose((0, 0, 1, 4)), RESULTS
        return [
            _signed(value, 32 if letter == "i" else 64)
            for value, letter in zip(values, letters, strict=True)
        ]

    def outputs(self, name: str, arguments: list[int]) -> Iterator[tuple[int, int]]:
        """Yields the address and the size of each area that a call may write."""
        values = [value % 2**32 for value in arguments]
        for place, size in OUTPUTS.get(name, {}).items():
            if size == "v":
                for n in range(min(values[place + 1], 1024)):
                    if values[place] + 8 * n + 8 <= len(self.memory):
                        yield self.memory.unpack("II", values[place] + 8 * n)
            elif isinstance(size, str):
                yield values[place], values[int(size[1:])] * (32 if name == "poll_oneoff" else 1)
            else:
                yield values[place], size


PATH_PLACES = {
    "path_create_directory": (1,),
    "path_filestat_get": (2,),
    "path_filestat_set_times": (2,),
    "path_link": (2, 5),
    "path_open": (2,),
    "path_readlink": (1,),
    "path_remove_directory": (1,),
    "path_rename": (1, 4),
    "path_symlink": (3,),
    "path_unlink_file": (1,),
}
WITH_LOOKUP = ("path_filestat_get", "path_filestat_set_times", "path_link", "path_open")
WEARING = ("fd_close", "fd_renumber", "fd_fdstat_set_rights")
WITH_VECTOR = ("fd_read", "fd_write", "fd_pread", "fd_pwrite", "sock_recv", "sock_send")


def changed(before: bytes, after: bytes, allowed: list[tuple[int, int]]) -> list[int]:
    """The addresses that changed although the call may not write there."""
    if before == after:
        return []
    patched = bytearray(after)
    for address, size in allowed:
        end = min(address + size, len(before))
        patched[address:end] = before[address:end]
    if patched == before:
        return []
    return [n for n, (old, new) in enumerate(zip(before, patched, strict=True)) if old != new]


def fill(folder: Path) -> None:
    (folder / "a").write_bytes(b"text" * 100)
    (folder / "sub").mkdir()
    (folder / "sub" / "a").touch()
    (folder / "link").symlink_to("sub")
    (folder / "loop").symlink_to("loop")
    (folder / "out").symlink_to("..")


def peak() -> int:
    """The largest size that the memory of the process had so far, in bytes."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


@pytest.mark.skipif(os.name != "posix", reason="needs resource.getrusage")
@pytest.mark.parametrize("interface", MODULES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_no_call_raises_hangs_grows_or_writes_elsewhere(
    backend: str, interface: str, tmp_path: Path
) -> None:
    """A few thousand random calls, on each kind of directory and for both WASI interfaces."""
    seed = SEED + len(interface)
    outside, inside = tmp_path / "outside", tmp_path / "outside" / "inside"
    inside.mkdir(parents=True)
    (outside / "x").write_bytes(b"outside")
    fill(inside)
    virtual = VirtualDir({"a": b"text" * 100, "sub": {"a": b""}}, max_bytes=1 << 20)
    with ExitStack() as stack:
        stack.enter_context(resolving(backend))
        stack.enter_context(small_files())
        ours, theirs = socket.socketpair()
        stack.enter_context(ours)
        with theirs:  # the closed end keeps the guest from waiting for more data
            theirs.sendall(b"sent" * 1000)
        config: dict[str, Any] = {
            "args": ["a", "b" * 6],
            "stdin": b"input" * 1000,
            "stdout": CAPTURE,
            "clock": 10**18,
            "random": seed,
            "preopens": {"/a": virtual if backend == "virtual" else inside, "/b": virtual},
            "sockets": [ours],
            "max_capture_bytes": 1 << 20,
        }
        calls = Calls(interface, **config)
        guest = Guest(seed, calls)
        limit = peak() + GROWTH
        names = sorted(calls.instance.exports.keys() & FUNCTIONS)
        for n in range(CALLS):
            if n % 50 == 49:  # by now, the guest has closed or renumbered most descriptors
                calls.instance.close()
                guest.calls = calls = Calls(interface, **config)
                guest.memory = calls.memory
                for path, oflags in (("a", 1), ("a", 0), ("sub", 2)):
                    calls.open(3, path, oflags)
            if n % 50 == 20:
                calls.memory.grow(1)
            guest.prepare()
            name = guest.random.choice(names)
            if name in WEARING and n % 4:
                continue
            arguments = guest.arguments(name)
            allowed = list(guest.outputs(name, arguments))
            call = calls.instance.exports[name]
            before = bytes(calls.memory)
            begun = time.monotonic()
            try:
                errno = call(*arguments)
            except pywasm3.WasiExit:
                assert name in ("proc_exit", "proc_raise")
            else:
                assert 0 <= errno < len(ERRNO_NAMES)
            assert time.monotonic() - begun < SECONDS, (n, name, arguments)
            wrong = changed(before, bytes(calls.memory), allowed)
            assert not wrong, (n, name, arguments, wrong[:10])
            assert peak() < limit, (n, name, arguments)
        calls.instance.close()
    assert sorted(os.listdir(tmp_path)) == ["outside"]
    assert sorted(os.listdir(outside)) == ["inside", "x"]
    assert (outside / "x").read_bytes() == b"outside"
