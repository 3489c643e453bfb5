# SPDX-License-Identifier: MIT
"""Every function of WASI answers on descriptors of every kind as every_call.txt says.

The answers are those of Linux, as its manual pages and its kernel give them, and wasmtime's beside
them. DIFFERENCES says why the two differ. A directory of the host, resolved in both ways, and a
virtual directory answer alike.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from pywasm3.wasi.preview1 import FUNCTIONS
from wasi_every_call import (
    GIVEN,
    INHERITED,
    LAST_OFFSET,
    ON_DESCRIPTORS,
    OPENED,
    PREOPENED,
    READ_ONLY,
    WITHOUT_DESCRIPTOR,
    WRITABLE,
    on_given,
    on_inherited,
    on_opened,
    on_paths,
    read_tables,
    without_descriptor,
)
from wasi_helpers import BACKENDS, resolving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the answers are those of Linux")

TABLES = read_tables()
KINDS = (*OPENED, PREOPENED)
ENGINES = (*BACKENDS, "wasmtime")

# Why wasmtime ("it") answers otherwise: a reason, and patterns of the columns, of the calls, and of
# the two answers.
DIFFERENCES = [
    ("it has no clocks of processor time", "no descriptor", "clock_", "OK/BADF"),
    (
        "it ends a program for a number that an enumeration lacks",
        "no descriptor",
        ".* none",
        "INVAL/ends",
    ),
    ("it raises no signals", "no descriptor", "proc_raise", "OK/NOTSUP"),
    (
        "Linux does this for directories, too",
        "directory|preopened",
        "fd_advise|fd_sync|fd_datasync|fd_fdstat_set_flags",
        ".*/BADF",
    ),
    ("it does not reserve room in files", ".*", "fd_allocate", ".*/NOTSUP"),
    (
        "the flag exists, but it cannot be changed",
        ".*",
        "fd_fdstat_set_flags dsync",
        "NOTSUP/INVAL",
    ),
    ("it has no rights that could be lowered", ".*", "fd_fdstat_set_rights", "OK/NOTSUP"),
    (
        "it opens for reading what is opened for nothing",
        "for nothing",
        "fd_p?read",
        "BADF/(OK|INVAL)",
    ),
    (
        "it does not ask what a file is open for",
        "to write|for nothing|to read",
        "poll_oneoff",
        "BADF/OK",
    ),
    (
        "it looks at no offset if the file is open for appending",
        "to append",
        "fd_pwrite",
        "INVAL/OK",
    ),
    ("fd_prestat_get answers BADF, in wasmtime, too", ".*", "fd_prestat_dir_name", "BADF/NOTDIR"),
    ("Linux says that the descriptor is not a directory", ".*", "fd_readdir|path_", "NOTDIR/BADF"),
    (
        "it does not tell a file system which position is wanted, and that may have a largest one",
        ".*",
        "fd_seek (last|beyond)",
        "INVAL/OK",
    ),
    (
        "it does this for files only, and a standard stream is none",
        ".* (in|out)",
        "fd_advise|fd_allocate|fd_sync|fd_datasync|fd_fdstat_set|fd_filestat_set",
        ".*/BADF",
    ),
    ("a redirected standard stream has a position", "redirected.*", "fd_(p|seek|tell)", ".*/SPIPE"),
    ("a negative offset is refused first", ".*", "fd_p.* negative", "INVAL/(SPIPE|BADF)"),
    (
        "that there is no position comes before what a stream is open for",
        ".* (in|out)",
        "fd_p",
        "SPIPE/BADF",
    ),
    ("it does not ask the file system", WRITABLE, "open .* truncating a directory", ".*/INVAL"),
    ("it looks at the link first", WRITABLE, "open .* directory without following", "NOTDIR/LOOP"),
    ("it follows no link here", WRITABLE, "path_link followed", ".*/INVAL"),
    ("that the name exists comes first", WRITABLE, "path_(link to|symlink) file/", "EXIST/NOTDIR"),
    ("Linux takes a directory with a slash", WRITABLE, "path_remove_directory empty/", "OK/INVAL"),
]


def ours(column: str) -> dict[str, str]:
    """What pywasm3 must answer."""
    return {call: cell.partition("/")[0] for call, cell in TABLES[column].items()}


def theirs(column: str) -> dict[str, str]:
    """What wasmtime must answer."""
    return {call: cell.rpartition("/")[2] for call, cell in TABLES[column].items()}


def expected(engine: str, column: str) -> dict[str, str]:
    """What an engine must answer."""
    return theirs(column) if engine == "wasmtime" else ours(column)


def has_far_offsets(folder: Path) -> bool:
    """Whether the file system of a folder allows positions up to the last one that a number has."""
    with open(folder / "probe", "wb") as file:
        try:
            os.lseek(file.fileno(), LAST_OFFSET, os.SEEK_SET)
        except OSError:
            return False
    return True


def without_far(answers: dict[str, str]) -> dict[str, str]:
    """The answers to calls on which the size of a file has no influence."""
    far = ("fd_seek last", "fd_seek beyond", "fd_filestat_set_size too far")
    return {call: found for call, found in answers.items() if call not in far}


def test_every_function_is_called() -> None:
    calls = [*ON_DESCRIPTORS, *WITHOUT_DESCRIPTOR]
    # proc_exit does not return, and other tests call it.
    assert {call.split()[0] for call in calls} == set(FUNCTIONS) - {"proc_exit"}


@pytest.mark.parametrize("engine", ["pywasm3", "wasmtime"])
def test_calls_without_a_descriptor_answer_as_in_the_table(engine: str) -> None:
    assert without_descriptor(engine) == expected(engine, "no descriptor")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_program_opens_answers_as_in_the_table(
    kind: str, engine: str, tmp_path: Path
) -> None:
    with resolving(engine):
        found = on_opened(engine, kind)
    wanted = expected(engine, kind)
    if engine != "virtual" and has_far_offsets(tmp_path):
        found, wanted = without_far(found), without_far(wanted)
    assert found == wanted


@pytest.mark.parametrize("engine", ["pywasm3", "wasmtime"])
@pytest.mark.parametrize("kind", INHERITED)
def test_standard_streams_of_the_process_answer_as_in_the_table(
    kind: str, engine: str, tmp_path: Path
) -> None:
    far = kind == "redirected" and has_far_offsets(tmp_path)
    for column, found in on_inherited(engine, kind).items():
        wanted = expected(engine, column)
        assert without_far(found) == without_far(wanted)
        assert far or found == wanted


@pytest.mark.parametrize("kind", GIVEN)
def test_what_the_host_gives_answers_as_in_the_table(kind: str) -> None:
    assert on_given(kind) == ours(kind)


@pytest.mark.parametrize("engine", ENGINES)
def test_paths_answer_as_in_the_table(engine: str) -> None:
    with resolving(engine):
        assert on_paths(engine, writable=True) == expected(engine, WRITABLE)


@pytest.mark.parametrize("backend", BACKENDS)
def test_paths_in_a_read_only_directory_answer_as_in_the_table(backend: str) -> None:
    with resolving(backend):
        assert on_paths(backend, writable=False) == ours(READ_ONLY)


def test_a_read_only_directory_answers_erofs_or_as_another_one() -> None:
    for call, found in ours(READ_ONLY).items():
        assert found in ("ROFS", ours(WRITABLE)[call])


def test_each_difference_from_wasmtime_has_a_reason() -> None:
    """The first reason that fits counts, and each reason is the first for something."""
    unused = {reason for reason, *_ in DIFFERENCES}
    for column, cells in TABLES.items():
        for call, cell in cells.items():
            reasons = [
                reason
                for reason, columns, calls, answers in DIFFERENCES
                if re.fullmatch(columns, column)
                and re.match(calls, call)
                and re.fullmatch(answers, cell)
            ]
            assert bool(reasons) == ("/" in cell), (column, call, cell, reasons)
            unused -= set(reasons[:1])
    assert unused == set()
