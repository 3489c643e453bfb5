# SPDX-License-Identifier: MIT
"""Programs that Emscripten compiles run without its JavaScript.

They are skipped without `emcc`, which Debian's package "emscripten" has. What it writes goes into
.cache/emscripten. Expected values follow from the standards of C and C++.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pywasm3
from emcc_helpers import compiled
from pywasm3.guests import emscripten
from pywasm3.wasi import CAPTURE, VirtualDir, WasiConfig

CLOCK = 1_709_210_096 * 10**9  # 2024-02-29 12:34:56
GROWS = "-sALLOW_MEMORY_GROWTH=1"
# Older versions of Emscripten pass integers of 64 bits as two halves unless they are told to.
LEGAL = "-sWASM_BIGINT=0"
WHOLE = "-sWASM_BIGINT=1"


def run(module: pywasm3.Module | Path, **options: Any) -> tuple[int, list[str], VirtualDir]:
    """Runs the program in a new directory; returns the exit code, the lines, and the directory."""
    directory = VirtualDir({"in.txt": b"some text"})
    config = WasiConfig(
        args=["program", "/in.txt"],
        env={"VARIABLE": "value"},
        preopens={"/": directory},
        stdout=CAPTURE,
        stderr=CAPTURE,
        clock=CLOCK,
    )
    program = emscripten.load(module, wasi=config, **options)
    code = program.run()
    assert program.wasi.stderr == b"error stream\n"
    return code, program.wasi.stdout.decode().splitlines(), directory


EXPECTED = [
    "arguments 2: /in.txt",
    "variable value",
    "read some text",
    "size 18, directory 0",
    "cwd /made",
    "entries 1, then .",
    "access 0 -1",
    "now 2024-02-29 12:34:56 Thu 060",
    "mktime 951868800, month 2",
    "block ends with x",
    "jumped 5",
]


@pytest.mark.parametrize("flags", [("-O0", LEGAL), ("-O2", LEGAL), ("-O2", WHOLE)], ids=" ".join)
def test_a_program_finds_its_files_dates_and_memory(flags: tuple[str, ...]) -> None:
    code, lines, directory = run(compiled("program.c", GROWS, *flags))
    assert lines == EXPECTED
    assert code == 42
    assert directory.to_dict() == {"in.txt": b"some text", "made": {"renamed.txt": b"written"}}


def test_a_program_with_short_names_runs() -> None:
    path = compiled("program.c", GROWS, "-O3")
    module = pywasm3.Module(path.read_bytes())
    assert max(len(item.name) for item in module.imports) <= 2
    names = emscripten.Names.from_js(path.with_suffix(".js").read_text(), module)
    code, lines, _ = run(names.apply(module))
    assert (code, lines) == (42, EXPECTED)


def test_memory_does_not_grow_beyond_the_limits() -> None:
    limits = pywasm3.Limits(memory=32 << 20)
    code, lines, _ = run(compiled("program.c", GROWS, "-O0", LEGAL), limits=limits)
    assert lines == [line if "block" not in line else "no block" for line in EXPECTED]
    assert code == 42


@pytest.fixture(params=["-O0", "-O2"])
def throws(request: pytest.FixtureRequest) -> emscripten.Emscripten:
    flags = ["-fexceptions", "--no-entry", "-sEXPORTED_FUNCTIONS=_malloc,_free", request.param]
    return emscripten.load(compiled("throws.cpp", *flags))


@pytest.mark.parametrize(
    ("which", "expected"), [(0, len("a runtime error")), (1, 107), (2, 202), (3, 300), (5, 0)]
)
def test_the_first_handler_that_fits_catches(
    throws: emscripten.Emscripten, which: int, expected: int
) -> None:
    assert throws.exports.caught(which) == expected
    assert throws.exports.guards() == 1


def test_exceptions_are_thrown_again_and_kept(throws: emscripten.Emscripten) -> None:
    assert throws.exports.rethrown(4) == len("far away")
    assert throws.exports.rethrown(1) == -1
    assert throws.exports.later() == len("far away")


def test_caught_exceptions_leave_nothing(throws: emscripten.Emscripten) -> None:
    exports = throws.exports
    first = exports.malloc(64)
    exports.free(first)
    for which in (0, 1, 2, 3, 4):
        exports.caught(which)
        exports.rethrown(which)
    assert exports.malloc(64) == first


def test_an_exception_that_is_not_caught_arrives(throws: emscripten.Emscripten) -> None:
    with pytest.raises(emscripten.CppException) as caught:
        throws.exports.uncaught(0)
    assert 0 < caught.value.address < len(throws.memory)


@pytest.mark.parametrize("optimize", ["-O1", "-O2"])
def test_a_side_module_is_linked(optimize: str) -> None:
    main = compiled("main_module.c", "-sMAIN_MODULE=2", "--no-entry", optimize, *_EXPORTED)
    side = compiled("side_module.c", "-sSIDE_MODULE=1", optimize)
    program = emscripten.load(main)
    library = program.link(side)
    assert library.exports.use(4) == 1000 + 8
    assert library.exports.use(4) == 2000 + 8
    assert program.exports.get_shared() == 5 + 8
    assert library.exports.relocated() == 12
    text = program.new_text("text")
    assert program.memory.read_str(library.exports.copy(text)) == "text!"


_EXPORTED = [
    "-sEXPORTED_FUNCTIONS=_malloc,_free,_shared,_count,_call,_get_shared,_strlen,_strcpy,_strcat"
]
