# SPDX-License-Identifier: MIT
"""Calls every function of WASI on descriptors of every kind, in pywasm3 and in wasmtime.

    python tests/wasi_every_call.py --write

writes wasi/every_call.txt anew from what the two answer now: read the difference. With the name of
an engine and of a file, it makes the calls on the standard streams of its own process.
"""

from __future__ import annotations

import functools
import io
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import wasmtime

from helpers import wasmtime_config, wat
from pywasm3.wasi import CAPTURE, INHERIT, HostDir, VirtualDir
from pywasm3.wasi.abi import ERRNO_NAMES, EVENT, FDSTAT, SUBSCRIPTION
from pywasm3.wasi.preview1 import FUNCTIONS, SNAPSHOT
from wasi_helpers import Calls, module_text

READ, WRITE = 1 << 1, 1 << 6
CREAT, DIRECTORY, EXCL, TRUNC = 1, 2, 4, 8
APPEND, DSYNC, NONBLOCK = 1, 2, 4
SET, CUR, END = 0, 1, 2
LAST_OFFSET = (1 << 63) - 1
LAST_TIME = (1 << 64) - 1
OUT = 2048  # the address of a buffer for what a call returns
ROOM = 1024

Call = Callable[[Calls, int], str]


# ---- the calls ----


def _vector(calls: Calls, data: bytes = b"ab") -> tuple[int, int]:
    """A vector of one buffer, which is at OUT."""
    calls.memory.write(0, struct.pack("<II", OUT, len(data)))
    calls.memory.write(OUT, data)
    return 0, 1


def _set_rights(calls: Calls, fd: int) -> str:
    """Sets the rights that a descriptor has anyway."""
    calls.fd_fdstat_get(fd, OUT)
    rights, inheriting = FDSTAT.unpack(calls.memory.read(OUT, FDSTAT.size))[2:]
    return str(calls.fd_fdstat_set_rights(fd, rights, inheriting))


def _poll(kind: int) -> Call:
    """Waits for a descriptor for at most a second; the answer is "waits" if nothing happens."""

    def poll(calls: Calls, fd: int) -> str:
        clock = SUBSCRIPTION.pack(2, 0, 1, 10**9, 0, 0)
        calls.memory.write(0, SUBSCRIPTION.pack(1, kind, fd, 0, 0, 0) + clock)
        error = str(calls.poll_oneoff(0, OUT, 2, calls.RESULT))
        if error != "OK":
            return error
        user_data, errno = EVENT.unpack(calls.memory.read(OUT, EVENT.size))[:2]
        return "waits" if user_data == 2 else ERRNO_NAMES[errno].replace("ESUCCESS", "OK")

    return poll


def _seek(offset: int, whence: int) -> Call:
    return lambda calls, fd: calls.fd_seek(fd, offset, whence, OUT)


# What is called on a descriptor of each kind. A name begins with that of the function.
ON_DESCRIPTORS: dict[str, Call] = {
    "fd_advise": lambda c, fd: c.fd_advise(fd, 0, 0, 0),
    "fd_allocate": lambda c, fd: c.fd_allocate(fd, 0, 4),
    "fd_allocate nothing": lambda c, fd: c.fd_allocate(fd, 0, 0),
    "fd_allocate too far": lambda c, fd: c.fd_allocate(fd, LAST_OFFSET, LAST_OFFSET),
    "fd_datasync": lambda c, fd: c.fd_datasync(fd),
    "fd_fdstat_get": lambda c, fd: c.fd_fdstat_get(fd, OUT),
    "fd_fdstat_set_flags none": lambda c, fd: c.fd_fdstat_set_flags(fd, 0),
    "fd_fdstat_set_flags append": lambda c, fd: c.fd_fdstat_set_flags(fd, APPEND),
    "fd_fdstat_set_flags nonblock": lambda c, fd: c.fd_fdstat_set_flags(fd, NONBLOCK),
    "fd_fdstat_set_flags dsync": lambda c, fd: c.fd_fdstat_set_flags(fd, DSYNC),
    "fd_fdstat_set_rights": _set_rights,
    "fd_filestat_get": lambda c, fd: c.fd_filestat_get(fd, OUT),
    "fd_filestat_set_size": lambda c, fd: c.fd_filestat_set_size(fd, 2),
    "fd_filestat_set_size too far": lambda c, fd: c.fd_filestat_set_size(fd, LAST_OFFSET),
    "fd_filestat_set_size negative": lambda c, fd: c.fd_filestat_set_size(fd, 1 << 63),
    "fd_filestat_set_times": lambda c, fd: c.fd_filestat_set_times(fd, 5, 5, 1 | 4),
    "fd_filestat_set_times last": lambda c, fd: c.fd_filestat_set_times(fd, LAST_TIME, 5, 1),
    "fd_filestat_set_times both": lambda c, fd: c.fd_filestat_set_times(fd, 5, 5, 1 | 2),
    "fd_pread": lambda c, fd: c.fd_pread(fd, *_vector(c), 1, c.RESULT),
    "fd_pread far": lambda c, fd: c.fd_pread(fd, *_vector(c), LAST_OFFSET, c.RESULT),
    "fd_pread negative": lambda c, fd: c.fd_pread(fd, *_vector(c), 1 << 63, c.RESULT),
    "fd_prestat_get": lambda c, fd: c.fd_prestat_get(fd, OUT),
    "fd_prestat_dir_name": lambda c, fd: c.fd_prestat_dir_name(fd, OUT, 64),
    "fd_prestat_dir_name short": lambda c, fd: c.fd_prestat_dir_name(fd, OUT, 0),
    "fd_pwrite": lambda c, fd: c.fd_pwrite(fd, *_vector(c), 1, c.RESULT),
    "fd_pwrite far": lambda c, fd: c.fd_pwrite(fd, *_vector(c), LAST_OFFSET, c.RESULT),
    "fd_pwrite negative": lambda c, fd: c.fd_pwrite(fd, *_vector(c), 1 << 63, c.RESULT),
    "fd_read": lambda c, fd: c.fd_read(fd, *_vector(c), c.RESULT),
    "fd_readdir": lambda c, fd: c.fd_readdir(fd, OUT, ROOM, 0, c.RESULT),
    "fd_readdir far": lambda c, fd: c.fd_readdir(fd, OUT, ROOM, 99, c.RESULT),
    "fd_renumber same": lambda c, fd: c.fd_renumber(fd, fd),
    "fd_renumber from none": lambda c, fd: c.fd_renumber(99, fd),
    "fd_renumber to none": lambda c, fd: c.fd_renumber(fd, 99),
    "fd_seek set": _seek(1, SET),
    "fd_seek here": _seek(0, CUR),
    "fd_seek end": _seek(1, END),
    "fd_seek negative": _seek(-1, SET),
    "fd_seek before": _seek(-1 << 40, END),
    "fd_seek last": _seek(LAST_OFFSET, SET),
    "fd_seek beyond": _seek(LAST_OFFSET, END),
    "fd_sync": lambda c, fd: c.fd_sync(fd),
    "fd_tell": lambda c, fd: c.fd_tell(fd, OUT),
    "fd_write": lambda c, fd: c.fd_write(fd, *_vector(c), c.RESULT),
    "path_create_directory": lambda c, fd: c.path_create_directory(fd, "new"),
    "path_filestat_get": lambda c, fd: c.path_filestat_get(fd, 0, "inner", OUT),
    "path_filestat_set_times": lambda c, fd: c.path_filestat_set_times(fd, 0, "inner", 5, 5, 5),
    "path_link": lambda c, fd: c.path_link(fd, 0, "inner", fd, "hard"),
    "path_open": lambda c, fd: c.path_open(fd, 0, "inner", 0, READ, 0, 0, OUT),
    "path_readlink": lambda c, fd: c.path_readlink(fd, "link", OUT, 64, c.RESULT),
    "path_remove_directory": lambda c, fd: c.path_remove_directory(fd, "none"),
    "path_rename": lambda c, fd: c.path_rename(fd, "inner", fd, "moved"),
    "path_symlink": lambda c, fd: c.path_symlink("inner", fd, "link2"),
    "path_unlink_file": lambda c, fd: c.path_unlink_file(fd, "link"),
    "poll_oneoff read": _poll(1),
    "poll_oneoff write": _poll(2),
    "sock_accept": lambda c, fd: c.sock_accept(fd, NONBLOCK, OUT),
    "sock_recv": lambda c, fd: c.sock_recv(fd, *_vector(c), 0, c.RESULT, c.RESULT + 8),
    "sock_send": lambda c, fd: c.sock_send(fd, *_vector(c), 0, c.RESULT),
    "sock_shutdown": lambda c, fd: c.sock_shutdown(fd, 1),
    "fd_close": lambda c, fd: c.fd_close(fd),
}

# What needs no descriptor.
WITHOUT_DESCRIPTOR: dict[str, Callable[[Calls], str]] = {
    "args_get": lambda c: c.args_get(0, OUT),
    "args_sizes_get": lambda c: c.args_sizes_get(0, 8),
    "clock_res_get real": lambda c: c.clock_res_get(0, OUT),
    "clock_res_get monotonic": lambda c: c.clock_res_get(1, OUT),
    "clock_res_get process": lambda c: c.clock_res_get(2, OUT),
    "clock_res_get none": lambda c: c.clock_res_get(4, OUT),
    "clock_time_get real": lambda c: c.clock_time_get(0, 0, OUT),
    "clock_time_get monotonic": lambda c: c.clock_time_get(1, 0, OUT),
    "clock_time_get thread": lambda c: c.clock_time_get(3, 0, OUT),
    "clock_time_get none": lambda c: c.clock_time_get(4, 0, OUT),
    "environ_get": lambda c: c.environ_get(0, OUT),
    "environ_sizes_get": lambda c: c.environ_sizes_get(0, 8),
    "poll_oneoff nothing": lambda c: c.poll_oneoff(0, OUT, 0, c.RESULT),
    "poll_oneoff no descriptor": lambda c: _poll(1)(c, 99),
    "proc_raise none": lambda c: c.proc_raise(0),
    "proc_raise stop": lambda c: c.proc_raise(18),
    "random_get": lambda c: c.random_get(OUT, 8),
    "sched_yield": lambda c: c.sched_yield(),
}


def _opened(
    path: str, oflags: int = 0, rights: int = READ, follow: int = 0, fdflags: int = 0
) -> Call:
    return lambda c, fd: c.path_open(fd, follow, path, oflags, rights, 0, fdflags, OUT)


# What is called with paths below a directory that `tree` has filled.
ON_PATHS: dict[str, Call] = {
    **{
        f"open {path} {name}": _opened(path, oflags, rights, follow)
        for path in ("file", "dir", ".", "none", "link", "dirlink", "dangling", "file/", "dir/")
        for name, oflags, rights, follow in (
            ("for nothing", 0, 0, 1),
            ("to read", 0, READ, 1),
            ("to write", 0, WRITE, 1),
            ("for both", 0, READ | WRITE, 1),
            ("to read without following", 0, READ, 0),
            ("as a directory", DIRECTORY, READ, 1),
            ("as a directory to write", DIRECTORY, READ | WRITE, 1),
            ("as a directory without following", DIRECTORY, READ, 0),
            ("creating", CREAT, READ | WRITE, 1),
            ("creating it anew", CREAT | EXCL, READ | WRITE, 1),
            ("truncating", TRUNC, WRITE, 1),
            ("truncating to read", TRUNC, READ, 1),
            ("truncating a directory", TRUNC | DIRECTORY, READ, 1),
            ("creating a directory", CREAT | DIRECTORY, READ, 1),
        )
    },
    "open .. to read": _opened(".."),
    "open dir/../.. to read": _opened("dir/../.."),
    "open /file to read": _opened("/file"),
    "open an empty path": _opened(""),
    "open file/inner to read": _opened("file/inner"),
    "open outside to read": _opened("outside", follow=1),
    "open loop to read": _opened("loop", follow=1),
    **{
        f"{name} {path}": call
        for path in (
            "file",
            "dir",
            "empty",
            "none",
            "link",
            "dirlink",
            "dangling",
            "file/",
            "empty/",
        )
        for name, call in {
            "path_create_directory": lambda c, fd, p=path: c.path_create_directory(fd, p),
            "path_remove_directory": lambda c, fd, p=path: c.path_remove_directory(fd, p),
            "path_unlink_file": lambda c, fd, p=path: c.path_unlink_file(fd, p),
            "path_readlink": lambda c, fd, p=path: c.path_readlink(fd, p, OUT, 64, c.RESULT),
            "path_filestat_get": lambda c, fd, p=path: c.path_filestat_get(fd, 0, p, OUT),
            "path_filestat_get followed": lambda c, fd, p=path: c.path_filestat_get(fd, 1, p, OUT),
            "path_filestat_set_times": lambda c, fd, p=path: c.path_filestat_set_times(
                fd, 0, p, 5, 5, 5
            ),
            "path_filestat_set_times last": lambda c, fd, p=path: c.path_filestat_set_times(
                fd, 1, p, LAST_TIME, LAST_TIME, 5
            ),
            "path_link": lambda c, fd, p=path: c.path_link(fd, 0, p, fd, "new"),
            "path_link followed": lambda c, fd, p=path: c.path_link(fd, 1, p, fd, "new"),
            "path_link to": lambda c, fd, p=path: c.path_link(fd, 0, "file", fd, p),
            "path_rename": lambda c, fd, p=path: c.path_rename(fd, p, fd, "new"),
            "path_rename file to": lambda c, fd, p=path: c.path_rename(fd, "file", fd, p),
            "path_rename dir to": lambda c, fd, p=path: c.path_rename(fd, "dir", fd, p),
            "path_symlink": lambda c, fd, p=path: c.path_symlink("file", fd, p),
        }.items()
    },
    "path_rename dir into itself": lambda c, fd: c.path_rename(fd, "dir", fd, "dir/new"),
    "path_symlink to nothing": lambda c, fd: c.path_symlink("", fd, "new"),
    "path_symlink absolute": lambda c, fd: c.path_symlink("/file", fd, "new"),
}

FILES = {"file": b"contents", "dir": {"inner": b"inner"}, "empty": {}}
LINKS = {
    "link": "file",
    "dirlink": "dir",
    "dangling": "nowhere",
    "outside": "../x",
    "loop": "loop",
    "dir/link": "inner",
}


def fill(folder: Path) -> None:
    """Makes the files that the calls are about; a guest makes LINKS, as VirtualDir cannot."""
    for name, contents in FILES.items():
        if isinstance(contents, bytes):
            (folder / name).write_bytes(contents)
        else:
            (folder / name).mkdir()
            for inner, data in contents.items():
                (folder / name / inner).write_bytes(data)


# ---- wasmtime ----


class InWasmtime(Calls):
    """The functions of WASI in wasmtime, with the standard streams of the process."""

    def __init__(self, folder: Path | None = None, *, writable: bool = True) -> None:
        engine, module = _compiled()
        self._store = wasmtime.Store(engine)
        config = wasmtime_config(["program"])
        if folder is not None:
            config.preopen_dir(str(folder), "/", writable)
        config.inherit_stdin()
        config.inherit_stdout()
        self._store.set_wasi(config)
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        self._exports = linker.instantiate(self._store, module).exports(self._store)
        self.memory: Any = _Memory(self._exports["memory"], self._store)

    def function(self, name: str) -> Any:
        """Returns a function that takes unsigned numbers, too."""
        function: Any = self._exports[name]
        sizes = [1 << (32 if letter == "i" else 64) for letter in FUNCTIONS[name][1]]

        def call(*values: int) -> Any:
            signed = [(v + n // 2) % n - n // 2 for v, n in zip(values, sizes, strict=True)]
            return function(self._store, *signed)

        return call


class _Memory:
    """A memory of wasmtime, with the methods of ours that the calls use."""

    def __init__(self, memory: Any, store: wasmtime.Store) -> None:
        self._memory, self._store = memory, store

    def write(self, address: int, data: bytes) -> None:
        self._memory.write(self._store, data, address)

    def read(self, address: int, size: int) -> bytes:
        return bytes(self._memory.read(self._store, address, address + size))

    def read_u32(self, address: int) -> int:
        return int.from_bytes(self.read(address, 4), "little")


@functools.cache
def _compiled() -> tuple[wasmtime.Engine, wasmtime.Module]:
    engine = wasmtime.Engine()
    return engine, wasmtime.Module(engine, wat(module_text(SNAPSHOT, wrapped=True)))


# ---- answers ----


def answer(call: Callable[[], str]) -> str:
    """Makes a call, and returns OK, the name of the error without E, or "ends" for a trap."""
    try:
        return str(call()).removeprefix("E")
    except (wasmtime.WasmtimeError, wasmtime.Trap):
        return "ends"


ERRORS = {name.removeprefix("E") for name in ERRNO_NAMES}

# The kinds of descriptors that a program can open, and how it opens them.
OPENED: dict[str, tuple[str, int, int, int]] = {
    "file": ("file", 0, READ | WRITE, 0),
    "to read": ("file", 0, READ, 0),
    "to write": ("file", 0, WRITE, 0),
    "for nothing": ("file", 0, 0, 0),
    "to append": ("file", 0, READ | WRITE, APPEND),
    "directory": ("dir", DIRECTORY, 0, 0),
}
PREOPENED = "preopened"

# The columns for calls with paths.
WRITABLE, READ_ONLY = "writable", "read-only"

# The kinds of standard streams that a program can inherit.
INHERITED = ("pipe", "terminal", "socket", "redirected")
ENDS = (" in", " out")


def _guest(engine: str, folder: Path, given: Any, *, writable: bool = True) -> Calls:
    if engine == "wasmtime":
        return InWasmtime(folder, writable=writable)
    if not writable and isinstance(given, VirtualDir):
        given.read_only = True
    elif not writable:
        given = HostDir(given, read_only=True)
    return Calls(preopens={"/": given})


@contextmanager
def _filled(backend: str, writable: bool) -> Iterator[Calls]:
    """A guest whose descriptor 3 is a directory with FILES and LINKS."""
    with tempfile.TemporaryDirectory() as name:
        folder, given = Path(name), VirtualDir(FILES)
        fill(folder)
        preopened = given if backend == "virtual" else folder
        calls = _guest(backend, folder, preopened)
        for link, target in LINKS.items():
            assert calls.path_symlink(target, 3, link) == "OK"
        yield calls if writable else _guest(backend, folder, preopened, writable=False)


def _answers(
    make: Callable[[], AbstractContextManager[tuple[Calls, int]]], every: dict[str, Call]
) -> dict[str, str]:
    """Makes all calls. After one that succeeds, the next one gets a new guest."""
    found: dict[str, str] = {}
    left = list(every.items())[::-1]
    while left:
        with make() as (calls, fd):
            while left:
                name, call = left.pop()
                found[name] = answer(partial(call, calls, fd))
                if found[name] not in ERRORS:
                    break
    return found


def on_paths(backend: str, *, writable: bool) -> dict[str, str]:
    """The answers to the calls with paths. The backend is one of BACKENDS, or "wasmtime"."""

    @contextmanager
    def make() -> Iterator[tuple[Calls, int]]:
        with _filled(backend, writable) as calls:
            yield calls, 3

    return _answers(make, ON_PATHS)


def on_opened(backend: str, kind: str) -> dict[str, str]:
    """The answers to the calls on a descriptor of one of the kinds in OPENED, or PREOPENED."""

    @contextmanager
    def make() -> Iterator[tuple[Calls, int]]:
        with _filled(backend, True) as calls:
            fd = 3
            if kind != PREOPENED:
                path, oflags, rights, fdflags = OPENED[kind]
                assert calls.path_open(3, 0, path, oflags, rights, 0, fdflags, OUT) == "OK"
                fd = calls.memory.read_u32(OUT)
            yield calls, fd

    return _answers(make, ON_DESCRIPTORS)


def on_inherited(engine: str, kind: str) -> dict[str, dict[str, str]]:
    """The answers to the calls on standard streams, in a process that has them."""
    with _streams(kind) as streams, tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "results")
        command = [sys.executable, __file__, engine, str(results)]
        subprocess.run(command, stdin=streams[0], stdout=streams[1], check=True, timeout=120)
        found: dict[str, dict[str, str]] = json.loads(results.read_text())
        return {kind + end: answers for end, answers in found.items()}


_TYPED = b"x\n" * 500  # what the guest finds in its input


@contextmanager
def _streams(kind: str) -> Iterator[tuple[int, int]]:
    import pty  # Windows has none.
    import tty

    with ExitStack() as stack:
        if kind == "pipe":
            source, typed = os.pipe()
            unread, output = os.pipe()
            fds = [source, typed, unread, output]
        elif kind == "terminal":
            typed, source = pty.openpty()
            unread, output = pty.openpty()
            tty.setraw(source)
            tty.setraw(output)
            fds = [source, typed, unread, output]
        elif kind == "socket":
            pairs = [*socket.socketpair(), *socket.socketpair()]
            source, typed, unread, output = fds = [one.detach() for one in pairs]
        else:
            files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(2)]
            source, output = (os.dup(file.fileno()) for file in files)
            typed = source
            fds = [source, output]
        for fd in fds:
            stack.callback(os.close, fd)
        os.write(typed, _TYPED)
        if typed == source:
            os.lseek(source, 0, os.SEEK_SET)
        yield source, output


def _connected(stack: ExitStack) -> Calls:
    ours, theirs = socket.socketpair()
    stack.enter_context(ours)
    stack.enter_context(theirs).send(b"xxxx")
    return Calls(sockets=[ours])


def _listening(stack: ExitStack) -> Calls:
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    stack.enter_context(socket.create_connection(listener.getsockname()))
    return Calls(sockets=[listener])


# The kinds of descriptors that only pywasm3 gives to programs: a guest and the descriptor.
GIVEN: dict[str, tuple[Callable[[ExitStack], Calls], int]] = {
    "bytes": (lambda _: Calls(stdin=_TYPED), 0),
    "reader": (lambda _: Calls(stdin=io.BytesIO(_TYPED)), 0),
    "writer": (lambda _: Calls(stdout=io.BytesIO()), 1),
    "captured": (lambda _: Calls(stdout=CAPTURE), 1),
    "dropped": (lambda _: Calls(), 1),
    "connected": (_connected, 3),
    "listening": (_listening, 3),
}


def on_given(kind: str) -> dict[str, str]:
    """The answers to the calls on a descriptor of one of the kinds in GIVEN."""
    new, fd = GIVEN[kind]

    @contextmanager
    def make() -> Iterator[tuple[Calls, int]]:
        with ExitStack() as stack:
            yield new(stack), fd

    return _answers(make, ON_DESCRIPTORS)


def without_descriptor(engine: str) -> dict[str, str]:
    """The answers to the calls that need no descriptor."""
    make = InWasmtime if engine == "wasmtime" else Calls
    return {name: answer(partial(call, make())) for name, call in WITHOUT_DESCRIPTOR.items()}


def _inside(engine: str, results: str) -> None:
    """Makes the calls on the standard streams of this process."""

    def guest() -> Calls:
        return InWasmtime() if engine == "wasmtime" else Calls(stdin=INHERIT, stdout=INHERIT)

    found: dict[str, dict[str, str]] = {}
    for fd, end in enumerate(ENDS):
        answers = found[end] = {}
        for name, call in ON_DESCRIPTORS.items():
            with suppress(OSError):  # A file is as it was; other streams have no position.
                os.lseek(fd, 0, os.SEEK_SET)
                os.ftruncate(fd, len(_TYPED))
            answers[name] = answer(partial(call, guest(), fd))
    Path(results).write_text(json.dumps(found), encoding="utf-8")


# ---- the tables ----

TABLES = Path(__file__).resolve().parent / "wasi" / "every_call.txt"
_WIDTHS = (46, 12)  # the first column, the others


def read_tables() -> dict[str, dict[str, str]]:
    """The answers in every_call.txt by column and call: "OK/BADF" if wasmtime's is BADF."""
    tables: dict[str, dict[str, str]] = {}
    columns: list[str] = []
    for line in TABLES.read_text(encoding="utf-8").splitlines():
        name, *cells = (cell.strip() for cell in line.split("|"))
        if not name:
            columns = cells
        elif cells:
            for column, cell in zip(columns, cells, strict=True):
                tables.setdefault(column, {})[name] = cell
    return tables


def _all_answers() -> list[tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]]:
    """The answers for each table: pywasm3's, and those of wasmtime that there are."""
    ours_inherited: dict[str, dict[str, str]] = {}
    theirs_inherited: dict[str, dict[str, str]] = {}
    for kind in INHERITED:
        ours_inherited |= on_inherited("pywasm3", kind)
        theirs_inherited |= on_inherited("wasmtime", kind)
    kinds = (*OPENED, PREOPENED)
    return [
        (
            {"no descriptor": without_descriptor("pywasm3")},
            {"no descriptor": without_descriptor("wasmtime")},
        ),
        ({k: on_opened("virtual", k) for k in kinds}, {k: on_opened("wasmtime", k) for k in kinds}),
        (ours_inherited, theirs_inherited),
        ({kind: on_given(kind) for kind in GIVEN}, {}),
        (
            {
                WRITABLE: on_paths("virtual", writable=True),
                READ_ONLY: on_paths("virtual", writable=False),
            },
            {WRITABLE: on_paths("wasmtime", writable=True)},
        ),
    ]


def _write_tables() -> None:
    """Writes the answers that there are now, below the comment of the file."""
    comment = TABLES.read_text(encoding="utf-8").partition("\n\n")[0]
    lines = [comment]
    for ours, theirs in _all_answers():
        lines += ["", _row("", ours)]
        for name in next(iter(ours.values())):
            cells = []
            for column, answers in ours.items():
                both = [answers[name], theirs.get(column, answers)[name]]
                cells.append("/".join(dict.fromkeys(both)))
            lines.append(_row(name, cells))
    TABLES.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _row(name: str, cells: Iterable[str]) -> str:
    first, others = _WIDTHS
    return " | ".join([f"{name:{first}}", *(f"{cell:{others}}" for cell in cells)]).rstrip()


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        _write_tables()
    else:
        _inside(*sys.argv[1:])
