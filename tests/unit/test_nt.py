# SPDX-License-Identifier: MIT
"""What Windows NT's calls take and give. The sizes are those of Microsoft's documentation."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct

import pytest

from nt_files import entry, reparse
from pywasm3.wasi import nt, nt_calls, open_flags
from pywasm3.wasi.abi import TYPE_DIRECTORY, TYPE_REGULAR, TYPE_SYMBOLIC_LINK, errno_of

# ---- names ----


@pytest.mark.parametrize("name", ["a", "a.b", ".a", "ä b", "CONSOLE", "COM", "x.NUL", "COM10", "…"])
def test_a_name_that_every_program_can_use_is_accepted(name: str) -> None:
    assert nt.check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *["", "a.", "a ", "...", "a\\b", "a/b", "a:b", "a:$DATA", "a*", "a?", 'a"', "a<", "a>"],
        *["a|", "\0", "a\n", "NUL", "nul", "Con.txt", "aux ", "COM1", "lpt9.x", "COM\xb9"],
        *["CONIN$", "NUL .txt"],
    ],
)
def test_a_name_that_means_something_else_to_windows_is_refused(name: str) -> None:
    with pytest.raises(OSError) as caught:
        nt.check_name(name)
    assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize(("name", "fits"), [("ä" * 255, True), ("a" * 256, False)])
def test_a_name_has_up_to_255_code_units(name: str, fits: bool) -> None:
    if fits:
        assert nt.check_name(name) == name
        return
    with pytest.raises(OSError) as caught:
        nt.check_name(name)
    assert caught.value.errno == errno.ENAMETOOLONG


def test_a_character_outside_of_the_basic_plane_takes_two_code_units() -> None:
    nt.check_name("😀" * 127)
    with pytest.raises(OSError):
        nt.check_name("😀" * 128)


# ---- opening ----


def test_reading_needs_no_other_access() -> None:
    request = nt.request_of(os.O_RDONLY)
    assert request.access == nt.ANY | nt.FILE_READ_DATA
    assert request.disposition == nt.FILE_OPEN


@pytest.mark.parametrize("flags", [0, os.O_CREAT, os.O_RDWR, open_flags.O_DIRECTORY])
def test_no_link_is_ever_followed(flags: int) -> None:
    assert nt.request_of(flags).options & nt.FILE_OPEN_REPARSE_POINT


@pytest.mark.parametrize(
    ("flags", "disposition"),
    [
        (0, nt.FILE_OPEN),
        (os.O_EXCL, nt.FILE_OPEN),
        (os.O_CREAT, nt.FILE_OPEN_IF),
        (os.O_CREAT | os.O_EXCL, nt.FILE_CREATE),
        (os.O_TRUNC, nt.FILE_OPEN),  # FILE_OVERWRITE would cut what a link is
    ],
)
def test_what_is_created(flags: int, disposition: int) -> None:
    assert nt.request_of(flags | os.O_RDWR).disposition == disposition


def test_a_directory_cannot_be_opened_for_writing() -> None:
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_TRUNC, os.O_CREAT):
        assert nt.request_of(flags).options & nt.FILE_NON_DIRECTORY_FILE
    assert not nt.request_of(os.O_RDONLY).options & nt.FILE_NON_DIRECTORY_FILE


def test_what_must_be_a_directory() -> None:
    request = nt.request_of(os.O_RDONLY | open_flags.O_DIRECTORY)
    assert request.options & nt.FILE_DIRECTORY_FILE
    assert request.access & nt.FILE_TRAVERSE


def test_synchronous_writes_go_through() -> None:
    assert nt.request_of(os.O_WRONLY | open_flags.O_SYNC).options & nt.FILE_WRITE_THROUGH


# ---- structures ----


def test_the_structures_have_the_sizes_of_64_bit_windows() -> None:
    assert ctypes.sizeof(nt_calls.UnicodeString) == 16
    assert ctypes.sizeof(nt_calls.ObjectAttributes) == 48
    assert ctypes.sizeof(nt_calls.IoStatusBlock) == 16
    assert len(nt.pack_times(1, 2)) == nt.BASIC_SIZE == 40


def test_what_is_known_of_a_file() -> None:
    by_handle = struct.pack("<I24s6I", 0x20, b"", 7, 1, 2, 3, 4, 5)
    basic = struct.pack("<4qI4x", 10, 20, 30, 40, 0x20)
    found = nt.information_of(by_handle, basic, struct.pack("<II", 0x20, 0))
    assert found == nt.Information(0x20, 0, 7, 4 << 32 | 5, 3, 1 << 32 | 2, 20, 30, 40)


def test_a_new_name_lies_below_a_handle() -> None:
    packed = nt.pack_rename(nt.REPLACE, 0x1234, "ab")
    assert packed == struct.pack("<I4xQI", 1, 0x1234, 4) + b"a\0b\0"


def test_the_structure_of_a_short_name_is_complete() -> None:
    """FILE_RENAME_INFORMATION has 24 bytes with its padding, and Windows refuses fewer."""
    assert len(nt.pack_rename(0, 0, "a")) == 24


@pytest.mark.parametrize("time_ns", [0, 100, 1_700_000_000_123_456_700, -(10**18)])
def test_times_keep_their_100_ns(time_ns: int) -> None:
    assert nt.unix_time(nt.file_time(time_ns)) == time_ns


def test_the_epoch_of_unix() -> None:
    assert nt.file_time(0) == 11644473600 * 10**7  # seconds from 1601 to 1970


@pytest.mark.parametrize("time_ns", [-(1 << 70), 1 << 80])
def test_a_time_that_cannot_be_set_becomes_the_nearest_one(time_ns: int) -> None:
    assert 1 <= nt.file_time(time_ns) < 1 << 63  # 0 would leave the time as it is


# ---- links ----


@pytest.mark.parametrize(
    ("target", "seen"),
    [("a", "a"), ("../b/c", "../b/c"), ("/etc", "/etc"), ("a b/ä", "a b/ä")],
)
def test_the_target_of_a_link(target: str, seen: str) -> None:
    assert nt.target_of(reparse(target)) == seen


@pytest.mark.parametrize("target", [r"\??\C:\secret", "C:/secret", "/secret", r"\\server\share"])
def test_a_junction_leads_out(target: str) -> None:
    found = nt.target_of(reparse("/" + target, tag=nt.TAG_MOUNT_POINT))
    assert found.startswith("/")


@pytest.mark.parametrize("size", range(0, 60, 3))
def test_a_link_that_is_cut_is_no_crash(size: int) -> None:
    data = reparse("somewhere/else")[:size]
    try:
        assert isinstance(nt.target_of(data), str)
    except OSError as error:
        assert error.errno == errno.EINVAL


def test_another_reparse_point_is_no_link() -> None:
    with pytest.raises(OSError) as caught:
        nt.target_of(reparse("x", tag=0x9000001A))
    assert caught.value.errno == errno.EINVAL


def information(attributes: int, tag: int = 0) -> nt.Information:
    return nt.Information(attributes, tag, 1, 2, 1, 5, 0, 0, 0)


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (information(0x20), stat.S_IFREG),
        (information(nt.ATTRIBUTE_DIRECTORY), stat.S_IFDIR),
        (information(nt.ATTRIBUTE_REPARSE_POINT, nt.TAG_SYMLINK), stat.S_IFLNK),
        (information(0x410, nt.TAG_SYMLINK), stat.S_IFLNK),  # a link to a directory
        (information(0x410, nt.TAG_MOUNT_POINT), stat.S_IFLNK),
        (information(0x400, 0x9000001A), 0),  # a file that is kept elsewhere
    ],
)
def test_the_type_of_a_file(found: nt.Information, kind: int) -> None:
    assert stat.S_IFMT(nt.found_of(found, 3).st_mode) == kind
    assert nt.found_of(found, 3).st_size == (3 if found.is_link() else 5)


# ---- listings ----


def test_a_listing_leaves_out_the_directory_and_its_parent() -> None:
    data = entry(".", 0x10, 1, last=False) + entry("..", 0x10, 2, last=False)
    data += entry("file", 0x20, 3, last=False) + entry("sub", 0x10, 4, last=False)
    data += entry("link", 0x410, 5, tag=nt.TAG_SYMLINK, last=True)
    assert [tuple(one) for one in nt.entries_of(data)] == [
        (b"file", 3, TYPE_REGULAR),
        (b"sub", 4, TYPE_DIRECTORY),
        (b"link", 5, TYPE_SYMBOLIC_LINK),
    ]


def test_a_name_with_a_lone_surrogate_is_not_listed() -> None:
    data = entry("\ud800", 0x20, 3, last=False) + entry("ok", 0x20, 4, last=True)
    assert [one.name for one in nt.entries_of(data)] == [b"ok"]


def test_the_number_of_a_file_may_be_any_of_64_bits() -> None:
    (found,) = nt.entries_of(entry("x", 0x20, -1, last=True))
    assert found.inode == (1 << 64) - 1


# ---- errors ----


@pytest.mark.parametrize(
    ("status", "number"),
    [
        (0xC0000034, errno.ENOENT),
        (0xC0000035, errno.EEXIST),
        (0xC0000101, errno.ENOTEMPTY),
        (0xC0000103, errno.ENOTDIR),
        (0xC00000BA, errno.EISDIR),
        (0xC00000D4, errno.EXDEV),
    ],
)
def test_the_errno_of_a_status(status: int, number: int) -> None:
    assert nt.error_of_status(status, 5).errno == number


def test_an_unknown_status_is_looked_up_in_win32() -> None:
    assert nt.error_of_status(0xC0001234, 112).errno == errno.ENOSPC


def test_an_error_that_says_nothing_to_a_guest_is_eio() -> None:
    assert nt.error_of_win32(99999).errno == errno.EIO


def test_every_errno_is_one_that_guests_know() -> None:
    for code in range(2000):
        assert errno_of(nt.error_of_win32(code)) > 0
