# SPDX-License-Identifier: MIT
"""Describes the machine of a run, and asks the system about a process."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def version(distribution: str) -> str | None:
    """Returns the version of an installed distribution, or None if it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """Returns the model of the processor, as the system calls it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def describe() -> dict[str, str]:
    """Describes the processor, the system and the Python."""
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def load_average() -> float | None:
    """Returns how many processes wanted to run in the last minute; None if this is not counted."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def resident_bytes() -> int:
    """Returns the resident memory of this process, or 0 if the system does not tell."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0
    return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


_IMPORT = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def import_seconds(
    module: str, cache: str, folder: Path | None = None, timeout: float | None = None
) -> float:
    """Measures how long an import statement takes in a fresh interpreter, in seconds.

    Args:
        module: The name of the module to import.
        cache: A folder for compiled bytecode, which the first import fills.
        folder: The folder in which the interpreter starts. None means the present one.
        timeout: The seconds after which the import is given up.

    Raises:
        subprocess.SubprocessError: The import fails, or takes longer than `timeout`.
    """
    # An installed package has its bytecode compiled. A checkout may not, and must not change.
    environment: Mapping[str, str] = os.environ | {"PYTHONPYCACHEPREFIX": cache}
    environment = {k: v for k, v in environment.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT.format(module)],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env=environment,
        timeout=timeout,
    )
    return float(done.stdout)
