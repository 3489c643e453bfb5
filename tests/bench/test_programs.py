# SPDX-License-Identifier: MIT
"""Real programs are measured like other rows, but only if somebody asks for them by name.

No test here downloads anything: one program is replaced by a small guest, whose archive is never
looked at. tests/real runs the real ones.
"""

from __future__ import annotations

import dataclasses
import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from bench_helpers import TINY
from helpers import SANITIZED, wat
from pywasm3.bench import packages
from pywasm3.bench.guests import Guest
from pywasm3.bench.jobs import Instance, Job
from pywasm3.bench.kinds import WrongResult, prepare
from pywasm3.bench.peers import peer_class
from pywasm3.bench.peers.base import Cannot
from pywasm3.bench.programs import PROGRAMS, Imports, Program, from_script
from pywasm3.bench.rows import ROWS, by_id, select
from pywasm3.bench.run import run

# What the job returns: a number that was copied within the memory and given back, 0 from a function
# that does nothing, and EBADF (8) from WASI.
GUEST = wat(
    """
    (module
      (import "env" "memory" (memory 1))
      (import "env" "copy" (func $copy (param i32 i32 i32)))
      (import "env" "same" (func $same (param i32) (result i32)))
      (import "env" "other" (func $other (param i32) (result i32)))
      (import "env" "real" (func $real (result f64)))
      (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
      (export "memory" (memory 0))
      (func (export "job") (result i32)
        (call $copy (i32.const 8) (i32.const 0) (i32.const 4))
        (i32.add
          (i32.add (call $same (i32.load (i32.const 8))) (call $other (i32.const 9)))
          (i32.add (i32.trunc_f64_s (call $real)) (call $fd_close (i32.const 99))))))
    """
)
NUMBER, EBADF = 35, 8
IMPORTS = Imports(copies=frozenset({"copy"}), same=frozenset({"same"}), wasi=True)
ENGINES = ["pywasm3"] if SANITIZED else ["pywasm3", "wasmtime"]


def prepare_small(guest: Instance) -> Job:
    guest.write(0, NUMBER.to_bytes(4, "little"))
    job = guest.function("job")

    def result() -> int:
        value = int(job() or 0)
        assert guest.read(8, 1) == bytes([NUMBER])
        return value

    return Job(job, result)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts the small guest into the place of a program."""
    program = dataclasses.replace(
        PROGRAMS["quickjs"], prepare=prepare_small, expected=lambda: NUMBER + EBADF, imports=IMPORTS
    )
    monkeypatch.setitem(PROGRAMS, "quickjs", program)
    monkeypatch.setattr(Program, "read", lambda self: GUEST)
    return program


@pytest.mark.parametrize("peer", ENGINES)
@pytest.mark.parametrize("what", ["start", "compute"])
def test_an_engine_does_the_job_of_a_program(small: Program, peer: str, what: str) -> None:
    work, check = prepare(peer_class(peer)(""), by_id(f"real-{what}/quickjs"))
    check(work.execute())


@pytest.mark.parametrize("peer", ENGINES)
def test_an_instance_of_a_program_does_not_leak(peer: str) -> None:
    """Otherwise the rows that make many instances would fill the machine."""
    instance: Any = peer_class(peer)("").program(Guest("", GUEST), IMPORTS)
    assert prepare_small(instance).result() == NUMBER + EBADF
    kept = weakref.ref(instance._instance if peer == "pywasm3" else instance._store)
    del instance
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize("what", ["start", "compute"])
def test_a_wrong_result_is_noticed(
    small: Program, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROGRAMS, "quickjs", dataclasses.replace(small, expected=lambda: 1))
    work, check = prepare(peer_class("pywasm3")(""), by_id(f"real-{what}/quickjs"))
    with pytest.raises(WrongResult, match="43 instead of 1"):
        check(work.execute())


def test_a_peer_without_a_way_to_run_programs_says_so(small: Program) -> None:
    with pytest.raises(Cannot, match="the bench cannot run real programs in it"):
        peer_class("python")("").program(Guest("", GUEST), IMPORTS)


def test_programs_are_chosen_only_by_their_name() -> None:
    assert not any(row.program for row in select(["*", "*start/*", "*/quickjs"]) if row.program)
    chosen = select(["real-*"])
    assert [row.program for row in chosen] == [*PROGRAMS] * 2
    assert [row.id for row in select(["real-start/ruby"])] == ["real-start/ruby"]
    assert len(select(["*", "real*"])) == len(ROWS)


def test_the_programs_are_listed_by_size() -> None:
    sizes = [program.size for program in PROGRAMS.values()]
    assert sizes == sorted(sizes)


def test_a_module_is_found_in_a_script() -> None:
    assert from_script(b'let x = "AGFzbQEAAAA="; let y = 1') == b"\0asm\1\0\0\0"


def cells(ids: list[str], peers: list[str]) -> dict[str, Any]:
    measured = run(select(ids), peers, TINY)
    return {row["id"]: row["cells"] for row in measured["rows"]}


def test_a_program_that_cannot_be_had_is_a_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is the same for each peer, and other rows are measured."""
    monkeypatch.setenv(packages.VARIABLE, str(tmp_path))
    monkeypatch.setenv("PATH", "")
    found = cells(["real-start/source-map", "calls/none"], ["pywasm3", "python"])
    reason = {"cannot": "npm is not installed, which downloads source-map"}
    assert found["real-start/source-map"] == {"pywasm3": reason, "python": reason}
    assert found["calls/none"]["pywasm3"]["values"]


def test_an_archive_that_is_not_the_pinned_one_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(packages.VARIABLE, str(tmp_path))
    (tmp_path / "source-map-0.7.4.tgz").write_bytes(b"other")
    cell = cells(["real-start/source-map"], ["pywasm3"])["real-start/source-map"]["pywasm3"]
    assert "has the SHA-256" in cell["failed"]
