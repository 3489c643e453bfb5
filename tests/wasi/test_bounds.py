# SPDX-License-Identifier: MIT
"""What a guest can make the host hold: descriptors, listings of directories, pieces of output.

Each of these is bounded, whatever the guest does; the bounds are counted here.
"""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import Any

import pytest

from pywasm3.wasi import VirtualDir, WasiConfig
from wasi_helpers import BACKENDS, Calls, directory, resolving

CREAT = 1


def host_descriptors() -> int:
    return len(os.listdir("/dev/fd"))


# ---- descriptors ----


@pytest.mark.parametrize("most", [0, 1, 5])
def test_a_guest_opens_only_so_many_files(most: int) -> None:
    calls = Calls(preopens={"/": VirtualDir({"file": b""})}, max_open=most)
    found = [calls.open(3, "file") for _ in range(most + 2)]
    assert found == ["OK"] * most + ["EMFILE", "EMFILE"]


def test_what_a_guest_closes_it_may_open_again() -> None:
    calls = Calls(preopens={"/": VirtualDir({"file": b""})}, max_open=2)
    for _ in range(5):
        fds = [calls.opened(3, "file") for _ in range(2)]
        assert calls.open(3, "file") == "EMFILE"
        assert [calls.fd_close(fd) for fd in fds] == ["OK", "OK"]


def test_what_a_guest_is_given_does_not_count() -> None:
    preopens = {f"/{n}": VirtualDir({"file": b""}) for n in range(200)}
    calls = Calls(preopens=preopens, max_open=1)
    assert [calls.open(3, "file"), calls.open(3, "file")] == ["OK", "EMFILE"]


def test_by_default_a_guest_opens_128_files() -> None:
    calls = Calls(preopens={"/": VirtualDir({"file": b""})})
    found = [calls.open(3, "file") for _ in range(200)]
    assert found.count("OK") == 128


def test_a_pooled_guest_has_the_same_bound_after_it_was_restored() -> None:
    calls = Calls(preopens={"/": VirtualDir({"file": b""})}, max_open=2)
    for _ in range(3):
        assert [calls.open(3, "file") for _ in range(3)] == ["OK", "OK", "EMFILE"]
        calls.instance.wasi._begin_again()


@pytest.mark.parametrize(
    ("option", "value"),
    [("max_open", -1), ("max_write_bytes", 0), ("max_write_bytes", -1), ("max_capture_bytes", -1)],
)
def test_a_number_out_of_range_is_refused(option: str, value: int) -> None:
    with pytest.raises(ValueError, match=option):
        WasiConfig(**{option: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("option", ["max_open", "max_write_bytes", "max_capture_bytes"])
@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_a_bound_that_is_not_an_int_is_refused(option: str, value: Any) -> None:
    with pytest.raises(TypeError, match=option):
        WasiConfig(**{option: value})


# ---- output ----


class Pieces(io.RawIOBase):
    """A file that notes how many bytes each call of write() was given."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.sizes.append(len(data))
        self.data += data
        return len(data)


@pytest.mark.parametrize("most", [1, 1000, 4096, 65536])
def test_a_file_object_is_given_output_in_pieces(most: int) -> None:
    file = Pieces()
    calls = Calls(stdout=file, max_write_bytes=most)
    data = os.urandom(10_000)
    calls.memory.write(4096, data)
    calls.memory.pack("IIII", 0, 4096, 9_000, 4096 + 9_000, 1_000)
    assert calls.fd_write(1, 0, 2, calls.RESULT) == "OK"
    assert calls.result() == 10_000
    assert file.data == data
    assert max(file.sizes) <= most


def test_many_buffers_of_the_same_bytes_do_not_make_one_large_piece() -> None:
    """A vector can name one buffer 1024 times: 64 MiB from a memory of 128 KiB."""
    file = Pieces()
    file.data = bytearray()
    calls = Calls(stdout=file)
    at = 65536
    vector = struct.pack("<II", at, 65536) * 1024
    calls.memory.write(8192, vector)
    assert calls.fd_write(1, 8192, 1024, calls.RESULT) == "OK"
    assert calls.result() == 1 << 26
    assert max(file.sizes) == 65536


def test_text_that_is_cut_into_pieces_is_the_same_text() -> None:
    text = "Grüße, 世界 🙂\n" * 50
    file = io.StringIO()
    calls = Calls(stdout=file, max_write_bytes=7)
    assert calls.write(1, text.encode()) == "OK"
    assert file.getvalue() == text


def test_a_file_that_refuses_a_later_piece_gets_the_earlier_ones_counted() -> None:
    class Full(Pieces):
        def write(self, data: Any) -> int:
            if len(self.data) >= 3000:
                raise OSError(28, "no space")
            return super().write(data)

    calls = Calls(stdout=Full(), max_write_bytes=1000)
    assert calls.write(1, bytes(4000)) == "OK"
    assert calls.result() == 3000
    assert calls.write(1, bytes(4000)) == "ENOSPC"


# ---- listings ----

DIRENT = struct.Struct("<QQIB3x")


class Listing:
    """Reads a directory as a C library does: with the cookie of the last entry that was whole."""

    def __init__(self, calls: Calls, fd: int, size: int) -> None:
        self.calls, self.fd, self.size = calls, fd, size
        self.cookie = 0
        self.cookies: dict[bytes, int] = {}

    def step(self) -> list[bytes]:
        calls = self.calls
        error = calls.fd_readdir(self.fd, 8192, self.size, self.cookie, calls.RESULT)
        assert error == "OK"
        data = calls.memory.read(8192, calls.result())
        names, at = [], 0
        while at + DIRENT.size <= len(data):
            following, _, length, _ = DIRENT.unpack_from(data, at)
            name = data[at + DIRENT.size : at + DIRENT.size + length]
            if len(name) < length:
                break
            at += DIRENT.size + length
            self.cookies[name] = self.cookie
            self.cookie = following
            names.append(name)
        return names

    def rest(self) -> list[bytes]:
        names: list[bytes] = []
        while step := self.step():
            names += step
        return names


@pytest.fixture(params=BACKENDS)
def calls(request: Any, tmp_path: Path) -> Any:
    with resolving(request.param):
        found = Calls(preopens={"/": directory(request.param, tmp_path)}, max_open=100)
        yield found
        found.instance.close()


def fill(calls: Calls, count: int) -> list[bytes]:
    names = [b"name-%d" % n for n in range(count)]
    for name in names:
        assert calls.make(name, b"") == "OK"
    return names


@pytest.mark.parametrize("size", [64, 100, 1000, 50_000])
def test_a_listing_has_every_name_once(calls: Calls, size: int) -> None:
    names = fill(calls, 200)
    found = Listing(calls, 3, size).rest()
    assert sorted(found) == sorted([b".", b"..", *names])


def test_a_listing_goes_on_from_every_cookie(calls: Calls) -> None:
    """seekdir() leads to the same entries, also far back, and telldir() beyond the end to none."""
    fill(calls, 200)
    whole = Listing(calls, 3, 500)
    order = whole.rest()
    for place in (201, 150, 149, 3, 100, 2, 1, 0):
        again = Listing(calls, 3, 500)
        again.cookie = whole.cookies[order[place]]
        assert again.rest() == order[place:], place
    again = Listing(calls, 3, 500)
    again.cookie = (1 << 64) - 1
    assert again.rest() == []


def test_two_listings_of_one_directory_do_not_disturb_each_other(calls: Calls) -> None:
    fill(calls, 50)
    first = Listing(calls, calls.opened(3, ".", 2), 200)
    second = Listing(calls, calls.opened(3, ".", 2), 300)
    found = first.step(), second.step()
    names = found[0] + first.rest(), found[1] + second.rest()
    assert sorted(names[0]) == sorted(names[1])
    assert len(set(names[0])) == 52


def test_a_guest_may_remove_what_it_lists(calls: Calls) -> None:
    names = fill(calls, 200)
    listing = Listing(calls, 3, 300)
    removed = []
    while step := listing.step():
        for name in step:
            if name not in (b".", b".."):
                assert calls.path_unlink_file(3, name) == "OK"
                removed.append(name)
    assert sorted(removed) == sorted(names)
    assert sorted(Listing(calls, 3, 300).rest()) == [b".", b".."]


def test_a_guest_that_renames_what_it_lists_in_memory_comes_to_an_end() -> None:
    calls = Calls(preopens={"/": VirtualDir()})
    names = fill(calls, 50)
    listing = Listing(calls, 3, 300)
    renamed = 0
    while step := listing.step():
        for name in set(step) - {b".", b".."}:
            assert calls.path_rename(3, name, 3, name + b"+") == "OK"
            renamed += 1
    assert renamed == 50
    assert sorted(Listing(calls, 3, 300).rest()) == sorted(
        [b".", b"..", *(name + b"+" for name in names)]
    )


def test_rewinding_shows_new_names(calls: Calls) -> None:
    fill(calls, 5)
    assert len(Listing(calls, 3, 1000).rest()) == 7
    assert calls.make(b"new", b"") == "OK"
    assert b"new" in Listing(calls, 3, 1000).rest()


def test_listings_keep_no_copy_of_a_large_virtual_directory() -> None:
    """Ninety descriptors in the middle of a listing share one list of the names."""
    import tracemalloc

    tree = VirtualDir({f"name-{n:05}": b"" for n in range(20_000)})
    calls = Calls(preopens={"/": tree}, max_open=100)
    fds = [calls.opened(3, ".", 2) for _ in range(91)]
    Listing(calls, fds[0], 50_000).step()
    tracemalloc.start()
    try:
        for fd in fds[1:]:
            Listing(calls, fd, 50_000).step()
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < 200_000  # a list of 20,000 pointers alone has 160,000 bytes


def test_listings_of_the_host_keep_few_descriptors_and_entries(tmp_path: Path) -> None:
    for n in range(500):
        (tmp_path / f"name-{n}").touch()
    calls = Calls(preopens={"/": tmp_path}, max_open=100)
    fds = [calls.opened(3, ".", 2) for _ in range(50)]
    before = host_descriptors()
    listings = [Listing(calls, fd, 300) for fd in fds]
    begun = [listing.step() for listing in listings]
    assert host_descriptors() - before <= 2 * 16
    for listing, names in zip(listings, begun, strict=True):  # the oldest were begun again
        assert len({*names, *listing.rest()}) == 502
    for fd in fds:
        assert calls.fd_close(fd) == "OK"
    assert host_descriptors() == before - 50


def test_closing_an_instance_in_the_middle_of_a_listing_closes_all(tmp_path: Path) -> None:
    for n in range(500):
        (tmp_path / f"name-{n}").touch()
    before = host_descriptors()
    calls = Calls(preopens={"/": tmp_path})
    Listing(calls, 3, 300).step()
    assert host_descriptors() > before
    calls.instance.close()
    assert host_descriptors() == before
