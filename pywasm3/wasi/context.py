# SPDX-License-Identifier: MIT
"""The WASI state of one instance: its memory, its descriptors, and what it was configured with."""

from __future__ import annotations

import io
import os
import sys
from _thread import allocate_lock
from _weakref import ref  # weakref takes longer to import

from .._pypy import in_order
from .._types import FuncType, i32
from .abi import EAGAIN, MASK_U64
from .config import CAPTURE, INHERIT, HostDir, WasiConfig, is_of_host
from .descriptors import Descriptors
from .memory import GuestMemory
from .preview1 import bind, traced
from .sources import REALTIME, clock_of, random_of, time_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._aliases import Missing
    from .._instance import Instance
    from .._memory import Memory
    from .._types import ImportType
    from .descriptors import Descriptor
    from .directories import Directory
    from .sources import Clock
    from .streams import CapturedOutput
    from .threads import Threads

# The names of the function with which a program starts threads.
THREAD_SPAWN = ("wasi", "thread-spawn")

# A listing of a host directory that is not at its end takes a descriptor of the host. When the
# guest lists more directories at a time than this, the oldest listing is begun again when needed.
_MAX_LISTINGS = 16
_WINDOWS = os.name == "nt"
_WINDOWS_PIECE = 1 << 16


class Wasi:
    """The WASI state of an instance, which is ``instance.wasi``. It is made from a WasiConfig.

    Attributes:
        config: The configuration that it was made from.
        threads: The threads of the program, if it may have some.
        lock: The lock that a thread holds while it runs a function of WASI; None if the program
            can have no threads.
    """

    def __init__(self, config: WasiConfig, instance: Instance[Any]) -> None:
        """Opens the files and directories that the configuration names.

        Raises:
            OSError: A file or a directory cannot be opened.
        """
        self.config = config
        self.args = config.arg_bytes()
        self.env = config.env_bytes()
        self.memory = GuestMemory(_finder(instance))
        self.threads: Threads | None = None
        self.lock = allocate_lock() if config.threads else None
        self.descriptors = Descriptors()  # It is never replaced, because bound calls refer to it.
        self._begin()

    def _begin(self) -> None:
        self.clock = clock_of(self.config.clock)
        self.random = random_of(self.config.random)
        self._listed: list[ref[Directory]] = []
        self._captured: dict[str, CapturedOutput] = {}
        try:
            self._open_all()
        except BaseException:
            self.close()
            raise

    def _open_all(self) -> None:
        self.descriptors.limit = None
        add = self.descriptors.add
        add(_input(self.config.stdin))
        add(self._output("stdout", self.config.stdout, 1))
        add(self._output("stderr", self.config.stderr, 2))
        assert self.config.preopens is not None
        for name, directory in self.config.preopens.items():
            add(_preopened(name, directory, self.clock))
        if self.config.sockets:
            from .sockets import Socket

            for given in self.config.sockets:
                add(Socket(given.dup()))
        self.descriptors.limit = len(self.descriptors) + self.config.max_open

    def _output(self, name: str, given: Any, fd: int) -> Descriptor:
        """Returns the descriptor of an output, of which the process has the descriptor `fd`."""
        if given is INHERIT:
            _flush(getattr(sys, name))
            return _host_file(fd, owned=False)
        if isinstance(given, (str, os.PathLike)):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            return _host_file(os.open(given, flags, 0o666), owned=True)
        from . import streams  # imported late, because `pywasm3 run` gives what is above

        if given is None:
            return streams.DroppedOutput()
        if given is CAPTURE:
            captured = self._captured[name] = streams.CapturedOutput(self.config.max_capture_bytes)
            return captured
        return streams.FileOutput(given, self.config.max_write_bytes)

    def function(self, module: str, name: str) -> tuple[Callable[..., Any], FuncType] | None:
        """Returns the callable for an import and its type, or None if WASI has no such function."""
        if (module, name) == THREAD_SPAWN:
            return traced(self, name, "i", self._spawn), FuncType([i32], [i32])
        return bind(self, module, name)

    # ---- threads ----

    def begin_threads(
        self, instance: Instance[Any], lookup: Callable[[ImportType], Any], missing: Missing
    ) -> None:
        """Prepares the instance for threads, if it may have some."""
        if self.config.threads and any(
            (wanted.module, wanted.name) == THREAD_SPAWN for wanted in instance.module.imports
        ):
            from .threads import Threads  # imported late, because most programs have no threads

            self.threads = Threads(instance, lookup, missing)

    def _spawn(self, argument: int) -> int:
        return -EAGAIN if self.threads is None else self.threads.spawn(argument)

    def end_threads(self) -> None:
        """Stops the threads of the program, and waits until they have ended."""
        if self.threads is not None:
            self.threads.end()

    # ---- what the host sees ----

    def keep_listing(self, directory: Directory) -> None:
        """Notes that a directory is being listed; ends the listing that was not used longest."""
        reference = ref(directory)
        if self._listed and self._listed[-1] == reference:
            return
        self._listed = [one for one in self._listed if one() is not None and one != reference]
        self._listed.append(reference)
        if len(self._listed) > _MAX_LISTINGS:
            oldest = self._listed.pop(0)()
            if oldest is not None:
                oldest.end_listing()

    def _capture(self, name: str) -> bytes:
        if name not in self._captured:
            raise ValueError(
                f"{name} is not captured: make the instance with "
                f"WasiConfig({name}=pywasm3.wasi.CAPTURE)"
            )
        return bytes(self._captured[name].data)

    @property
    def stdout(self) -> bytes:
        """The bytes that the guest has written to its standard output so far.

        Raises:
            ValueError: The configuration does not capture stdout.
        """
        return self._capture("stdout")

    @property
    def stderr(self) -> bytes:
        """The bytes that the guest has written to its standard error so far.

        Raises:
            ValueError: The configuration does not capture stderr.
        """
        return self._capture("stderr")

    def _begin_again(self, config: WasiConfig | None = None) -> None:
        """Closes all descriptors, and opens again what the configuration names, for another guest.

        Args:
            config: The configuration from now on, which differs from the present one in streams and
                directories only. None: it stays.

        Raises:
            OSError: A file or a directory cannot be opened.
        """
        self.close()
        if self.threads is not None:
            self.threads.begin_again()
        if config is not None:
            self.config = config
        self._begin()

    def close(self) -> None:
        """Ends the threads, and closes all descriptors. Captured output stays.

        Further calls of the guest get EBADF.
        """
        self.end_threads()
        self.descriptors.close_all()

    def __repr__(self) -> str:
        return f"<pywasm3.wasi.Wasi: {len(self.args)} arguments>"


def _finder(instance: Instance[Any]) -> Callable[[], Memory | None]:
    """Returns a function that finds the instance's memory without keeping the instance alive.

    It is the export "memory". A program that imports its memory need not export it: then it is the
    first memory.
    """
    from .._errors import WasmError
    from .._memory import Memory

    reference = ref(instance)

    def find() -> Memory | None:
        found = reference()
        if found is None:
            return None
        memory = found.exports.get("memory", None)
        if isinstance(memory, Memory):
            return memory
        try:
            return found.memory
        except WasmError:  # there is no memory, or the instance does not let others have it
            return None

    return find


def _flush(file: Any) -> None:
    """Flushes Python's own buffer, so that its output comes before what the guest writes."""
    if file is not None and not getattr(file, "closed", False):
        file.flush()


def _host_file(fd: int, *, owned: bool, mode: str = "wb") -> Descriptor:
    """Returns the descriptor of a standard stream for a file of the host.

    HostFile does not run on Windows. A stream over a file of Python takes its place there.
    """
    reads = mode == "rb"
    if _WINDOWS:
        from weakref import finalize

        from .streams import FileInput, FileOutput

        stream = io.FileIO(fd, mode, closefd=owned)
        descriptor = FileInput(stream) if reads else FileOutput(stream, _WINDOWS_PIECE)
        finalize(descriptor, stream.close)
        return descriptor
    from .files_host import HostFile

    try:
        # The file of the input is read-only: a guest must not set its times either.
        return HostFile(fd, owned=owned, read=reads, write=not reads, read_only=reads)
    except BaseException:
        if owned:
            os.close(fd)
        raise


def _input(given: Any) -> Descriptor:
    if given is INHERIT:
        return _host_file(0, owned=False, mode="rb")
    if isinstance(given, (str, os.PathLike)):
        return _host_file(os.open(given, os.O_RDONLY), owned=True, mode="rb")
    from . import streams  # imported late, because `pywasm3 run` gives what is above

    if given is None:
        return streams.GivenInput(b"")
    if isinstance(given, (bytes, bytearray, memoryview)):
        return streams.GivenInput(bytes(in_order(memoryview(given))))
    return streams.FileInput(given)


def _preopened(name: str, given: Any, clock: Clock) -> Descriptor:
    """Returns the descriptor of a preopened directory, of the host or in memory."""
    if is_of_host(given):
        from . import directories_host

        directory = given if isinstance(given, HostDir) else HostDir(given)
        descriptor = directories_host.open_directory(directory.path, directory.read_only)
    else:
        from . import virtual_handles

        descriptor = virtual_handles.preopened(given, lambda: time_of(clock, REALTIME) & MASK_U64)
    descriptor.guest_name = os.fsencode(name)
    return descriptor
