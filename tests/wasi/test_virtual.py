# SPDX-License-Identifier: MIT
"""A `VirtualDir` shows host and guest the same files, and keeps to its limits.

The host uses it as a mapping, the guest through WASI functions (`Calls`). The expected values and
errnos are written by hand.
"""

from __future__ import annotations

import gc
import struct
from typing import Any

import numpy
import pytest

from helpers import let_pypy_free
from pywasm3.wasi import VirtualDir
from wasi_helpers import Calls

CREAT, DIRECTORY = 1, 2


def test_a_guest_sees_what_the_host_put_there() -> None:
    virtual = VirtualDir({"a.txt": b"bytes", "b": {"c.txt": "Grüße", "d": {}}})
    calls = Calls(preopens={"/": virtual})
    assert calls.content("a.txt") == b"bytes"
    assert calls.content("b/c.txt") == "Grüße".encode()
    assert calls.type_of("b/d") == 3


def test_the_host_sees_what_a_guest_wrote() -> None:
    virtual = VirtualDir({"sub": {}})
    calls = Calls(preopens={"/": virtual})
    assert calls.make("sub/out", b"written") == "OK"
    assert calls.path_symlink("out", 3, "sub/link") == "OK"
    assert virtual["sub/out"] == b"written"
    assert list(virtual) == ["sub/out"]
    assert len(virtual) == 1
    assert "sub/out" in virtual
    assert "sub/link" not in virtual
    assert virtual.to_dict() == {"sub": {"out": b"written"}}
    assert VirtualDir(virtual.to_dict()).to_dict() == virtual.to_dict()
    assert repr(virtual) == "<pywasm3.wasi.VirtualDir: 1 files>"


def test_the_host_may_change_it_while_a_guest_uses_it() -> None:
    virtual = VirtualDir()
    calls = Calls(preopens={"/": virtual})
    virtual["in/file"] = b"one"
    assert calls.content("in/file") == b"one"
    virtual["in/file"] = "two"
    assert calls.content("in/file") == b"two"
    del virtual["in/file"]
    assert calls.content("in/file") == "ENOENT"
    assert virtual.to_dict() == {"in": {}}


def test_an_open_file_outlives_its_name() -> None:
    virtual = VirtualDir({"file": b"text"})
    calls = Calls(preopens={"/": virtual})
    fd = calls.opened(3, "file")
    del virtual["file"]
    assert calls.read(fd) == b"text"
    assert calls.write(fd, b" more") == "OK"


def test_two_guests_share_a_directory() -> None:
    virtual = VirtualDir()
    one, two = Calls(preopens={"/": virtual}), Calls(preopens={"/x": virtual})
    assert one.make("file", b"text") == "OK"
    assert two.content("file") == b"text"


@pytest.mark.parametrize("path", ["none", "sub", "sub/none", "none/x", "", "file/x"])
def test_what_is_no_file_is_a_key_error(path: str) -> None:
    virtual = VirtualDir({"sub": {}, "file": b""})
    with pytest.raises(KeyError):
        virtual[path]
    with pytest.raises(KeyError):
        del virtual[path]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0"])
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a name"):
        VirtualDir({name: b""})


def test_contents_may_have_gaps_between_their_bytes() -> None:
    virtual = VirtualDir({"file": numpy.frombuffer(b"t-e-x-t", numpy.uint8)[::2]})
    assert Calls(preopens={"/": virtual}).content("file") == b"text"


def test_names_and_contents_of_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="contents must be bytes, text or a mapping, not int"):
        VirtualDir({"a": 1})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="a name must be str, not int"):
        VirtualDir({1: b""})  # type: ignore[dict-item]
    contents: Any = [b""]
    with pytest.raises(TypeError, match="must be a mapping, not list"):
        VirtualDir(contents)


def test_a_file_cannot_take_the_place_of_a_directory() -> None:
    virtual = VirtualDir({"sub": {}, "file": b""})
    with pytest.raises(ValueError, match="is a directory"):
        virtual["sub"] = b""
    with pytest.raises(ValueError, match="is not a directory"):
        virtual["file/x"] = b""


def test_what_does_not_fit_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="more than max_bytes"):
        VirtualDir({"a": bytes(2000)}, max_bytes=1000)
    virtual = VirtualDir(max_bytes=1000)
    with pytest.raises(ValueError, match="more than max_bytes"):
        virtual["a"] = bytes(2000)
    assert list(virtual) == []


def test_what_is_removed_gives_its_room_back() -> None:
    virtual = VirtualDir(max_bytes=4000)
    calls = Calls(preopens={"/": virtual})
    for _ in range(20):
        assert calls.make("file", bytes(2000)) == "OK"
        assert calls.path_create_directory(3, "dir") == "OK"
        assert calls.path_symlink("x" * 100, 3, "link") == "OK"
        assert calls.path_rename(3, "file", 3, "moved") == "OK"
        assert calls.path_link(3, 0, "moved", 3, "hard") == "OK"
        assert calls.path_unlink_file(3, "moved") == "OK"
        assert calls.path_unlink_file(3, "hard") == "OK"
        assert calls.path_unlink_file(3, "link") == "OK"
        assert calls.path_remove_directory(3, "dir") == "OK"
    virtual["full"] = bytes(3000)


def test_a_guest_that_is_gone_gives_back_what_it_had_open() -> None:
    virtual = VirtualDir({"file": b""}, max_bytes=3000)
    calls = Calls(preopens={"/": virtual})
    fd = calls.opened(3, "file")
    assert calls.fd_filestat_set_size(fd, 2000) == "OK"
    del virtual["file"]
    with pytest.raises(ValueError, match="more than max_bytes"):
        virtual["other"] = bytes(2000)
    del calls
    gc.collect()
    let_pypy_free()
    virtual["other"] = bytes(2000)


def test_directories_may_nest_deeper_than_python_calls() -> None:
    virtual = VirtualDir()
    calls = Calls(preopens={"/": virtual})
    fd = 3
    for _ in range(3000):
        assert calls.path_create_directory(fd, "d") == "OK"
        below = calls.opened(fd, "d", DIRECTORY)
        if fd != 3:
            calls.fd_close(fd)
        fd = below
    assert calls.open(fd, "file", CREAT) == "OK"
    assert next(iter(virtual)).count("/") == 3000
    assert len(virtual) == 1
    virtual.to_dict()


def test_a_hard_link_across_two_trees_is_exdev() -> None:
    calls = Calls(preopens={"/a": VirtualDir({"file": b""}), "/b": VirtualDir()})
    assert calls.path_link(3, 0, "file", 4, "file") == "EXDEV"
    assert calls.path_rename(3, "file", 4, "file") == "EXDEV"


def test_a_guest_that_is_gone_gives_back_its_directories() -> None:
    virtual = VirtualDir(max_bytes=2000)
    for _ in range(20):
        calls = Calls(preopens={"/": virtual})
        assert calls.path_create_directory(3, "d") == "OK"
        calls.opened(3, "d", DIRECTORY)
        assert calls.path_remove_directory(3, "d") == "OK"
        del calls
        gc.collect()


def test_what_did_not_fit_takes_no_room() -> None:
    virtual = VirtualDir(max_bytes=2000)
    calls = Calls(preopens={"/": virtual})
    for _ in range(20):
        with pytest.raises(ValueError, match="more than max_bytes"):
            virtual["file"] = bytes(1900)
        assert calls.path_symlink("x" * 1900, 3, "link") == "ENOSPC"
    virtual["file"] = bytes(1000)


@pytest.mark.parametrize("contents", [{}, {"d": {}}, {"file": b"", "other": b""}])
def test_a_directory_that_holds_too_little_is_a_value_error(contents: Any) -> None:
    with pytest.raises(ValueError, match="more than max_bytes"):
        VirtualDir(contents, max_bytes=256 * len(contents))


def test_a_name_has_at_most_255_bytes() -> None:
    longest, longer = "ü" * 127 + "x", "ü" * 128
    virtual = VirtualDir({longest: b"text"})
    calls = Calls(preopens={"/": virtual})
    assert calls.content(longest) == b"text"
    found = [
        calls.open(3, longer, 1),
        calls.open(3, longer, rights=2),
        calls.open(3, f"{longer}/x", rights=2),
        calls.path_create_directory(3, longer),
        calls.path_symlink("x", 3, longer),
        calls.path_rename(3, longest, 3, longer),
        calls.path_link(3, 0, longest, 3, longer),
        calls.path_unlink_file(3, longer),
    ]
    assert set(found) == {"ENAMETOOLONG"}
    with pytest.raises(ValueError, match="more than 255 bytes"):
        virtual[longer] = b""
    assert list(virtual) == [longest]


def test_times_repeat_with_a_fixed_clock() -> None:
    def times() -> list[bytes]:
        calls = Calls(preopens={"/": VirtualDir({"old": b"x"})}, clock=1000)
        calls.make("new", b"y")
        found = []
        for path in (".", "old", "new"):
            assert calls.path_filestat_get(3, 0, path, calls.RESULT) == "OK"
            found.append(calls.memory.read(calls.RESULT + 40, 24))
        return found

    first = times()
    assert times() == first
    assert all(1000 <= time < 1100 for three in first for time in struct.unpack("<3Q", three))


def test_what_the_host_put_there_has_the_time_when_it_was_given() -> None:
    virtual = VirtualDir({"file": b""})
    first = Calls(preopens={"/": virtual}, clock=1000)
    Calls(preopens={"/": virtual}, clock=5000)
    assert first.path_filestat_get(3, 0, "file", first.RESULT) == "OK"
    assert first.memory.read_u64(first.RESULT + 48) == 1000
    virtual["file"] = b"changed"
    assert first.path_filestat_get(3, 0, "file", first.RESULT) == "OK"
    assert first.memory.read_u64(first.RESULT + 48) // 1000 == 5
