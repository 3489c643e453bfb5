# SPDX-License-Identifier: MIT
"""What ``pywasm3 run --stats`` and ``--trace`` write to stderr about a run."""

from __future__ import annotations

import sys
from _thread import allocate_lock
from time import perf_counter

from .._ffi import MEMORY, lib
from .._memory import Memory
from .._text import counted, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .. import Instance, Store

# The fuel of a store when --fuel sets none: fuel that is not counted cannot be reported.
ENOUGH_FUEL = 10**18 - 1
_PAGE_BYTES = 1 << 16
_THREAD_SPAWN = "thread-spawn"


def trace(name: str, arguments: tuple[int, ...], result: int | None) -> None:
    """Writes a line for a call of a function of WASI, with the name of an error."""
    line = f"{name}({', '.join(map(str, arguments))})"
    if result is not None:
        line += f" = {result}{_error_name(name, result)}"
    _write([line])


def _error_name(name: str, result: int) -> str:
    from ..wasi.abi import ERRNO_NAMES

    if result == 0 or name == _THREAD_SPAWN:  # which returns the number of a thread
        return ""
    return f" {ERRNO_NAMES[result]}"


def _write(lines: list[str]) -> None:
    if sys.stderr is not None:
        sys.stderr.write("".join([f"{line}\n" for line in lines]))
        sys.stderr.flush()


class Stats:
    """Counts while a guest runs, and reports at the end."""

    def __init__(self) -> None:
        self._begun = perf_counter()
        self._loaded: float | None = None
        self._calls: dict[str, int] = {}
        self._lock = allocate_lock()
        self._fuel: int | None = None
        self._bytes: int | None = None

    def count(self, name: str, arguments: tuple[int, ...], result: int | None) -> None:
        """Counts a call of a function of WASI."""
        with self._lock:  # The guest may have threads.
            self._calls[name] = self._calls.get(name, 0) + 1

    def loaded(self) -> None:
        """Notes that the instance is there, and that only the guest's own work is left."""
        self._loaded = perf_counter()

    def ended(self, store: Store, given_fuel: int, instance: Instance | None) -> None:
        """Notes what the store shows after the run, while it is open.

        Args:
            store: The store.
            given_fuel: The fuel that it had at first.
            instance: The instance, or None if making it failed.
        """
        self._fuel = given_fuel - (store.fuel or 0)
        if instance is not None:
            self._bytes = memory_bytes(instance)

    def report(self) -> None:
        """Writes a line for each figure."""
        now = perf_counter()
        lines = [f"time    {now - self._begun:.3f} s"]
        if self._loaded is not None:
            lines[0] += f", of which loading took {self._loaded - self._begun:.3f} s"
        if self._fuel is not None:
            lines.append(f"fuel    {self._fuel:,} (calls and iterations of loops)")
        if self._bytes is not None:
            pages = self._bytes // _PAGE_BYTES
            lines.append(f"memory  {counted(pages, 'page')}, {self._bytes / (1 << 20):.2f} MiB")
        if self._calls:
            often = sorted(self._calls.items(), key=lambda item: (-item[1], item[0]))
            each = listed(often, lambda item: f"{item[0]} {item[1]:,}")
            lines.append(f"WASI    {counted(sum(self._calls.values()), 'call')}: {', '.join(each)}")
        _write(lines)


def memory_bytes(instance: Instance) -> int:
    """Returns the bytes of all memories, which are the most that the guest had: none shrinks."""
    count = lib.pw_module_count(instance.module._pointer, MEMORY)
    return sum([len(Memory._of(instance.store, instance._anchor, index)) for index in range(count)])
