# SPDX-License-Identifier: MIT
"""Runs each part of the program."""

import asyncio
import sys
from pathlib import Path

from . import calls, errors, hosts, parts, server, toolchains, wasi, wasm3_shape


def main(guests: Path) -> int:
    calls.add(guests / "arith.wasm")
    calls.greet((guests / "strings.wasm").read_bytes())
    calls.greet_typed(guests / "strings.wasm")
    calls.lanes()
    asyncio.run(calls.add_later(guests / "arith.wasm"))
    errors.describe_failure(guests / "trap.wasm")
    errors.place_of(b"\0asm")
    hosts.run(guests / "host.wasm")
    parts.describe(guests / "multi.wasm")
    parts.share()
    server.serve(guests / "strings.wasm")
    asyncio.run(server.serve_later(guests / "strings.wasm"))
    toolchains.place(guests / "strings.wasm")
    toolchains.objects(guests / "strings.wasm")
    toolchains.installed()
    wasi.run(guests / "wasi" / "program.wasm")
    wasm3_shape.fib((guests / "arith.wasm").read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
