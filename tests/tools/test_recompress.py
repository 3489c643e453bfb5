# SPDX-License-Identifier: MIT
"""tools/recompress.py makes a wheel smaller, and changes nothing that is in it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from helpers import TESTS, import_file

pytest.importorskip("zopfli", reason="zopflipy has no wheel for this Python or processor")
recompress = import_file(TESTS.parent / "tools" / "recompress.py")


def members(wheel: Path) -> list[tuple[object, ...]]:
    """Returns what pip sees of the files in a wheel, in their order."""
    with zipfile.ZipFile(wheel) as archive:
        return [
            (each.filename, each.date_time, each.external_attr, archive.read(each))
            for each in archive.infolist()
        ]


def test_the_files_stay_and_the_wheel_becomes_smaller(tmp_path: Path) -> None:
    wheel = tmp_path / "some.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("z/module.so", "a/helpers.py", "a/empty.py"):
            member = zipfile.ZipInfo(name, (2020, 2, 2, 2, 2, 2))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = (0o755 if name.endswith(".so") else 0o644) << 16
            content = b"" if "empty" in name else (TESTS / "helpers.py").read_bytes()
            archive.writestr(member, content)
    before, size = members(wheel), wheel.stat().st_size
    recompress.recompress(wheel)
    assert members(wheel) == before
    assert wheel.stat().st_size < size
