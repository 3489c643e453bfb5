# SPDX-License-Identifier: MIT
"""What the figures were measured on, and what the system says of a process."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def version(distribution: str) -> str | None:
    """Of an installed distribution; None when there is none."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """Its model, as the system calls it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def describe() -> dict[str, str]:
    """Processor, system and Python."""
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def load_average() -> float | None:
    """How many processes wanted a core in the last minute; None where nobody says."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def resident_bytes() -> int:
    """Resident memory of this process; 0 where the system does not say."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0
    return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


_IMPORT = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def import_seconds(
    module: str, cache: str, folder: Path | None = None, timeout: float | None = None
) -> float:
    """Time of the import statement in a fresh interpreter.

    Args:
        module: What is imported.
        cache: A folder for compiled modules: the first import fills it.
        folder: Where the interpreter starts. None: here.
        timeout: In seconds.

    Raises:
        subprocess.SubprocessError: The import fails, or does not end.
    """
    # An installed package has its bytecode ready; a checkout may not, and shall stay as it is.
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
