# SPDX-License-Identifier: MIT
"""Reading, linking and compiling a module takes steps in proportion to its bytes.

Each case is a family of modules that a hostile author would choose: keys that collide in a hash
table, or instructions of a few bytes that make the engine look at much. steps.c, compiled with the
engine's sources, counts the basic blocks that run, so no test depends on how fast the machine is.
The test claims that a module of double size takes at most GROWTH times the steps, where a quadratic
engine takes 4 times as many, and that no byte takes more than the given number of them.
"""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import large
import pywasm3
from binary import HEADER, leb, section, signed_leb, text, vector
from helpers import import_file, wat
from pywasm3._ffi import PURE

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import toolchain

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent

# A sort takes n log n comparisons, and a table that doubles is up to 3/2 as full as at half of the
# size.
GROWTH = 2.5

FUNC, REC, SUB, STRUCT = b"\x60", b"\x4e", b"\x50", b"\x5f"
FUNCREF, NULLFUNCREF, REF_FUNC = b"\x70", b"\x73", b"\x64\x70"
NOTHING = FUNC + b"\x00\x00"
END = b"\x0b"


# ---- the modules ---------------------------------------------------------------------------------


def functype(params: list[bytes], results: list[bytes]) -> bytes:
    return FUNC + vector(params) + vector(results)


def module(
    types: list[bytes],
    code: bytes | None = None,
    imports: list[int] | None = None,
    sections: bytes = b"",
) -> bytes:
    """A module with types, imported functions of some of them, and a function of type 0."""
    made = HEADER + section(1, vector(types))
    if imports:
        made += section(2, vector(text("m") + text("f") + b"\x00" + leb(i) for i in imports))
    if code is None:
        return made + sections
    return made + section(3, vector([leb(0)])) + sections + section(10, vector([large.body(code)]))


def bits(number: int, zero: bytes, one: bytes) -> list[bytes]:
    """The lowest 16 bits of a number, as types."""
    return [one if number >> k & 1 else zero for k in range(16)]


def types_that_collide(size: int) -> bytes:
    """The numbers of funcref and (ref func) differ in their two highest bits only.

    A hash that multiplies by odd numbers and takes the low bits of the product never sees them.
    """
    return module([functype(bits(i, FUNCREF, REF_FUNC), []) for i in range(size)])


def types_in_one_group(size: int) -> bytes:
    """A recursion group whose types refer to each other."""
    members = [FUNC + vector([b"\x63" + signed_leb(size - 1 - i)]) + b"\x00" for i in range(size)]
    return module([REC + vector(members)])


def types_in_groups(size: int) -> bytes:
    """Groups that differ only in their last member."""
    return module(
        [
            REC + vector([functype([b"\x63\x00"], []), functype(bits(i, FUNCREF, REF_FUNC), [])])
            for i in range(size)
        ]
    )


def structures_that_collide(size: int) -> bytes:
    return module(
        [STRUCT + vector(t + b"\x00" for t in bits(i, FUNCREF, REF_FUNC)) for i in range(size)]
    )


def exports_with_long_prefixes(size: int) -> bytes:
    names = (text("a" * 60 + f"{i:06}") for i in range(size))
    exports = section(7, vector(name + b"\x00\x00" for name in names))
    return module([NOTHING], b"", sections=exports)


def imports_of_a_large_type(size: int) -> bytes:
    return module([NOTHING, functype([b"\x7f"] * 1000, [])], imports=[1] * size)


def empty_segments(size: int) -> bytes:
    """Passive segments of elements, which have none."""
    return module([NOTHING], sections=section(9, vector([b"\x01\x00\x00"] * size)))


def br_table_of_subtypes(size: int) -> bytes:
    """Targets of two lists of types, in turn; both lists take 1000 operands of a third one."""
    types = [
        NOTHING,
        functype([], [NULLFUNCREF] * 1000),
        functype([], [FUNCREF] * 1000),
        functype([], [FUNCREF] * 999 + [NULLFUNCREF]),
    ]
    code = b"\x02\x02\x02\x03\x10\x00\x41\x00" + large.br_table([i % 2 for i in range(size)], 0)
    return module(types, code + END + b"\x00" + END + b"\x00", imports=[1])


def br_table_of_one_type(size: int) -> bytes:
    """Targets of one list of types, which takes operands of another one."""
    types = [NOTHING, functype([], [NULLFUNCREF] * 1000), functype([], [FUNCREF] * 1000)]
    code = b"\x02\x02\x02\x02\x10\x00\x41\x00" + large.br_table([i % 2 for i in range(size)], 0)
    return module(types, code + END + b"\x00" + END + b"\x00", imports=[1])


def calls_with_subtypes(size: int) -> bytes:
    types = [NOTHING, functype([], [NULLFUNCREF] * 1000), functype([FUNCREF] * 1000, [])]
    return module(types, b"\x10\x00\x10\x01" * size, imports=[1, 2])


def calls_with_deep_subtypes(size: int) -> bytes:
    """The type of each operand has 62 supertypes above it, and the last of them is expected."""
    chain = [SUB + b"\x00" + NOTHING]
    chain += [SUB + b"\x01" + leb(i) + NOTHING for i in range(62)]
    types = [*chain, functype([], [b"\x63" + leb(62)] * 900), functype([b"\x63\x00"] * 900, [])]
    return module(types, b"\x10\x00\x10\x01" * size, imports=[63, 64])


def structures_with_many_fields(size: int) -> bytes:
    types = [NOTHING, functype([], [b"\x7f"] * 1000), STRUCT + vector([b"\x7f\x00"] * 10_000)]
    return module(types, (b"\x10\x00" * 10 + b"\xfb\x00\x02\x1a") * size, imports=[1])


def arrays_of_many_elements(size: int) -> bytes:
    types = [NOTHING, functype([], [b"\x7f"] * 1000), b"\x5e\x7f\x00"]
    return module(types, (b"\x10\x00" * 10 + b"\xfb\x08\x02\x90\x4e\x1a") * size, imports=[1])


def catch_clauses_with_subtypes(size: int) -> bytes:
    """Two tags, in turn, whose values are not of the types that the label takes."""
    types = [
        NOTHING,
        functype([NULLFUNCREF] * 1000, []),
        functype([NULLFUNCREF] * 999 + [FUNCREF], []),
        functype([], [FUNCREF] * 1000),
    ]
    tags = section(13, vector([b"\x00\x01", b"\x00\x02"]))
    clauses = vector(b"\x00" + leb(i % 2) + b"\x00" for i in range(size))
    code = b"\x02\x03\x1f\x40" + clauses + END + b"\x00" + END + b"\x00"
    return module(types, code, sections=tags)


def functions_with_locals(size: int) -> bytes:
    """The most locals that a function can have, in functions of 8 bytes."""
    bodies = vector([large.body(b"", 50_000)] * size)
    functions = section(3, vector([leb(0)] * size))
    return module([NOTHING], sections=functions + section(10, bodies))


def functions_without_locals(size: int) -> bytes:
    bodies = vector([large.body(b"")] * size)
    functions = section(3, vector([leb(0)] * size))
    return module([NOTHING], sections=functions + section(10, bodies))


# ---- counting ------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Case:
    """What is done with the modules of a family, and how many steps each byte may take."""

    action: str
    build: Callable[[int], bytes]
    size: int
    per_byte: int
    refused: bool = False

    @property
    def name(self) -> str:
        return f"{self.action}: {self.build.__name__.replace('_', ' ')}"


CASES = [
    Case("module", types_that_collide, 20_000, 100),
    Case("instance", types_that_collide, 20_000, 100),
    Case("module", types_in_one_group, 50_000, 100),
    Case("instance", types_in_one_group, 50_000, 100),
    Case("module", types_in_groups, 20_000, 100),
    Case("instance", types_in_groups, 20_000, 100),
    Case("validate", structures_that_collide, 20_000, 100),
    Case("module", exports_with_long_prefixes, 50_000, 100),
    Case("module", imports_of_a_large_type, 50_000, 100),
    Case("instance", imports_of_a_large_type, 50_000, 100),
    Case("identity", imports_of_a_large_type, 50_000, 100),
    Case("instance", empty_segments, 40_000, 100),
    Case("validate", br_table_of_subtypes, 200_000, 500, refused=True),
    Case("validate", br_table_of_one_type, 200_000, 100),
    Case("validate", calls_with_subtypes, 50_000, 500, refused=True),
    Case("validate", calls_with_deep_subtypes, 50_000, 500, refused=True),
    Case("validate", structures_with_many_fields, 5_000, 500, refused=True),
    Case("validate", arrays_of_many_elements, 5_000, 500, refused=True),
    Case("validate", catch_clauses_with_subtypes, 50_000, 500, refused=True),
    Case("instance", functions_with_locals, 20_000, 1500),
    Case("instance", functions_without_locals, 20_000, 1500),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """steps.c with the engine; it takes some seconds to compile."""
    compiler = toolchain.default_compiler()
    if sys.platform == "win32" or not shutil.which(compiler):
        pytest.skip(f"needs the compiler {compiler}")
    if not (ROOT / "native").exists() or not (ROOT / "vendor/wasm3/source").exists():
        pytest.skip("needs the sources")
    # Not from sys.path: children of other tests would find the sources there instead of the copy
    # of the package that is tested.
    build_ffi = import_file(ROOT / "build_ffi.py")
    folder = tmp_path_factory.mktemp("steps")
    walkers = ("memcpy", "memmove", "memset", "memcmp", "calloc", "realloc")
    flags = ["-std=c11", "-O1", "-w", "-fwrapv", "-fno-strict-aliasing", "-pthread"]
    flags += [f"-I{ROOT / include}" for include in build_ffi.INCLUDE_DIRS]
    counted = ["-fsanitize-coverage=trace-pc", *[f"-D{name}=steps_{name}" for name in walkers]]
    (folder / "empty.c").touch()
    probe = [compiler, *counted, "-c", "empty.c", "-o", "empty.o"]
    if subprocess.run(probe, cwd=folder, capture_output=True).returncode != 0:
        pytest.skip(f"needs a compiler that has -fsanitize-coverage=trace-pc, unlike {compiler}")

    def compile(numbered: tuple[int, str]) -> str:
        number, source = numbered  # two layers may have files of one name
        command = [compiler, *flags, *counted, "-c", str(ROOT / source), "-o", f"{number}.o"]
        subprocess.run(command, check=True, cwd=folder)
        return f"{number}.o"

    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(compile, enumerate(build_ffi.ENGINE_SOURCES)))
    link = [compiler, *flags, str(TESTS / "unit/steps.c"), *objects, "-o", "steps", "-lm"]
    subprocess.run(link, check=True, cwd=folder)
    return folder / "steps"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_steps_are_in_proportion_to_the_bytes(case: Case, program: Path, tmp_path: Path) -> None:
    files = [tmp_path / "once.wasm", tmp_path / "twice.wasm"]
    for file, factor in zip(files, (1, 2), strict=True):
        file.write_bytes(case.build(factor * case.size))
    done = subprocess.run([program, case.action, *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [line.partition(" ") for line in done.stdout.splitlines()]
    steps = [int(number) for number, _, _ in lines]
    assert steps[1] <= GROWTH * steps[0]
    for file, taken, (_, _, error) in zip(files, steps, lines, strict=True):
        assert taken <= case.per_byte * file.stat().st_size
        assert error.partition(":")[0] == ("too many" if case.refused else "")


# ---- the limit on comparisons --------------------------------------------------------------------


def test_operands_that_are_made_one_by_one_do_not_count_towards_the_limit() -> None:
    """Each operand is of a proper subtype, and the module is larger than the limit without size."""
    types = [NOTHING, functype([FUNCREF] * 1000, [])]
    call = b"\xd0\x73" * 1000 + b"\x10\x00"
    pywasm3.Module.validate(module(types, call * 2000, imports=[1]))


def test_the_error_names_the_numbers_of_the_limit() -> None:
    with pytest.raises(pywasm3.UnsupportedError, match=r"needs 1\d{6} .* at most 1\d{6}"):
        pywasm3.Module.validate(calls_with_subtypes(2000))


@pytest.mark.parametrize("targets", [[0, 1], [0, 0, 1, 1], [1, 0, 0], [0, 1, 0, 1, 0, 1]])
def test_each_target_of_a_br_table_is_checked(targets: list[int]) -> None:
    """The inner block takes an i32 and the outer one an i64, so one of the two never fits."""
    for result in ("i32", "i64"):
        code = f"""(module (func (block (result i32) (block (result i64)
            ({result}.const 1) (i32.const 0) (br_table {" ".join(map(str, targets))}))
            drop (i32.const 1)) drop))"""
        with pytest.raises(pywasm3.InvalidError, match="type mismatch"):
            pywasm3.Module.validate(wat(code))


# ---- the linker ----------------------------------------------------------------------------------


def lines_of(run: Callable[[], object]) -> int:
    """How many lines of Python run."""
    count = 0

    def trace(*_: object) -> Callable[..., object]:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return count


def test_linking_takes_lines_in_proportion_to_the_imports() -> None:
    """Each import is of a type with 1000 parameters, and the given function has the same type."""
    params = "(param " + "i32 " * 1000 + ")"
    given = pywasm3.Instance(pywasm3.Module(wat(f'(module (func (export "f") {params}))')))
    counts = []
    for size in (200, 400):
        module = pywasm3.Module(imports_of_a_large_type(size))
        values = {"m": {"f": given.exports.f}}
        counts.append(lines_of(lambda: pywasm3.Instance(module, values)))  # noqa: B023
    # The types that are written in Python run lines of their own.
    assert counts[1] - counts[0] <= 200 * (200 if PURE else 150)
