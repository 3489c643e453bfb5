# SPDX-License-Identifier: MIT
"""tools/pypy.py names tests that exist, also where it leaves some out.

Whether the package runs on PyPy is what "make test-pypy" shows.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from helpers import TESTS, import_file

for _name in ("debian", "wheels"):
    import_file(TESTS.parent / "tools" / f"{_name}.py")
pypy: Any = import_file(TESTS.parent / "tools" / "pypy.py")


def test_the_tests_that_it_runs_exist() -> None:
    assert [name for name in pypy.TESTS if not (TESTS.parent / name).is_dir()] == []


def test_the_tests_that_it_leaves_out_exist_and_would_run() -> None:
    options = pypy.excluded()
    assert options
    for option in options:
        path, _, name = option.removeprefix("--deselect=").partition("::")
        assert path.rpartition("/")[0] in pypy.TESTS
        function = re.escape(name.partition("[")[0])
        assert re.search(rf"^def {function}\(", (TESTS.parent / path).read_text("utf-8"), re.M)


def test_constraints_that_cannot_hold_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pypy, "WORK", tmp_path)
    ours = pypy.wheels.CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    kept = pypy.own_constraints().read_text(encoding="utf-8").splitlines()
    names = {line.partition("==")[0] for line in ours if line not in kept}
    assert names == {"cffi", "hypothesis"}


def test_paths_of_tests_are_those_of_the_repository() -> None:
    name = "tests/tools/test_pypy.py"
    given = ["-k", "docs", name, f"{name}::test_paths", "tests/tools"]
    root = str(TESTS.parent)
    assert [pypy.absolute(argument) for argument in given] == [
        "-k", "docs", f"{root}/{name}", f"{root}/{name}::test_paths", f"{root}/tests/tools",
    ]  # fmt: skip
