# SPDX-License-Identifier: MIT
"""Rights are reported, and what a guest may do depends on what it has opened and how.

The guest `rights` (tests/guests/wasi) checks the errnos; here is what remains to be seen: what
files contain afterwards, and what the C library of WASI makes of the rights that are reported.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pywasm3.wasi import CAPTURE, HostDir
from pywasm3.wasi.abi import (
    DIRECTORY_RIGHTS,
    FDSTAT,
    FILE_RIGHTS,
    INHERITING_RIGHTS,
    RIGHT_FD_READ,
    RIGHT_FD_SEEK,
    RIGHT_FD_TELL,
    RIGHT_FD_WRITE,
    STREAM_RIGHTS,
)
from pywasm3.wasi.at import Found
from wasi_helpers import BACKENDS, Calls, directory, resolving

CREAT, DIRECTORY = 1, 2
APPEND = 1


@pytest.fixture(params=BACKENDS)
def calls(request: Any, tmp_path: Path) -> Iterator[Calls]:
    """A guest with a directory that holds one file."""
    with resolving(request.param):
        calls = Calls(preopens={"/": directory(request.param, tmp_path)})
        assert calls.make("file", b"contents") == "OK"
        yield calls


def reported(calls: Calls, fd: int) -> tuple[int, int]:
    """The rights of a descriptor and those that it hands on."""
    assert calls.fd_fdstat_get(fd, calls.RESULT) == "OK"
    rights, inheriting = FDSTAT.unpack(calls.memory.read(calls.RESULT, FDSTAT.size))[2:]
    return rights, inheriting


def open_with(
    calls: Calls, fd: int, path: str, rights: int, inheriting: int, oflags: int = 0
) -> int:
    assert calls.path_open(fd, 1, path, oflags, rights, inheriting, 0, calls.RESULT) == "OK"
    return calls.result()


def test_a_program_reads_a_file_in_a_directory_that_hands_on_no_rights(calls: Calls) -> None:
    """The standard library of Zig opens directories like this, and files with these rights."""
    assert calls.path_create_directory(3, "sub") == "OK"
    assert calls.path_rename(3, "file", 3, "sub/file") == "OK"
    sub = open_with(calls, 3, "sub", DIRECTORY_RIGHTS | RIGHT_FD_READ, 0, DIRECTORY)
    fd = open_with(calls, sub, "file", RIGHT_FD_READ | RIGHT_FD_SEEK | RIGHT_FD_TELL, 0)
    assert calls.read(fd) == b"contents"


def test_what_the_c_library_masks_with_inherited_rights_can_be_written(calls: Calls) -> None:
    """WASI's C library asks for those rights that the directory reports as handed on."""
    root = open_with(calls, 3, ".", 0, 0)
    inheriting = reported(calls, root)[1]
    asked = inheriting & ~DIRECTORY_RIGHTS
    fd = open_with(calls, root, "new", asked, inheriting, CREAT)
    assert calls.write(fd, b"text") == "OK"
    assert calls.content("new") == b"text"


def test_what_is_reported_belongs_to_what_a_file_is_open_for(calls: Calls) -> None:
    cases = {
        RIGHT_FD_READ: FILE_RIGHTS & ~(RIGHT_FD_WRITE | 1 << 8 | 1 << 22),
        RIGHT_FD_WRITE: FILE_RIGHTS & ~RIGHT_FD_READ,
        RIGHT_FD_READ | RIGHT_FD_WRITE: FILE_RIGHTS,
    }
    for asked, rights in cases.items():
        assert reported(calls, open_with(calls, 3, "file", asked, 0)) == (rights, 0)
    for fd in (3, open_with(calls, 3, ".", 0, 0)):
        assert reported(calls, fd) == (DIRECTORY_RIGHTS, INHERITING_RIGHTS)


def test_a_preopened_directory_reports_the_rights_that_programs_expect(calls: Calls) -> None:
    """The numbers are those of bits. The test programs of the WASI project ask for these rights."""
    expected = {*range(9, 19), 20, 21, 23, 24, 25, 26}
    expected_below = expected | {*range(9), 22, 27}
    rights, inheriting = reported(calls, 3)
    assert expected <= {bit for bit in range(64) if rights >> bit & 1}
    assert expected_below <= {bit for bit in range(64) if inheriting >> bit & 1}
    assert not rights & (1 << 19 | 1 << 22)  # A directory has no size that could be set.


def test_rights_that_do_not_exist_are_ignored(calls: Calls) -> None:
    fd = open_with(calls, 3, "file", 1 << 63 | RIGHT_FD_READ, 1 << 63)
    assert calls.read(fd) == b"contents"


def test_pwrite_on_a_file_that_is_open_for_appending_writes_at_the_end(calls: Calls) -> None:
    """Linux does so, although POSIX does not say it."""
    fd = calls.opened(3, "file", fdflags=APPEND)
    calls.memory.pack("II", 0, 64, 2)
    calls.memory.write(64, b"++")
    assert calls.fd_pwrite(fd, 0, 1, 1, calls.RESULT) == "OK"
    assert calls.content("file") == b"contents++"


def test_a_file_without_the_right_to_write_is_not_written(calls: Calls) -> None:
    """Also one that was written before, through the fast path of fd_write."""
    fd = calls.opened(3, "file")
    assert calls.write(fd, b"C") == "OK"
    rights, inheriting = reported(calls, fd)
    assert calls.fd_fdstat_set_rights(fd, rights & ~RIGHT_FD_WRITE, inheriting) == "OK"
    assert calls.write(fd, b"X") == "EBADF"
    assert calls.content("file") == b"Contents"


@pytest.mark.parametrize("backend", ["openat2", "steps"])
def test_no_hard_link_leads_around_a_read_only_directory(backend: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"contents")
    with resolving(backend):
        calls = Calls(preopens={"/a": HostDir(tmp_path, read_only=True), "/b": tmp_path})
        assert calls.path_link(3, 0, "file", 4, "new") == "EROFS"
        assert calls.path_link(4, 0, "file", 3, "new") == "EROFS"
        assert calls.path_rename(3, "file", 4, "new") == "EROFS"
    assert os.listdir(tmp_path) == ["file"]


def test_the_standard_input_keeps_its_times(tmp_path: Path) -> None:
    """The guest could set them, because Linux asks for the owner and not for how a file is open."""
    given = tmp_path / "given"
    given.write_bytes(b"text")
    os.utime(given, ns=(1, 1))
    calls = Calls(stdin=given)
    assert calls.fd_filestat_set_times(0, 5, 5, 1 | 4) == "EROFS"
    assert calls.write(0, b"x") == "EBADF"
    assert given.stat().st_mtime_ns == 1


def test_the_c_library_takes_only_a_terminal_for_one(tmp_path: Path) -> None:
    """It takes a character device for a terminal if it reports no right to seek and to tell."""
    pty = pytest.importorskip("pty")
    outer, inner = pty.openpty()
    try:
        calls = Calls(stdin=os.ttyname(inner), stdout=os.devnull, stderr=CAPTURE)
        assert reported(calls, 0)[0] == STREAM_RIGHTS & ~RIGHT_FD_WRITE
        assert reported(calls, 1)[0] & (RIGHT_FD_SEEK | RIGHT_FD_TELL)
        assert reported(calls, 2)[0] == STREAM_RIGHTS & ~RIGHT_FD_READ
    finally:
        os.close(outer)
        os.close(inner)


def test_a_time_that_wasi_cannot_express_is_shown_as_the_nearest() -> None:
    """Some file systems have times before 1970 or after 2554."""
    host_stat = pytest.importorskip("pywasm3.wasi.host_stat")
    for time_ns, shown in ((-1, 0), (2**64, 2**64 - 1)):
        found = host_stat.stat_of(Found(0o100644, 0, 0, 0, 0, time_ns, time_ns, time_ns))
        assert (found.atime, found.mtime, found.ctime) == (shown, shown, shown)
