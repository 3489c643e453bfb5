# SPDX-License-Identifier: MIT
"""A guest cannot reach anything outside of a preopened directory, nor use resources beyond limits.

The tests try the known ways out: links, "..", hard links, names with NUL, and directories that
another thread exchanges meanwhile. The expected errnos are written by hand; that the secret beside
the directory is neither read nor changed is checked on the real file system.
"""

from __future__ import annotations

import os
import random
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import pywasm3
from pywasm3.wasi import HostDir, VirtualDir
from wasi_helpers import Calls, resolving

CREAT, DIRECTORY, EXCL, TRUNC = 1, 2, 4, 8


@pytest.fixture(params=["openat2", "steps", "windows"])
def backend(request: Any) -> Iterator[str]:
    with resolving(request.param):
        yield request.param


@pytest.fixture
def inside(tmp_path: Path, backend: str) -> Path:
    """The directory that is preopened. Beside it there are a secret file and another directory."""
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "outer").mkdir()
    folder = tmp_path / "inside"
    folder.mkdir()
    return folder


@pytest.fixture
def calls(inside: Path) -> Calls:
    return Calls(preopens={"/": inside})


TARGETS = ["../secret", "/etc/passwd", "../inside/../secret", "sub/../../secret", "..//secret"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_link_of_the_host_that_leads_out_is_not_followed(
    calls: Calls, inside: Path, target: str
) -> None:
    (inside / "sub").mkdir()
    (inside / "link").symlink_to(target)
    assert calls.content("link") == "EPERM"
    assert calls.open(3, "link", CREAT | TRUNC) == "EPERM"
    assert calls.type_of("link", follow=1) == "EPERM"
    assert calls.path_filestat_set_times(3, 1, "link", 1, 1, 5) == "EPERM"
    assert calls.path_link(3, 1, "link", 3, "hard") == "EPERM"
    assert calls.type_of("link") == 7
    assert (inside.parent / "secret").read_bytes() == b"secret"


def test_a_directory_behind_a_link_that_leads_out_cannot_be_used(
    calls: Calls, inside: Path
) -> None:
    (inside / "out").symlink_to("../outer")
    found = [
        calls.make("out/x", b"x"),
        calls.open(3, "out", DIRECTORY),
        calls.open(3, "out/", DIRECTORY),
        calls.path_create_directory(3, "out/x"),
        calls.path_symlink("x", 3, "out/x"),
        calls.type_of("out/"),
        calls.type_of("out/."),
        calls.type_of("out/../secret"),
    ]
    assert set(found) == {"EPERM"}
    assert list((inside.parent / "outer").iterdir()) == []
    # The link itself is inside, so it may be renamed and removed.
    assert calls.path_remove_directory(3, "out/") == "ENOTDIR"
    assert calls.path_rename(3, "out", 3, "moved") == "OK"
    assert calls.path_unlink_file(3, "moved") == "OK"


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc")
def test_links_of_proc_are_no_way_out(backend: str) -> None:
    calls = Calls(preopens={"/": f"/proc/{os.getpid()}"})
    for path in ("root/etc/passwd", "cwd/..", "exe"):
        assert calls.open(3, path, rights=2) in ("ELOOP", "EPERM", "EACCES")


def test_hard_links_cannot_be_made_of_what_is_outside(calls: Calls, inside: Path) -> None:
    assert calls.path_link(3, 0, "../secret", 3, "mine") == "EPERM"
    assert list(inside.iterdir()) == []


def test_a_directory_moved_out_leads_no_further(calls: Calls, inside: Path) -> None:
    """A directory that the host moves out while it is open is no way to its new parent."""
    (inside / "sub").mkdir()
    fd = calls.opened(3, "sub", DIRECTORY)
    os.rename(inside / "sub", inside.parent / "outer" / "sub")
    assert calls.open(fd, "../../secret", rights=2) == "EPERM"
    assert calls.open(fd, "..", DIRECTORY) == "EPERM"


@contextmanager
def meanwhile(exchange: Callable[[], None], pause: float = 0) -> Iterator[None]:
    """Calls `exchange` on another thread again and again, with a pause in seconds between calls."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(pause):
            exchange()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.hammer
def test_links_exchanged_between_check_and_use_lead_nowhere(inside: Path, backend: str) -> None:
    """A thread changes where a link leads, inside or outside, while the guest works through it."""
    (inside / "real").mkdir()
    (inside / "real" / "secret").write_bytes(b"public")
    (inside / "way").symlink_to("real")
    targets = ["real", "real", "..", str(inside.parent), "../outer"]
    choose = random.Random(1).choice

    def exchange() -> None:
        os.symlink(choose(targets), inside / "new")
        os.rename(inside / "new", inside / "way")

    calls = Calls(preopens={"/": inside})
    seen = set()
    with meanwhile(exchange):
        for n in range(1500):
            seen.add(calls.content("way/secret"))
            calls.make(f"way/made{n % 4}", b"x")
            calls.path_create_directory(3, "way/directory")
            calls.path_rename(3, "way/made1", 3, "way/moved")
            calls.path_filestat_set_times(3, 1, "way/secret", 1, 1, 5)
    assert b"secret" not in seen
    assert b"public" in seen
    assert sorted(os.listdir(inside.parent)) == ["inside", "outer", "secret"]
    assert os.listdir(inside.parent / "outer") == []
    assert (inside.parent / "secret").stat().st_mtime > 1


@pytest.mark.hammer
def test_a_directory_exchanged_with_a_link_leads_nowhere(inside: Path, backend: str) -> None:
    """A thread moves the guest's directory away, even out, and puts a link out in its place."""
    outer, way, aside = inside.parent / "outer", inside / "way", inside / "aside"
    (outer / "file").write_bytes(b"secret")
    (way / "sub").mkdir(parents=True)
    (way / "file").write_bytes(b"public")

    def exchange() -> None:
        os.rename(way, aside)
        os.symlink("../outer", way)
        os.unlink(way)
        os.rename(aside, inside.parent / "moved")
        os.rename(inside.parent / "moved", way)

    calls = Calls(preopens={"/": inside})
    seen = set()
    with meanwhile(exchange, pause=0.0002):  # so that the guest sometimes finds the directory
        for _ in range(600):
            seen |= {calls.content("way/file"), calls.content("way/sub/../../outer/file")}
            calls.make("way/made", b"x")
            calls.path_link(3, 1, "way/file", 3, "way/hard")
            calls.path_unlink_file(3, "way/hard")
            calls.path_create_directory(3, "way/directory")
            calls.path_filestat_set_times(3, 1, "way/file", 1, 1, 5)
    assert b"secret" not in seen
    assert b"public" in seen
    assert os.listdir(outer) == ["file"]
    assert (outer / "file").stat().st_mtime > 1
    assert (outer / "file").stat().st_nlink == 1


def names_of(entries: bytes) -> list[bytes]:
    """The names in what fd_readdir wrote. Before each, a dirent of 24 bytes holds its length."""
    names, at = [], 0
    while at + 24 <= len(entries):
        (size,) = struct.unpack_from("<I", entries, at + 16)
        names.append(entries[at + 24 : at + 24 + size])
        at += 24 + size
    return names


def test_names_that_are_no_utf8_are_refused_and_not_listed(calls: Calls, inside: Path) -> None:
    (inside / "good").touch()
    try:
        (Path(os.fsdecode(os.fsencode(inside) + b"/\xff"))).touch()
    except OSError:
        pytest.skip("the file system takes no such names")
    assert calls.open(3, b"\xff", rights=2) == "EILSEQ"
    assert calls.fd_readdir(3, 4096, 400, 0, calls.RESULT) == "OK"
    listed = calls.memory.read(4096, calls.result())
    assert b"good" in names_of(listed)
    assert b"\xff" not in names_of(listed)


@pytest.mark.parametrize("path", ["a\0b", "\0", "a/\0/../../x"])
def test_nul_in_a_name_is_einval(calls: Calls, path: str) -> None:
    assert calls.open(3, path, CREAT) == "EINVAL"
    assert calls.path_create_directory(3, path) == "EINVAL"
    assert calls.path_symlink(path, 3, "link") == "EINVAL"


def test_a_loop_of_many_links_ends(calls: Calls, inside: Path) -> None:
    for n in range(60):
        (inside / f"l{n}").symlink_to(f"l{n + 1}")
    (inside / "l60").write_bytes(b"end")
    assert calls.content("l0") == "ELOOP"
    assert calls.content("l30") == b"end"


def test_a_link_that_doubles_itself_ends(calls: Calls, inside: Path) -> None:
    (inside / "x").symlink_to("./x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x")
    assert calls.content("x") == "ELOOP"


def test_a_long_path_is_refused(calls: Calls) -> None:
    assert calls.open(3, "a/" * 2049) == "ENAMETOOLONG"
    assert calls.open(3, "./" * 2000 + "none", rights=2) == "ENOENT"


def test_no_descriptor_of_the_host_is_lost(calls: Calls, inside: Path) -> None:
    (inside / "link").symlink_to("../secret")
    (inside / "file").touch()

    def use() -> None:
        for path in ("link", "link/x", "none/x", "file/x", "file/", "./file/..", "a/../..", "/"):
            calls.open(3, path, rights=2)
            calls.type_of(path, follow=1)
            calls.path_rename(3, path, 3, "none/y")
            calls.path_link(3, 1, path, 3, "none/y")
            calls.path_remove_directory(3, path)

    use()
    before = len(os.listdir("/dev/fd"))
    use()
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.parametrize("kind", ["host", "virtual"])
def test_what_is_read_only_cannot_be_changed(kind: str, inside: Path) -> None:
    (inside / "file").write_bytes(b"text")
    (inside / "sub").mkdir()
    virtual = VirtualDir({"file": b"text", "sub": {}}, read_only=True)
    given = virtual if kind == "virtual" else HostDir(inside, read_only=True)
    calls = Calls(preopens={"/": given})
    found = [
        calls.open(3, "new", CREAT),
        calls.open(3, "file", TRUNC),
        calls.open(3, "file", rights=1 << 6),
        calls.path_create_directory(3, "new"),
        calls.path_remove_directory(3, "sub"),
        calls.path_unlink_file(3, "file"),
        calls.path_rename(3, "file", 3, "new"),
        calls.path_link(3, 0, "file", 3, "new"),
        calls.path_symlink("file", 3, "new"),
        calls.path_filestat_set_times(3, 0, "file", 1, 1, 5),
    ]
    assert set(found) == {"EROFS"}
    assert calls.content("file") == b"text"
    # A program that asks for all rights still gets a descriptor, which it may read.
    fd = calls.opened(3, "file", CREAT)
    assert calls.read(fd) == b"text"
    assert calls.write(fd, b"x") == "EROFS"
    assert calls.fd_pwrite(fd, 0, 1, 0, calls.RESULT) == "EROFS"
    assert calls.fd_filestat_set_size(fd, 0) == "EROFS"
    assert calls.fd_filestat_set_times(fd, 1, 1, 5) == "EROFS"
    assert calls.fd_allocate(fd, 0, 100) == "EROFS"
    assert (inside / "file").read_bytes() == virtual["file"] == b"text"
    assert os.listdir(inside / "sub") == []


def test_a_guest_cannot_ask_for_much_memory() -> None:
    virtual = VirtualDir(max_bytes=100_000)
    calls = Calls(preopens={"/": virtual})
    fd = calls.opened(3, "file", CREAT)
    assert calls.fd_filestat_set_size(fd, 1 << 43) == "ENOSPC"
    assert calls.fd_filestat_set_size(fd, 1 << 62) == "EFBIG"
    assert calls.fd_allocate(fd, 0, 1 << 40) == "ENOSPC"
    assert calls.fd_seek(fd, 1 << 43, 0, calls.RESULT) == "OK"
    assert calls.write(fd, b"x") == "ENOSPC"
    assert calls.fd_pwrite(fd, 0, 1, 1 << 43, calls.RESULT) == "ENOSPC"
    assert calls.fd_pwrite(fd, 0, 1, 1 << 50, calls.RESULT) == "EFBIG"
    made = 0
    while calls.path_create_directory(3, f"d{made}") == "OK":
        made += 1
        assert made < 1000
    assert calls.path_create_directory(3, "d") == "ENOSPC"
    assert calls.fd_read(0, 0, 1 << 31, 0) == "EFAULT"
    assert calls.poll_oneoff(0, 0, 1 << 31, 0) == "EFAULT"
    assert isinstance(calls.instance, pywasm3.Instance)


def test_files_that_are_open_and_have_no_name_count() -> None:
    """Open files that were unlinked count towards `max_bytes` until they are closed."""
    calls = Calls(preopens={"/": VirtualDir(max_bytes=10_000)})
    for _ in range(100):
        error = calls.open(3, "file", CREAT)
        if error != "OK":
            break
        fd = calls.result()
        error = calls.fd_filestat_set_size(fd, 3000)
        calls.path_unlink_file(3, "file")
        if error != "OK":
            break
    assert error == "ENOSPC"
    for fd in range(4, 10):
        calls.fd_close(fd)
    assert calls.make("file", bytes(3000)) == "OK"


def test_a_full_table_of_descriptors_is_reported_before_anything_is_done(
    calls: Calls, inside: Path
) -> None:
    (inside / "file").write_bytes(b"text")
    while calls.open(3, ".", DIRECTORY) == "OK":
        pass
    assert calls.open(3, "file", TRUNC) == "EMFILE"
    assert calls.open(3, "new", CREAT) == "EMFILE"
    assert (inside / "file").read_bytes() == b"text"
    assert os.listdir(inside) == ["file"]


def test_a_new_descriptor_has_the_lowest_free_number(calls: Calls) -> None:
    for expected in range(4, 8):
        assert calls.opened(3, ".", DIRECTORY) == expected
    for fd in (1, 4, 5, 6):
        calls.fd_close(fd)
    assert [calls.opened(3, ".", DIRECTORY) for _ in range(5)] == [1, 4, 5, 6, 8]


@pytest.mark.parametrize("kind", ["host", "virtual"])
@pytest.mark.parametrize("read_only", [True, False])
def test_what_is_to_be_created_must_be_possible_in_what_is_read_only(
    kind: str, read_only: bool, inside: Path
) -> None:
    """Errors of creating a file come before the one for a read-only directory."""
    (inside / "file").write_bytes(b"text")
    (inside / "link").symlink_to("none")
    (inside / "sub").mkdir()
    virtual = VirtualDir({"file": b"text", "sub": {}})
    assert Calls(preopens={"/": virtual}).path_symlink("none", 3, "link") == "OK"
    virtual.read_only = read_only
    given = virtual if kind == "virtual" else HostDir(inside, read_only=read_only)
    calls = Calls(preopens={"/": given})
    for name in ("file", "link", "sub"):
        assert calls.open(3, name, CREAT | EXCL) == "EEXIST"
    assert calls.open(3, "sub", CREAT) == "EISDIR"
    for name in ("file", "sub", "new"):
        assert calls.open(3, name, CREAT | DIRECTORY) == "EINVAL"
    assert sorted(os.listdir(inside)) == ["file", "link", "sub"]
