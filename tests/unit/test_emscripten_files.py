# SPDX-License-Identifier: MIT
"""The system calls of Emscripten's C library work on the directories that WASI gives to a guest.

The numbers are those of Emscripten's headers: errno is WASI's, flags and structures are musl's.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from emscripten_guests import Calls
from pywasm3.wasi import HostDir, VirtualDir, WasiConfig

CWD = -100  # AT_FDCWD
RDONLY, WRONLY, RDWR, CREAT, EXCL, TRUNC, APPEND = 0, 1, 2, 0o100, 0o200, 0o1000, 0o2000
DIRECTORY, NOFOLLOW = 0o200000, 0o400000
EBADF, EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, EPERM = -8, -20, -28, -31, -44, -54, -63
ENOTEMPTY, ERANGE, EROFS, EFAULT, EMFILE, ENAMETOOLONG, ELOOP = -55, -68, -69, -21, -33, -37, -32
STAT = "<6Iq2IqI4xqI4xqI4xQ"
REMOVEDIR, AT_NOFOLLOW, EMPTY_PATH = 0x200, 0x100, 0x1000

FUNCTIONS = [
    "__syscall_openat iiii>i",
    "__syscall_stat64 ii>i",
    "__syscall_lstat64 ii>i",
    "__syscall_fstat64 ii>i",
    "__syscall_newfstatat iiii>i",
    "__syscall_faccessat iiii>i",
    "__syscall_statfs64 iii>i",
    "__syscall_fcntl64 iii>i",
    "__syscall_ioctl iii>i",
    "__syscall_mkdirat iii>i",
    "__syscall_rmdir i>i",
    "__syscall_unlinkat iii>i",
    "__syscall_renameat iiii>i",
    "__syscall_linkat iiiii>i",
    "__syscall_symlinkat iii>i",
    "__syscall_readlinkat iiii>i",
    "__syscall_truncate64 il>i",
    "__syscall_ftruncate64 il>i",
    "__syscall_fallocate iill>i",
    "__syscall_utimensat iiii>i",
    "__syscall_getcwd ii>i",
    "__syscall_chdir i>i",
    "__syscall_getdents64 iii>i",
    "__syscall_chmod ii>i",
    "__syscall_fchown32 iii>i",
    "__syscall_fadvise64 illi>i",
    "__syscall_fdatasync i>i",
    "_mmap_js iiiilii>i",
    "wasi_snapshot_preview1.fd_read iiii>i",
    "wasi_snapshot_preview1.fd_write iiii>i",
    "wasi_snapshot_preview1.fd_seek ilii>i",
    "wasi_snapshot_preview1.fd_close i>i",
]


class Files(Calls):
    """Names without "__syscall_" will do."""

    def __init__(self, *, limit: int = 128, **preopens: object) -> None:
        directories = {f"/{name}" if name != "root" else "/": d for name, d in preopens.items()}
        config = WasiConfig(preopens=directories, max_open=limit)  # type: ignore[arg-type]
        super().__init__(*FUNCTIONS, wasi=config)

    def __call__(self, name: str, *arguments: int | str) -> int:
        full = name if name.startswith(("fd_", "_")) else f"__syscall_{name}"
        return int(super().__call__(full, *arguments))

    def open(self, path: str, flags: int = RDONLY) -> int:
        return self("openat", CWD, path, flags, 0)

    def write(self, fd: int, data: bytes) -> None:
        self.memory[self.BUFFER : self.BUFFER + len(data)] = data
        self.memory[16:24] = struct.pack("<2I", self.BUFFER, len(data))
        assert self("fd_write", fd, 16, 1, 24) == 0
        assert self.memory.read_u32(24) == len(data)

    def read(self, fd: int, size: int = 100) -> bytes:
        self.memory[16:24] = struct.pack("<2I", self.BUFFER, size)
        assert self("fd_read", fd, 16, 1, 24) == 0
        return bytes(self.memory.read(self.BUFFER, self.memory.read_u32(24)))

    def stat(self, name: str, *arguments: int | str) -> tuple[int, ...]:
        """Returns the mode, the links, the size, and the three times in seconds."""
        assert self(name, *arguments, self.BUFFER) == 0
        members = self.result(STAT)
        return members[1], members[2], members[6], members[9], members[11], members[13]


@pytest.fixture(params=["virtual", "host"])
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    """A directory with a file and a folder with another one."""
    if request.param == "virtual":
        return VirtualDir({"a.txt": b"abc", "folder": {"b.txt": b"bb"}})
    if not hasattr(os, "O_DIRECTORY"):
        pytest.skip("this platform has no directories of the host for guests")
    (tmp_path / "a.txt").write_bytes(b"abc")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "b.txt").write_bytes(b"bb")
    return tmp_path


@pytest.fixture
def files(directory: object) -> Files:
    return Files(root=directory)


def test_a_file_is_read(files: Files) -> None:
    fd = files.open("/a.txt")
    assert fd > 2
    assert files.read(fd) == b"abc"
    assert files("fd_close", fd) == 0
    assert files("fd_close", fd) == -EBADF


def test_a_file_is_written_and_cut(files: Files) -> None:
    fd = files.open("new.txt", WRONLY | CREAT | EXCL)
    files.write(fd, b"hello")
    assert files("ftruncate64", fd, 4) == 0
    assert files("fdatasync", fd) == 0
    assert files.read(files.open("/new.txt")) == b"hell"
    assert files("truncate64", "/new.txt", 2) == 0
    assert files.stat("stat64", "/new.txt")[2] == 2
    assert files.open("/new.txt", WRONLY | CREAT | EXCL) == EEXIST
    files.open("/new.txt", WRONLY | TRUNC)
    assert files.stat("stat64", "/new.txt")[2] == 0


def test_what_is_written_is_appended(files: Files) -> None:
    fd = files.open("/a.txt", WRONLY | APPEND)
    files.write(fd, b"def")
    assert files.read(files.open("/a.txt")) == b"abcdef"
    assert files("fcntl64", fd, 3, 0) == WRONLY | APPEND  # F_GETFL


@pytest.mark.parametrize(
    ("path", "flags", "error"),
    [
        ("/nothing", RDONLY, ENOENT),
        ("", RDONLY, ENOENT),
        ("/a.txt/b", RDONLY, ENOTDIR),
        ("/a.txt", RDONLY | DIRECTORY, ENOTDIR),
        ("/folder", WRONLY, EISDIR),
        ("/a.txt", 3, EINVAL),
        ("/" + "a" * 4096, RDONLY, ENAMETOOLONG),
    ],
)
def test_opening_fails_with_the_error_of_posix(
    files: Files, path: str, flags: int, error: int
) -> None:
    assert files.open(path, flags) == error


def test_the_root_has_nothing_above_it(files: Files) -> None:
    assert files.read(files.open("/../../a.txt")) == b"abc"
    assert files.read(files.open("/folder/../a.txt")) == b"abc"


def test_files_are_described(files: Files) -> None:
    assert files.stat("stat64", "/a.txt")[:3] == (0o100666, 1, 3)
    assert files.stat("stat64", "/folder")[0] == 0o040777
    assert files.stat("fstat64", files.open("/a.txt"))[2] == 3
    assert files.stat("fstat64", files.open("/folder"))[0] == 0o040777
    assert files("stat64", "/nothing", files.BUFFER) == ENOENT
    assert files("fstat64", 99, files.BUFFER) == EBADF
    assert files("newfstatat", CWD, "/a.txt", files.BUFFER, 0) == 0
    fd = files.open("/folder")
    assert files("newfstatat", fd, "b.txt", files.BUFFER, 0) == 0
    assert files.result(STAT)[6] == 2
    assert files("newfstatat", fd, "", files.BUFFER, EMPTY_PATH) == 0
    assert files.result(STAT)[1] == 0o040777
    assert files("statfs64", "/", 64, files.BUFFER) == 0
    assert files("faccessat", CWD, "/a.txt", 4, 0) == 0
    assert files("faccessat", CWD, "/nothing", 0, 0) == ENOENT
    assert files("faccessat", CWD, "/a.txt", 8, 0) == EINVAL


def test_directories_are_made_and_removed(files: Files) -> None:
    assert files("mkdirat", CWD, "/made", 0o777) == 0
    assert files("mkdirat", CWD, "/made", 0o777) == EEXIST
    assert files("unlinkat", CWD, "/folder", REMOVEDIR) == ENOTEMPTY
    assert files("rmdir", "/made") == 0
    assert files("stat64", "/made", files.BUFFER) == ENOENT
    assert files("unlinkat", CWD, "/a.txt", 0) == 0
    assert files("unlinkat", CWD, "/a.txt", 0) == ENOENT
    assert files("unlinkat", CWD, "/a.txt", 1) == EINVAL


def test_files_are_renamed_and_linked(files: Files) -> None:
    assert files("renameat", CWD, "/a.txt", CWD, "/folder/c.txt") == 0
    assert files.stat("stat64", "/folder/c.txt")[2] == 3
    assert files("linkat", CWD, "/folder/c.txt", CWD, "/d.txt", 0) == 0
    assert files.stat("stat64", "/d.txt")[1] == 2


def test_a_symbolic_link_is_made_and_read(files: Files) -> None:
    assert files("symlinkat", "a.txt", CWD, "/link") == 0
    assert files("readlinkat", CWD, "/link", files.BUFFER, 100) == 5
    assert files.memory.read(files.BUFFER, 5) == b"a.txt"
    assert files("readlinkat", CWD, "/link", files.BUFFER, 2) == 2
    assert files("readlinkat", CWD, "/link", files.BUFFER, 0) == EINVAL
    assert files("readlinkat", CWD, "/a.txt", files.BUFFER, 9) == EINVAL
    assert files.stat("stat64", "/link")[0] == 0o100666
    assert files.stat("lstat64", "/link")[0] == 0o120777
    assert files("newfstatat", CWD, "/link", files.BUFFER, AT_NOFOLLOW) == 0
    assert files.result(STAT)[1] == 0o120777
    assert files.open("/link", RDONLY | NOFOLLOW) == ELOOP


def test_a_directory_is_listed_from_where_it_stopped(files: Files) -> None:
    fd = files.open("/", RDONLY | DIRECTORY)
    names = []
    while size := files("getdents64", fd, files.BUFFER, 300):
        assert size == 280  # one entry
        _, _, length, type = struct.unpack("<QqHB", files.memory.read(files.BUFFER, 19))
        names.append((files.memory.read_str(files.BUFFER + 19), type))
        assert length == 280
    assert sorted(names) == [(".", 4), ("..", 4), ("a.txt", 8), ("folder", 4)]
    assert files("fd_seek", fd, 0, 0, 16) == 0  # rewinddir
    assert files("getdents64", fd, files.BUFFER, 2048) == 4 * 280
    assert files("getdents64", fd, files.BUFFER, 279) == EINVAL
    assert files("getdents64", files.open("/a.txt"), files.BUFFER, 999) == ENOTDIR


def test_the_working_directory_changes(files: Files) -> None:
    assert files("getcwd", files.BUFFER, 100) == 2
    assert files.memory.read_str(files.BUFFER) == "/"
    assert files("chdir", "folder") == 0
    assert files("getcwd", files.BUFFER, 8) == 8
    assert files.memory.read_str(files.BUFFER) == "/folder"
    assert files("getcwd", files.BUFFER, 7) == ERANGE
    assert files.read(files.open("b.txt")) == b"bb"
    assert files.read(files.open("../a.txt")) == b"abc"
    assert files("chdir", "/a.txt") == ENOTDIR
    assert files("chdir", "/nothing") == ENOENT


def test_times_are_set(files: Files) -> None:
    times = struct.pack("<qi4xqi4x", 5, 0, 7, 0)
    files.memory[64:96] = times
    assert files("utimensat", CWD, "/a.txt", 64, 0) == 0
    assert files.stat("stat64", "/a.txt")[3:5] == (5, 7)
    files.memory[64:96] = struct.pack("<qi4xqi4x", 9, 0x3FFFFFFE, 8, 0)  # UTIME_OMIT
    assert files("utimensat", files.open("/a.txt"), 0, 64, 0) == 0
    assert files.stat("stat64", "/a.txt")[3:5] == (5, 8)
    files.memory[64:96] = struct.pack("<qi4xqi4x", -9, 0, 8, 1_000_000_000)
    assert files("utimensat", CWD, "/a.txt", 64, 0) == EINVAL
    assert files("utimensat", CWD, "/a.txt", 0, 0) == 0
    assert files.stat("stat64", "/a.txt")[3] > 1_000_000_000


def test_a_file_takes_room_beforehand(files: Files) -> None:
    fd = files.open("/a.txt", RDWR)
    assert files("fallocate", fd, 0, 0, 50) == 0
    assert files.stat("fstat64", fd)[2] == 50
    assert files("fallocate", fd, 0, 0, 0) == EINVAL
    assert files("fallocate", fd, 1, 0, 5) == EINVAL


def test_what_a_sandbox_does_not_need_succeeds(files: Files) -> None:
    fd = files.open("/a.txt")
    assert files("chmod", "/a.txt", 0o600) == 0
    assert files("chmod", "/nothing", 0o600) == ENOENT
    assert files("fchown32", fd, 0, 0) == 0
    assert files("fadvise64", fd, 0, 0, 0) == 0
    assert files("fcntl64", fd, 1, 0) == 0
    files.memory.write_u32(64, files.BUFFER)
    assert files("fcntl64", fd, 5, 64) == 0  # F_GETLK
    assert files.memory.read_u16(files.BUFFER) == 2  # F_UNLCK
    assert files("fcntl64", fd, 6, 64) == 0
    assert files("fcntl64", fd, 99, 0) == EINVAL
    assert files("fcntl64", 99, 1, 0) == EBADF
    assert files("ioctl", fd, 0x5401, 0) == -59  # ENOTTY
    assert files("_mmap_js", 10, 1, 1, fd, 0, 0, 0) == -43  # ENODEV


def test_older_versions_have_other_calls_and_another_structure() -> None:
    """The offsets are those of Emscripten 3.1.6: see its struct_info.json."""
    call = Calls(
        "__syscall_open iii>i",
        "__syscall_mkdir ii>i",
        "__syscall_rename ii>i",
        "__syscall_stat64 ii>i",
        "time i>i",
        wasi=WasiConfig(preopens={"/": VirtualDir({"a": b"abc"})}, clock=5 * 10**9),
    )
    assert call("__syscall_open", "/a", 0, 0) > 2
    assert call("__syscall_mkdir", "/made", 0o777) == 0
    assert call("__syscall_rename", "/a", "/made/b") == 0
    assert call("__syscall_stat64", "/made/b", call.BUFFER) == 0
    assert call.memory.read_u32(call.BUFFER + 12) == 0o100666
    assert call.memory.read_u64(call.BUFFER + 40) == 3
    assert call.memory.read_u32(call.BUFFER + 64) == 5  # the time in seconds
    assert call("time", 64) == call.memory.read_u32(64) == 5


def test_versions_between_have_padding_in_their_structure() -> None:
    """The offsets are those of the JavaScript of @sqlite.org/sqlite-wasm 3.41.2."""
    call = Calls(
        "__syscall_stat64 ii>i",
        "_localtime_js ii>",
        wasi=WasiConfig(preopens={"/": VirtualDir({"a": b"abc"})}, clock=5 * 10**9),
    )
    assert call("__syscall_stat64", "/a", call.BUFFER) == 0
    assert call.memory.read_u32(call.BUFFER + 12) == 0o100666
    assert call.memory.read_u64(call.BUFFER + 40) == 3
    assert call.memory.read_u64(call.BUFFER + 72) == 5  # the time in seconds


# ---- several directories ----


def test_directories_are_found_by_the_longest_name() -> None:
    files = Files(data=VirtualDir({"a": b"1"}), **{"data/inner": VirtualDir({"a": b"22"})})
    assert files.stat("stat64", "/data/a")[2] == 1
    assert files.stat("stat64", "/data/inner/a")[2] == 2
    assert files("stat64", "/database", files.BUFFER) == ENOENT
    assert files.stat("stat64", "/")[0] == 0o040777
    assert files("mkdirat", CWD, "/", 0) == EEXIST
    assert files("mkdirat", CWD, "/other", 0) == ENOENT
    assert files.open("/", RDONLY) == EPERM
    assert files.open("/", WRONLY) == EISDIR


def test_a_guest_without_directories_reaches_no_file() -> None:
    files = Files()
    assert files.open("/etc/passwd") == ENOENT
    assert files("stat64", "/", files.BUFFER) == 0
    assert files.open("/a", WRONLY | CREAT) == ENOENT


def test_a_read_only_directory_stays_as_it_is(tmp_path: Path) -> None:
    files = Files(root=VirtualDir({"a": b"1"}, read_only=True))
    assert files.open("/a", WRONLY) == EROFS
    assert files("unlinkat", CWD, "/a", 0) == EROFS
    if hasattr(os, "O_DIRECTORY"):
        host = Files(root=HostDir(tmp_path, read_only=True))
        assert host.open("/a", WRONLY | CREAT) == EROFS


# ---- a hostile guest ----


def test_addresses_beyond_the_memory_are_efault(files: Files) -> None:
    assert files("openat", CWD, -1, 0, 0) == EFAULT
    assert files("stat64", "/a.txt", 65536 - 95) == EFAULT
    assert files("getcwd", 65535, 100) == EFAULT
    assert files("readlinkat", CWD, "/a.txt", -1, 100) == EINVAL
    assert files("utimensat", CWD, "/a.txt", -4, 0) == EFAULT
    assert files("getdents64", files.open("/"), -1, 1000) == EFAULT
    assert files("fcntl64", 0, 5, -1) == EFAULT


def test_a_path_without_an_end_is_refused(files: Files) -> None:
    end = len(files.memory)
    files.memory[end - 8 : end] = b"a" * 8
    assert files("stat64", end - 8, files.BUFFER) == EFAULT


def test_no_link_leads_out(tmp_path: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        pytest.skip("this platform has no directories of the host for guests")
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret").write_text("secret")
    (inside / "out").symlink_to(tmp_path)
    files = Files(root=inside)
    assert files.open("/out/secret") == EPERM
    assert files("stat64", "/out/secret", files.BUFFER) == EPERM
    fd = files.open("/", RDONLY)
    assert files("openat", fd, "../secret", 0, 0) == EPERM


def test_open_files_are_bounded() -> None:
    files = Files(root=VirtualDir({"a": b""}), limit=5)
    assert [files.open("/a") < 0 for _ in range(6)] == [False] * 5 + [True]
    assert files.open("/a") == EMFILE


def test_a_directory_whose_descriptor_is_closed_is_not_reached_any_more() -> None:
    files = Files(root=VirtualDir({"a": b"1"}), other=VirtualDir({"inner": {}}))
    assert files("fd_close", 3) == 0
    assert files.open("/a") == EBADF
    assert files.open("/other/inner") == 3
    assert files.open("/a") == EBADF
