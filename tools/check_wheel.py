# SPDX-License-Identifier: MIT
"""Checks the contents and the size of a wheel: python tools/check_wheel.py WHEEL"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

MAX_BYTES = 400_000
LICENSES = ("licenses/LICENSE", "licenses/vendor/wasm3/source/LICENSE")
SOURCES = (".c", ".h", ".def")


def complaints(wheel: Path) -> list[str]:
    """Returns what is wrong with the wheel, one sentence for each fault."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    found = [f"{name} must not be in the wheel" for name in names if name.endswith(SOURCES)]
    found += [
        f"the wheel lacks {license}"
        for license in LICENSES
        if not any(name.endswith(".dist-info/" + license) for name in names)
    ]
    size = wheel.stat().st_size
    if size > MAX_BYTES:
        found.append(f"the wheel has {size:,} bytes, which is more than {MAX_BYTES:,}")
    return found


if __name__ == "__main__":
    path = Path(sys.argv[1])
    found = complaints(path)
    for complaint in found:
        print(f"{path.name}: {complaint}")
    if not found:
        print(f"{path.name}: {path.stat().st_size:,} bytes, with both licences, without C sources")
    sys.exit(bool(found))
