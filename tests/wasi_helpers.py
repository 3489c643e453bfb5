# SPDX-License-Identifier: MIT
"""Loads the WASI guests, and calls the functions of WASI from Python."""

from __future__ import annotations

import functools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pywasm3
from helpers import GUESTS, wat
from pywasm3 import wasi
from pywasm3.wasi import openat
from pywasm3.wasi.abi import ALL_RIGHTS, ERRNO_NAMES, RIGHT_FD_WRITE
from pywasm3.wasi.preview1 import FUNCTIONS, SNAPSHOT, UNSTABLE

# The kinds of directories: real ones, resolved by openat2 or step by step, and virtual ones.
BACKENDS = ("openat2", "steps", "virtual")

_WAT_TYPES = {"i": "i32", "l": "i64", "s": "i64"}


# Seconds that a slow machine under load may take.
PATIENCE = 60.0


def eventually(holds: Callable[[], bool]) -> None:
    """Waits until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.001)


def living_threads() -> int:
    """The number of threads of guests."""
    return sum(thread.name.startswith("wasi-thread-") for thread in threading.enumerate())


def all_threads_end() -> None:
    """Waits until no guest has a thread."""
    eventually(lambda: not living_threads())


@functools.cache
def guest_module(name: str) -> pywasm3.Module:
    """The module of one of the compiled guests in tests/guests/wasi."""
    return pywasm3.Module((GUESTS / "wasi" / f"{name}.wasm").read_bytes())


@contextmanager
def resolving(backend: str) -> Iterator[None]:
    """Resolves paths of the host in the way that belongs to the kind of directory."""
    saved = openat.BENEATH
    if backend == "openat2" and type(saved) is not openat.Beneath:
        import pytest

        pytest.skip("the kernel has no openat2")
    if backend in ("steps", "windows"):
        openat.BENEATH = openat.StepByStep()
    try:
        with _windows() if backend == "windows" else nullcontext():
            yield
    finally:
        openat.BENEATH = saved


def _windows() -> Any:
    if sys.platform != "linux":
        import pytest

        pytest.skip("the code for Windows runs on Linux, or on Windows as it is")
    from nt_files import windows_calls

    return windows_calls()


@contextmanager
def small_files() -> Iterator[None]:
    """Lets the system refuse files over 16 MiB, because a guest may ask for the whole disk."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        yield
        return
    saved = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16 << 20, saved[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, saved)


def directory(backend: str, folder: Path) -> Any:
    """The directory of this kind that a guest can be given."""
    return wasi.VirtualDir() if backend == "virtual" else folder


def _type_of(name: str) -> str:
    parameters = "".join(f"(param {_WAT_TYPES[letter]})" for letter in FUNCTIONS[name][1])
    return parameters + ("" if name == "proc_exit" else "(result i32)")


def _call_of(name: str) -> str:
    values = "".join(f"(local.get {at})" for at in range(len(FUNCTIONS[name][1])))
    return f"(call ${name} {values})"


def module_text(interface: str, *, wrapped: bool = False) -> str:
    """The text of a module that exports a memory and every function of WASI.

    The exported functions are the imported ones, or, if `wrapped` is true, functions that call
    them: wasmtime finds the memory only if the call comes from the module.
    """
    names = [name for name in FUNCTIONS if (interface, name) != (UNSTABLE, "sock_accept")]
    imports = "".join(
        f'(import "{interface}" "{name}" (func ${name} {_type_of(name)}))\n' for name in names
    )
    exports = "".join(
        f'(func (export "{name}") {_type_of(name)} {_call_of(name)})\n'
        if wrapped
        else f'(export "{name}" (func ${name}))\n'
        for name in names
    )
    return f'(module {imports} {exports} (memory (export "memory") 2))'


@functools.cache
def _module(interface: str) -> pywasm3.Module:
    return pywasm3.Module(wat(module_text(interface)))


class Calls:
    """The functions of WASI as a guest calls them, as methods.

    A str or bytes argument is written into the guest's memory, and its address and length are
    passed. Every function returns the name of an error, or "OK".
    """

    RESULT = 512  # the address that results are asked for at
    _TEXT = 1024

    def __init__(
        self,
        interface: str = SNAPSHOT,
        *,
        limits: pywasm3.Limits | None = None,
        **config: Any,
    ) -> None:
        self.instance = pywasm3.Instance(
            _module(interface), wasi=wasi.WasiConfig(**config), limits=limits
        )
        self.memory = self.instance.memory

    def function(self, name: str) -> Any:
        """Returns a function of WASI, which takes numbers and returns a number."""
        return self.instance.exports[name]

    def __getattr__(self, name: str) -> Any:
        function = self.function(name)

        def call(*arguments: Any) -> str:
            values: list[int] = []
            at = self._TEXT
            for argument in arguments:
                if isinstance(argument, (str, bytes)):
                    data = argument.encode() if isinstance(argument, str) else argument
                    self.memory.write(at, data)
                    values += (at, len(data))
                    at += len(data)
                else:
                    values.append(argument)
            errno = function(*values)
            return ERRNO_NAMES[errno] if errno else "OK"

        return call

    def result(self) -> int:
        """Reads the u32 at RESULT."""
        return self.memory.read_u32(self.RESULT)

    def open(self, fd: int, path: str | bytes, oflags: int = 0, **options: int) -> str:
        """Calls path_open, following links and with all rights unless the options differ.

        A directory cannot be opened for writing.
        """
        rights = options.get("rights", ALL_RIGHTS & ~RIGHT_FD_WRITE if oflags & 2 else ALL_RIGHTS)
        follow, flags = options.get("follow", 1), options.get("fdflags", 0)
        return str(self.path_open(fd, follow, path, oflags, rights, ALL_RIGHTS, flags, self.RESULT))

    def opened(self, fd: int, path: str | bytes, oflags: int = 0, **options: int) -> int:
        """Opens a path and returns its descriptor."""
        assert self.open(fd, path, oflags, **options) == "OK"
        return self.result()

    def write(self, fd: int, data: bytes) -> str:
        """Calls fd_write with one buffer."""
        self.memory.pack("II", 0, self._TEXT, len(data))
        self.memory.write(self._TEXT, data)
        return str(self.fd_write(fd, 0, 1, self.RESULT))

    def read(self, fd: int, size: int = 4096) -> bytes | str:
        """Calls fd_read with one buffer, and returns the bytes or the error."""
        self.memory.pack("II", 0, 4096, size)
        error = str(self.fd_read(fd, 0, 1, self.RESULT))
        return error if error != "OK" else self.memory.read(4096, self.result())

    def make(self, path: str, data: bytes) -> str:
        """Writes a file below descriptor 3, and returns the error or "OK"."""
        error = self.open(3, path, 1 | 8)
        if error == "OK":
            fd = self.result()
            error = self.write(fd, data)
            self.fd_close(fd)
        return error

    def content(self, path: str) -> bytes | str:
        """Reads a file below descriptor 3, and returns its bytes or the error."""
        error = self.open(3, path, rights=2)
        if error != "OK":
            return error
        fd = self.result()
        data = self.read(fd)
        self.fd_close(fd)
        return data

    def type_of(self, path: str, follow: int = 0) -> int | str:
        """Returns the file type of a path below descriptor 3, or the error."""
        error = self.path_filestat_get(3, follow, path, self.RESULT)
        return self.memory.read_u8(self.RESULT + 16) if error == "OK" else str(error)
