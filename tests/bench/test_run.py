# SPDX-License-Identifier: MIT
"""A run of the benchmarks measures every row with every peer, and survives peers that misbehave.

The runs have a tiny budget, and nothing here depends on how long anything takes. The expected
failures are those that odd_peers.py is written to have.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from bench_helpers import PEERS, TINY
from cli_helpers import environment, start
from cli_helpers import run as command
from pywasm3.bench.process import Child
from pywasm3.bench.rows import select
from pywasm3.bench.run import Settings, run

Run = dict[str, Any]
ROWS = select(["*"])  # all that download nothing
IDS = [row.id for row in ROWS]


def cell(measured: Run, id: str, peer: str) -> dict[str, Any]:
    return next(row for row in measured["rows"] if row["id"] == id)["cells"][peer]


@pytest.mark.parametrize("id", IDS)
def test_each_row_runs_or_says_why_not(measured: Run, id: str) -> None:
    for peer in PEERS:
        found = cell(measured, id, peer)
        assert set(found) == {"cannot"} or all(v > 0 for v in found["values"]), (peer, found)


@pytest.mark.parametrize("id", [row.id for row in ROWS if not row.feature])
def test_pywasm3_does_every_row_that_needs_no_special_feature(measured: Run, id: str) -> None:
    assert cell(measured, id, "pywasm3")["values"]


@pytest.mark.parametrize("type_", ["externref", "v128"])
def test_pywasm3_does_the_rows_of_its_features(measured: Run, type_: str) -> None:
    assert cell(measured, f"calls/{type_}", "pywasm3")["values"]


def test_a_run_has_its_schema(measured: Run) -> None:
    assert set(measured) == {"schema", "machine", "load_average", "settings", "peers", "rows"}
    assert measured["schema"] == 1
    assert all(isinstance(text, str) for text in measured["machine"].values())
    names = [peer["name"] for peer in measured["peers"] if peer["installed"]]
    for peer in measured["peers"]:
        last = "version" if peer["installed"] else "why"
        assert set(peer) == {"name", "title", "floor", "note", "installed", last}
    assert [row["id"] for row in measured["rows"]] == IDS
    for row in measured["rows"]:
        assert set(row) == {"id", "group", "title", "unit", "plotted", "cells"}
        assert row["unit"] in ("ns", "B", "x")
        assert list(row["cells"]) == names
        for found in row["cells"].values():
            assert set(found) in ({"loops", "values"}, {"cannot"}, {"failed"})


def test_a_peer_that_is_not_there_is_reported(measured: Run) -> None:
    absent = next(peer for peer in measured["peers"] if peer["title"] == "absent")
    assert (absent["installed"], absent["why"]) == (False, "nobody has it")


def test_a_crash_is_a_cell_and_the_next_row_goes_on(measured: Run) -> None:
    peer = "odd_peers:Crashing"
    assert cell(measured, "calls/i32x2", peer) == {"failed": "crashed: SIGABRT"}
    assert cell(measured, "calls/i64x2", peer)["values"]


def test_a_wrong_result_is_a_failure(measured: Run) -> None:
    found = cell(measured, "calls/i32x2", "odd_peers:Wrong")
    assert found == {"failed": "WrongResult: 6 instead of 5"}


def test_a_wrong_result_is_no_missing_feature(measured: Run) -> None:
    """A wrong result of a row for an optional feature is a failure, too."""
    found = cell(measured, "calls/externref", "odd_peers:Wrong")
    assert found == {"failed": "WrongResult: 6 instead of 'x'"}


def test_a_view_must_be_of_the_whole_memory(measured: Run) -> None:
    found = cell(measured, "memory/view", "odd_peers:Wrong")
    assert found == {"failed": "WrongResult: the view is read-only, or shorter than the memory"}


def test_a_peer_that_left_is_a_cell_and_ends_nothing_else(odd_peers: None, tmp_path: Path) -> None:
    """A peer that stops answering fails its cell, and the run goes on.

    This also holds in the command line's process, which a closed pipe would usually end.
    """
    path = tmp_path / "a.json"
    options = ["--rows", "calls/none", "--peers", "odd_peers:Leaving,python", "--rounds", "2"]
    environment_ = environment(PYTHONPATH=os.environ["PYTHONPATH"])
    done = command("bench", *options, "--milliseconds", "0.01", "--json", path, env=environment_)
    assert done.code == 0, done
    measured = json.loads(path.read_text(encoding="utf-8"))
    assert cell(measured, "calls/none", "odd_peers:Leaving")["failed"].startswith("ended with")
    assert len(cell(measured, "calls/none", "python")["values"]) == 2


@pytest.mark.parametrize("peer", ["Hanging", "Stuck"])
def test_ctrl_c_leaves_no_process_behind(odd_peers: None, tmp_path: Path, peer: str) -> None:
    hanging = tmp_path / "pid"
    environment_ = environment(PYTHONPATH=os.environ["PYTHONPATH"], HANGING_PID=str(hanging))
    options = ["--rows", "calls/none", "--peers", f"python,odd_peers:{peer}"]
    with start("bench", *options, env=environment_) as process:
        deadline = time.monotonic() + 120
        while not hanging.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(int(hanging.read_text()), 0)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130, (out, err)
    assert b"Traceback" not in err
    with pytest.raises(ProcessLookupError):
        os.kill(int(hanging.read_text()), 0)


def test_a_peer_that_hangs_is_a_cell_and_is_not_asked_for_ever(
    odd_peers: None, tmp_path: Any
) -> None:
    child = Child("odd_peers:Hanging", str(tmp_path), timeout=300.0)
    assert "version" in child.ask(do="hello")
    child._timeout = 0.2
    answers = [
        child.ask(do="prepare", row="calls/none", seconds=1e-6, warmup=0.0) for _ in range(4)
    ]
    assert answers[:3] == [{"failed": "no answer in 0.2 s"}] * 3
    assert answers[3] == {"failed": "not asked, because it hung 3 times"}
    assert child._process is None


def test_each_round_gives_a_value() -> None:
    settings = Settings(rounds=3, seconds=1e-6, warmup=0.0)
    measured = run(select(["calls/none"]), ["python"], settings)
    assert len(cell(measured, "calls/none", "python")["values"]) == 3


def test_peers_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    ask = Child.ask

    def noted(self: Child, **request: Any) -> Any:
        if request["do"] == "measure":
            asked.append((self._command[-2], request["row"]))
        return ask(self, **request)

    monkeypatch.setattr(Child, "ask", noted)
    settings = Settings(rounds=2, seconds=1e-6, warmup=0.0)
    run(select(["calls/none", "calls/i32"]), ["python", "builtin"], settings)
    first = [(p, f"calls/{row}") for row in ("none", "i32") for p in ("python", "builtin")]
    second = [(p, f"calls/{row}") for row in ("none", "i32") for p in ("builtin", "python")]
    assert asked == first + second


def test_without_a_compiler_the_floors_of_c_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "/nonexistent")
    measured = run(select(["calls/none"]), ["ctypes"], TINY)
    (peer,) = measured["peers"]
    assert not peer["installed"]
    assert "needs cffi and a C compiler" in peer["why"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nobody", "no peer is called 'nobody': choose from pywasm3"),
        ("nowhere:Peer", "the peer 'nowhere:Peer' cannot be loaded: No module named 'nowhere'"),
        (
            "odd_peers:Nobody",
            "the peer 'odd_peers:Nobody' cannot be loaded: module 'odd_peers' has no attribute",
        ),
        ("odd_peers:Path", "the peer 'odd_peers:Path' is not a subclass of pywasm3.bench.peers"),
        ("odd_peers:hang", "the peer 'odd_peers:hang' is not a subclass of pywasm3.bench.peers"),
    ],
)
def test_a_peer_that_nobody_knows_is_refused(odd_peers: None, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(select(["calls/none"]), [name], TINY)


def test_a_peer_that_is_named_twice_takes_part_once() -> None:
    measured = run(select(["calls/none"]), ["python", "python"], TINY)
    assert [peer["name"] for peer in measured["peers"]] == ["python"]
