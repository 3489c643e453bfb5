# SPDX-License-Identifier: MIT
"""Directories by the code for Windows: on Windows as it is, elsewhere over the calls of nt_files.

tests/wasi/test_sandbox.py runs with the same code, too.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from nt_files import windows_calls
from pywasm3.wasi import directories_host, openat
from pywasm3.wasi.abi import WasiError
from pywasm3.wasi.at import At
from pywasm3.wasi.directories import Opening
from wasi_helpers import Calls, resolving

if sys.platform not in ("linux", "win32"):
    pytest.skip(
        "the calls are those of Windows, or made of those of Linux", allow_module_level=True
    )

CREAT, DIRECTORY, EXCL, TRUNC = 1, 2, 4, 8
APPEND = 1


@pytest.fixture(autouse=True)
def calls_of_windows() -> Iterator[None]:
    with resolving("steps"), nullcontext() if os.name == "nt" else windows_calls():
        yield


@pytest.fixture
def at() -> At:
    return openat.AT


@pytest.fixture
def place(tmp_path: Path, at: At) -> Iterator[int]:
    """The directory, opened."""
    fd = at.open_directory(tmp_path)
    yield fd
    os.close(fd)


@pytest.fixture
def calls(tmp_path: Path) -> Calls:
    return Calls(preopens={"/": tmp_path})


@contextmanager
def raised(number: int) -> Iterator[None]:
    with pytest.raises(OSError) as caught:
        yield
    assert caught.value.errno == number


def test_the_directories_of_a_guest_are_opened_by_this_code(at: At) -> None:
    assert type(at).__name__ == "WindowsAt"
    assert directories_host.AT is at


def test_a_file_is_not_a_directory(tmp_path: Path, at: At) -> None:
    (tmp_path / "file").write_bytes(b"")
    with raised(errno.ENOTDIR):
        at.open_directory(tmp_path / "file")


def test_a_file_is_written_and_read(calls: Calls, tmp_path: Path) -> None:
    fd = calls.opened(3, "file", CREAT)
    assert calls.write(fd, b"contents") == "OK"
    assert calls.fd_seek(fd, 3, 0, calls.RESULT) == "OK"
    assert calls.read(fd) == b"tents"
    assert (tmp_path / "file").read_bytes() == b"contents"


def test_a_file_is_cut_when_it_is_opened(calls: Calls, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"contents")
    calls.opened(3, "file", TRUNC)
    assert (tmp_path / "file").read_bytes() == b""


def test_a_file_grows_without_its_zeros_being_written(calls: Calls, tmp_path: Path) -> None:
    fd = calls.opened(3, "file", CREAT)
    assert calls.fd_filestat_set_size(fd, 1 << 20) == "OK"
    assert calls.fd_allocate(fd, 1 << 20, 5) == "OK"
    assert (tmp_path / "file").stat().st_size == (1 << 20) + 5


def test_a_file_that_exists_is_not_created(calls: Calls, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert calls.open(3, "file", CREAT | EXCL) == "EEXIST"


@pytest.mark.parametrize("name", ["NUL", "con.txt", "a:b", "a\\b", "a.", "a ", "a*"])
def test_names_that_mean_something_else_are_refused(calls: Calls, name: str) -> None:
    assert calls.open(3, name, CREAT) == "EINVAL"
    assert calls.path_create_directory(3, name) == "EINVAL"
    assert calls.path_rename(3, "x", 3, name) in ("EINVAL", "ENOENT")


def test_a_name_of_two_parts_is_refused_in_the_middle_of_a_path(calls: Calls) -> None:
    assert calls.open(3, "..\\secret/file") == "EINVAL"


def test_a_directory_replaces_an_empty_one(at: At, place: int, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_bytes(b"")
    (tmp_path / "b").mkdir()
    at.rename(place, "a", place, "b")
    assert os.listdir(tmp_path) == ["b"]
    assert os.listdir(tmp_path / "b") == ["file"]


def test_a_directory_replaces_no_full_one(at: At, place: int, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b" / "c").mkdir(parents=True)
    with raised(errno.ENOTEMPTY):
        at.rename(place, "a", place, "b")


@pytest.mark.parametrize(
    ("name", "to", "number"), [("dir", "file", errno.ENOTDIR), ("file", "dir", errno.EISDIR)]
)
def test_files_and_directories_do_not_replace_each_other(
    at: At, place: int, tmp_path: Path, name: str, to: str, number: int
) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "file").write_bytes(b"")
    with raised(number):
        at.rename(place, name, place, to)


def test_a_file_replaces_another_one(at: At, place: int, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"new")
    (tmp_path / "b").write_bytes(b"old")
    at.rename(place, "a", place, "b")
    assert (tmp_path / "b").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["b"]


def test_two_names_of_one_file_stay(at: At, place: int, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    at.link(place, "a", place, "b")
    at.rename(place, "a", place, "b")
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]
    assert at.stat(place, "a").st_nlink == 2


def test_what_is_removed_must_be_of_the_right_kind(at: At, place: int, tmp_path: Path) -> None:
    (tmp_path / "dir" / "full").mkdir(parents=True)
    (tmp_path / "file").write_bytes(b"")
    with raised(errno.EISDIR):
        at.unlink(place, "dir")
    with raised(errno.ENOTDIR):
        at.remove_directory(place, "file")
    with raised(errno.ENOTEMPTY):
        at.remove_directory(place, "dir")
    at.unlink(place, "file")
    assert os.listdir(tmp_path) == ["dir"]


def test_a_directory_has_no_second_name(at: At, place: int, tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    with raised(errno.EPERM):
        at.link(place, "dir", place, "other")


def test_no_link_is_created(calls: Calls) -> None:
    assert calls.path_symlink("target", 3, "link") == "ENOTSUP"


def test_times_are_set_and_shown(at: At, place: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    at.set_times(place, "file", (1_600_000_000_000_000_100, 1_700_000_000_000_000_200))
    found = at.stat(place, "file")
    assert found.st_atime_ns == 1_600_000_000_000_000_100
    assert found.st_mtime_ns == 1_700_000_000_000_000_200


def test_the_times_of_a_file_that_is_only_read_are_set(calls: Calls, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    fd = calls.opened(3, "file", rights=1 << 1)
    assert calls.fd_filestat_set_times(fd, 0, 10**18, 4) == "OK"
    assert (tmp_path / "file").stat().st_mtime_ns == 10**18


def test_a_file_that_is_appended_to_is_written_at_its_end(calls: Calls, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"one")
    fd = calls.opened(3, "file", fdflags=APPEND)
    assert calls.write(fd, b" two") == "OK"
    assert (tmp_path / "file").read_bytes() == b"one two"


def test_a_listing_has_each_entry_once(at: At, place: int, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for number in range(100):
        (tmp_path / f"file{number}").write_bytes(b"")
    scan = at.scan(place)
    found = sorted(entry.name for entry in scan)
    scan.close()
    scan.close()
    assert found == sorted(os.fsencode(name) for name in os.listdir(tmp_path))


def test_a_file_that_the_host_has_closed_is_ebadf(at: At, place: int) -> None:
    opening = Opening(CREAT, 0, False, True, True)
    file = at.descriptor(at.open(place, "file", os.O_RDWR | os.O_CREAT, 0o666), opening, False)
    assert file is not None
    file.close()
    file.close()
    room = [memoryview(bytearray(1))]
    for use in (file.read, file.write, lambda buffers: file.pread(buffers, 0)):
        with pytest.raises(WasiError, match="EBADF"):
            use(room)
