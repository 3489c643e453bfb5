# SPDX-License-Identifier: MIT
"""The options of `pywasm3 bench`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pywasm3.bench.rows import ROWS
from pywasm3.cli import main

SMALL = [
    "bench",
    "--rows",
    "calls/none",
    "--peers",
    "python",
    "--rounds",
    "1",
    "--milliseconds",
    "0.001",
]


def test_a_run_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "page.md"
    document.write_text("<!-- bench: begin --><!-- bench: end -->", encoding="utf-8")
    values, picture = tmp_path / "a.json", tmp_path / "a.svg"
    files = ["--json", values, "--plot", picture, "--update", document]
    assert main([*SMALL, *map(str, files)]) == 0
    assert "Calls into WebAssembly" in capsys.readouterr().out
    assert [row["id"] for row in json.loads(values.read_text())["rows"]] == ["calls/none"]
    assert picture.stat().st_size > 1000
    assert "`() -> ()`" in document.read_text(encoding="utf-8")

    assert main(["bench", "--from", str(values)]) == 0
    assert "Calls into WebAssembly" in capsys.readouterr().out
    assert main(["bench", "--compare", str(values), str(values)]) == 0
    assert "same" in capsys.readouterr().out


def test_rows_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        row.id for row in ROWS
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rows", "nothing/*"], "no row fits nothing/*"),
        (["--peers", "nobody"], "no peer 'nobody'"),
        (["--rounds", "0"], "must be more than 0"),
        (["--from", "missing.json"], "missing.json"),
    ],
)
def test_options_without_sense_are_refused(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMALL, *options]) == 2
    assert message in capsys.readouterr().err


def test_a_file_of_something_else_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.json"
    for text, message in (("{", "no JSON"), ("{}", "not what pywasm3 bench")):
        path.write_text(text)
        assert main(["bench", "--compare", str(path), str(path)]) == 2
        assert message in capsys.readouterr().err
