# SPDX-License-Identifier: MIT
"""Checks what is in a wheel and how large it is. python tools/check_wheel.py WHEEL"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

MAX_BYTES = 400_000
LICENSES = ("licenses/LICENSE", "licenses/vendor/wasm3/source/LICENSE")
SOURCES = (".c", ".h", ".def")


def complaints(wheel: Path) -> list[str]:
    """What is wrong with it, one sentence each."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    found = [f"{name} has no business there" for name in names if name.endswith(SOURCES)]
    found += [
        f"{license} is missing"
        for license in LICENSES
        if not any(name.endswith(".dist-info/" + license) for name in names)
    ]
    size = wheel.stat().st_size
    if size > MAX_BYTES:
        found.append(f"{size:,} bytes are more than {MAX_BYTES:,}")
    return found


if __name__ == "__main__":
    path = Path(sys.argv[1])
    found = complaints(path)
    for complaint in found:
        print(f"{path.name}: {complaint}")
    if not found:
        print(f"{path.name}: {path.stat().st_size:,} bytes, both licences, no C")
    sys.exit(bool(found))
