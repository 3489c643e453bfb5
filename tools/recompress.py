# SPDX-License-Identifier: MIT
"""Compresses the files in wheels again, by Zopfli, which finds smaller results than zlib.

    python tools/recompress.py WHEEL ...

The format stays DEFLATE, which every pip reads. The contents, the order and the attributes of the
files stay, too, so what was tested before is what is published.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import zopfli


def recompress(wheel: Path) -> None:
    """Replaces a wheel by a smaller one with the same files."""
    smaller = wheel.with_suffix(".smaller")
    # Zopfli splits a file into at most 15 blocks unless it is told that there is no limit (0).
    with (
        zipfile.ZipFile(wheel) as old,
        zopfli.ZipFile(smaller, "w", block_splitting_max=0) as new,
    ):
        for member in old.infolist():
            new.writestr(member, old.read(member))
    smaller.replace(wheel)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        path = Path(argument)
        before = path.stat().st_size
        recompress(path)
        print(f"{path.name}: {before:,} bytes became {path.stat().st_size:,}")
