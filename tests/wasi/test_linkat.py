# SPDX-License-Identifier: MIT
"""Both ways to make a hard link do the same. They link a symbolic link itself, not its target."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pywasm3.wasi import linkat

if os.name != "posix":
    pytest.skip("linkat is a function of POSIX", allow_module_level=True)

WAYS = pytest.mark.parametrize("link", [linkat.link, linkat._link_by_c()], ids=["os", "C"])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[int]:
    """A directory with a file and a symbolic link to it."""
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "symbolic").symlink_to("file")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@WAYS
def test_a_file_gets_another_name(link: Any, place: int, tmp_path: Path) -> None:
    link(place, "file", place, "second")
    assert (tmp_path / "second").samefile(tmp_path / "file")


@WAYS
def test_a_symbolic_link_is_not_followed(link: Any, place: int, tmp_path: Path) -> None:
    link(place, "symbolic", place, "second")
    assert os.readlink(tmp_path / "second") == "file"


@WAYS
@pytest.mark.parametrize(
    ("name", "to_name", "error"),
    [("none", "second", FileNotFoundError), ("file", "symbolic", FileExistsError)],
)
def test_an_error_of_the_system_is_raised(
    link: Any, place: int, name: str, to_name: str, error: type[OSError]
) -> None:
    with pytest.raises(error):
        link(place, name, place, to_name)
