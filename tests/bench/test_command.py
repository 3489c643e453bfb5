# SPDX-License-Identifier: MIT
"""The options of `pywasm3 bench` do what they say, and bad ones are refused before measuring.

Runs are as short as possible; no test depends on a measured time. The expected values are written
by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from helpers import child
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


def test_a_pipe_gets_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SMALL) == 0
    assert capsys.readouterr().err == ""


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


def test_the_picture_of_first_results_is_written(tmp_path: Path) -> None:
    options = [*SMALL, "--rows", "start/tiny", "--peers", "pywasm3"]
    assert main([*options, "--plot-first", str(tmp_path / "a.svg")]) == 0
    assert (tmp_path / "a.svg").stat().st_size > 1000


def test_rows_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        row.id for row in ROWS
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rows", "nothing/*"], "no row matches nothing/*"),
        (["--peers", "nobody"], "no peer is called 'nobody'"),
        (["--rounds", "0"], "must be above 0"),
        (["--timeout", "inf"], "up to 1,000,000"),
        (["--from", "missing.json"], "missing.json"),
        (["--json", "missing/a.json"], "missing/a.json"),
        (["--plot", "missing/a.svg"], "missing/a.svg"),
        (["--plot", "a.gif"], "must end with .svg, .png, .pdf"),
        (["--plot-first", "a.gif"], "must end with .svg, .png, .pdf"),
        (["--plot-first", "missing/a.svg"], "missing/a.svg"),
        (["--rows", "*/ruby"], "no row matches */ruby"),
        (["--update", "page.md"], "the document has no <!-- bench: begin -->"),
    ],
)
def test_options_without_sense_are_refused(
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An option that makes no sense is an error before anything is measured or written."""
    monkeypatch.chdir(tmp_path)
    Path("page.md").write_text("no marks", encoding="utf-8")
    assert main([*SMALL, *options]) == 2
    captured = capsys.readouterr()
    assert (message in captured.err, captured.out) == (True, "")
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]


def test_names_may_have_spaces_between(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--peers", "python, builtin", "--rows", "calls/i32, calls/none"]
    assert main([*SMALL, *options]) == 0
    assert "Measured: Python" in capsys.readouterr().out


@pytest.mark.parametrize("package", ["rich", "matplotlib"])
def test_a_package_that_is_missing_is_named_with_what_to_install(
    package: str, tmp_path: Path
) -> None:
    done = child(
        f"""
        import sys
        sys.modules[{package!r}] = None
        from pywasm3.cli import main
        sys.exit(main([*{SMALL!r}, "--plot", {str(tmp_path / "a.svg")!r}]))
        """,
        result=2,
    )
    assert done.stdout == ""
    assert "bench needs the extra: type `pip install 'pywasm3-cffi[bench]'` (" in done.stderr
    assert f"'{package}.figure'" in done.stderr or f"'{package}.console'" in done.stderr


def changed(path: Path, *keys: Any, value: Any) -> None:
    """Replaces a value inside a JSON file; the keys lead to it."""
    whole = part = json.loads(path.read_text(encoding="utf-8"))
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    path.write_text(json.dumps(whole), encoding="utf-8")


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "a.json"
    assert main([*SMALL, "--json", str(path)]) == 0
    return path


VALUES = ("rows", 0, "cells", "python", "values")


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("schema",), 2),
        (("machine",), {}),
        (("load_average",), "x"),
        (("settings", "rounds"), None),
        (("peers",), [1]),
        (("peers", 0, "installed"), False),
        (("peers", 0, "name"), "other"),
        (("rows",), [{}]),
        (("rows", 0, "cells", "python"), []),
        (VALUES, {}),
        (VALUES, ["1"]),
        (VALUES, [0]),
        (VALUES, [-1.0]),
        (VALUES, [float("nan")]),
        (VALUES, [10**400]),
        (VALUES, [True]),
    ],
)
def test_a_file_of_another_shape_is_refused(
    stored: Path, keys: tuple[Any, ...], value: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(stored, *keys, value=value)
    for options in (["--from", stored], ["--compare", stored, stored]):
        assert main(["bench", *map(str, options)]) == 2
        assert "is not what pywasm3 bench --json of this version writes" in capsys.readouterr().err


@pytest.mark.parametrize("data", [b"{", b"", b"\xff", b"[" * 100_000, b"9" * 10_000])
def test_a_file_that_is_not_json_is_refused(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(data)
    assert main(["bench", "--from", str(path)]) == 2
    assert f"{path} is not" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named_as_by_other_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "--from", "no/such.json"]) == 2
    assert capsys.readouterr().err == "pywasm3: error: no/such.json: No such file or directory\n"
