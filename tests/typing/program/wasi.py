# SPDX-License-Identifier: MIT
"""Runs a program that was compiled for WASI."""

from pathlib import Path

from typing_extensions import assert_type

import pywasm3
from pywasm3.wasi import CAPTURE, Clock, FixedClock, HostDir, VirtualDir, Wasi, WasiConfig


def trace(name: str, arguments: tuple[int, ...], result: int | None) -> None:
    assert name
    assert all(argument >= 0 for argument in arguments)
    assert result is None or result >= 0


def config(folder: Path, clock: Clock | int | None = None) -> WasiConfig:
    return WasiConfig(
        args=["program", "input.txt"],
        env={"LANG": "C"},
        preopens={"/data": VirtualDir({"in.txt": b"line"}), "/code": HostDir(folder), "/c": folder},
        stdin=b"text",
        stdout=CAPTURE,
        stderr=CAPTURE,
        clock=clock,
        trace=trace,
        random=lambda size: bytes(size),
        inherit=("stdio",),
        max_capture_bytes=1 << 20,
    )


def run(path: Path) -> None:
    instance = pywasm3.load(path, wasi=config(path.parent, FixedClock(0)))
    code = instance.run()
    assert_type(code, int)
    assert code == 3
    state: Wasi = instance.wasi
    assert_type(state.stdout, bytes)
    assert b"argument: input.txt" in state.stdout


def end(instance: pywasm3.Instance) -> int:
    try:
        instance.exports._start()
    except pywasm3.WasiExit as exit:
        return exit.code
    return 0
