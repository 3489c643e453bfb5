# SPDX-License-Identifier: MIT
"""Random modules compute in pywasm3 what they compute in wasmtime, and the fuzzer finds bugs.

The expected answers are wasmtime's. The fuzzer itself is tested with bugs planted in subclasses
of `Subject`, which stands for pywasm3; those expectations are written by hand.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import wasmtime

import pywasm3
from fuzz import planted
from fuzz.census import DEEP, MANY, census
from fuzz.compare import Difference, Subject, compare
from fuzz.encode import encode
from fuzz.generate import generate
from fuzz.isolate import CRASH, HANG, Child
from fuzz.lanes import CODE, lane_by_lane
from fuzz.legacy import modern
from fuzz.ops import ACCESSES, ATOMICS, F32, F32D, F64, I32, NUMERIC, V128, WAITS
from fuzz.oracle import validate
from fuzz.outcome import Returned, same
from fuzz.reduce import reduce
from fuzz.text import number, text
from fuzz.tree import Call, Function, Global, Instruction, Module, Signature, count, walk
from simd_ops import OPS

FUZZ = Path(__file__).with_name("fuzz.py")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork for the reducer")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the fuzzer's command line."""
    return subprocess.run(
        [sys.executable, str(FUZZ), *arguments], capture_output=True, text=True, timeout=300
    )


def test_random_modules_agree_with_wasmtime() -> None:
    done = run("--seed", "1", "--count", "400", "--reduce")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("400 modules, ")
    assert done.stdout.endswith(" 0 differences\n")


@pytest.mark.parametrize("vectors", ["baseline", "lanes"])
def test_vectors_agree_with_wasmtime_on_every_way_to_compute_them(vectors: str) -> None:
    """They do with what every processor has, and with scalar code for each lane."""
    done = run("--seed", "1", "--count", "100", "--reduce", "--vectors", vectors)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(" 0 differences\n")


def test_generated_modules_are_valid() -> None:
    for seed in range(300):
        module = generate(seed)
        assert validate(encode(modern(module))) is None, seed
        pywasm3.Module.validate(encode(module))


def test_modules_with_scalar_code_for_vectors_are_valid() -> None:
    for seed in range(100):
        assert validate(encode(modern(lane_by_lane(generate(seed))))) is None, seed


def test_scalar_code_replaces_every_vector_instruction_that_computes() -> None:
    """Only instructions that move a lane stay."""
    computing = {op.name for op in OPS.values() if op.immediates in ("", "lane", "shuffle")}
    moving = ("extract_lane", "extract_lane_s", "extract_lane_u", "replace_lane")
    assert {OPS[name].verb for name in computing - CODE.keys()} == set(moving)


def test_large_modules_are_valid() -> None:
    for seed in range(30):
        assert validate(encode(modern(generate(seed, 300)))) is None, seed


def test_a_seed_is_always_the_same_module() -> None:
    for seed in range(20):
        assert generate(seed) == generate(seed)


def test_every_numeric_instruction_is_generated() -> None:
    """Every numeric instruction, vector ones included, occurs in the modules of 400 seeds."""
    seen = {
        instruction[0]
        for seed in range(400)
        for function in generate(seed, types=False).functions
        for instruction in walk(function.body)
    }
    assert set(NUMERIC) | set(ACCESSES) | {"i8x16.shuffle"} <= seen


def test_every_atomic_instruction_is_generated() -> None:
    """Each occurs in the modules of 900 seeds, and all together in every kind of memory."""
    seen = {
        (instruction[0], memory.is64, memory.is_shared)
        for module in map(generate, range(900))
        for function in module.functions
        for instruction in walk(function.body)
        if instruction[0] in ATOMICS
        for memory in [module.memories[instruction[3]]]
    }
    assert {name for name, _, _ in seen} == set(ATOMICS)
    assert len({(is64, is_shared) for _, is64, is_shared in seen}) == 4
    # A wait on a memory that is not shared traps.
    wanted = {(wait.name, is_shared) for wait in WAITS for is_shared in (False, True)}
    assert wanted <= {(name, is_shared) for name, _, is_shared in seen}


_MUST_BE_MADE = (
    "block with parameters",
    "block with several results",
    "loop with parameters",
    "if with parameters",
    "a function with several results",
    "br_table",
    "br to a loop with parameters",
    "br_if to a loop with parameters",
    "br_table to a loop with parameters",
    *(f"{name} with a float" for name in ("br", "br_if", "br_table", "return")),
    *(f"{name} with a vector" for name in ("br", "br_if", "br_table", "return")),
    *(f"{name} with a vector" for name in ("block", "loop", "if", "call", "call_indirect")),
    *("select_typed with a vector", f"a function of {MANY} vectors"),
    *("global.get with a vector", "global.set with a vector", "local.tee with a vector"),
    *("return_call", "return_call_indirect"),
    *(f"{name} with several values" for name in ("br", "br_if", "br_table", "return")),
    "call",
    "call_indirect",
    "memory.grow",
    "memory.copy",
    "memory.fill",
    *(
        "a shared memory",
        "a shared 64-bit memory",
        "an imported memory",
        "a shared imported memory",
    ),
    *(f"memory.atomic.{name} in a shared memory" for name in ("notify", "wait32", "wait64")),
    *("memory.atomic.notify in a not shared memory", "atomic.fence"),
    *(f"{name} instruction" for name in ("i32", "i64", "f32", "f64", "v128")),
    f"{DEEP} operands",
    f"a function of {MANY} locals",
    "local.set of a local on the stack",
    "local.tee of a local on the stack",
    "dead code",
    *("throw", "throw_ref", "try_table", "try", "try_delegate", "rethrow", "throw with a vector"),
    *(f"try_table {clause}" for clause in ("catch", "catch_ref", "catch_all", "catch_all_ref")),
    *("imported tags", "two instances", "call of throw_", "call of foreign"),
    *("call of again", "call of again_anew", "call of again_caught"),
    *("try catch", "try catch_all", "try with parameters", "try_table with parameters"),
    *(
        f"try_table with a clause to a {kind}"
        for kind in ("block", "loop", "function", "try_table")
    ),
)


def test_what_wasm3_gets_wrong_is_generated_in_one_module_of_100() -> None:
    """Each shape of code that wasm3 has compiled wrongly occurs in at least 3 of 300 modules."""
    found = census(range(300), types=False)
    assert [name for name in _MUST_BE_MADE if found.get(name, (0, 0))[0] < 3] == []


def test_instructions_on_tables_of_both_widths_are_generated() -> None:
    names = ("get", "set", "size", "grow", "fill", "copy", "init")
    wanted = {(f"table.{name}", wide) for name in names for wide in (False, True)}
    wanted |= {("table.copy", "mixed"), ("call_indirect", True), ("return_call_indirect", True)}
    wanted.add(("elem.drop", False))
    seen: Counter[tuple[str, bool | str]] = Counter()
    for seed in range(1000):
        module = generate(seed, types=False)
        seen.update(
            {
                (i[0], module.wide[0] if "call" in i[0] else _widths(module, i))
                for function in module.functions
                for i in walk(function.body)
                if i[0] == "elem.drop" or i[0].startswith("table.") or "call_indirect" in i[0]
            }
        )
    assert [thing for thing in wanted if seen[thing] < 3] == []


def _widths(module: Module, instruction: Instruction) -> bool | str:
    """Returns whether the indices of an instruction on tables are 64-bit, or "mixed"."""
    if instruction[0] == "elem.drop":
        return False
    tables = instruction[-1:] if instruction[0] == "table.init" else instruction[1:]
    widths = {module.wide[table] for table in tables}
    return "mixed" if len(widths) > 1 else widths.pop()


def test_instructions_on_memories_of_both_widths_are_generated() -> None:
    """All of them are, on the first memory and on others; copies also between two widths."""
    names = _ON_MEMORIES[:4]
    places = [(wide, other) for wide in (False, True) for other in (False, True)]
    wanted = {(name, *place) for name in (*ACCESSES, *names) for place in places}
    wanted |= {("memory.copy", to, source) for to, source in places} | {("data.drop",)}
    seen: Counter[tuple[str | bool, ...]] = Counter()
    for seed in range(1500):
        module = generate(seed, types=False)
        seen.update(
            {
                _on_memories(module, i)
                for function in module.functions
                for i in walk(function.body)
                if i[0] in ACCESSES or i[0] in _ON_MEMORIES
            }
        )
    assert [thing for thing in wanted if seen[thing] < 3] == []


_ON_MEMORIES = (
    *("memory.size", "memory.grow", "memory.fill", "memory.init"),
    *("memory.copy", "data.drop"),
)


def _on_memories(module: Module, instruction: Instruction) -> tuple[str | bool, ...]:
    """Returns the name with what is wanted of the memories: widths, and whether it is the first."""
    name = instruction[0]
    if name == "data.drop":
        return (name,)
    if name == "memory.copy":
        return (name, *[module.memories[memory].is64 for memory in instruction[1:]])
    memory = instruction[3 if name in ACCESSES else 1]
    return name, module.memories[memory].is64, memory > 0


def test_the_text_of_a_module_is_valid() -> None:
    for seed in range(50):
        module = generate(seed)
        pywasm3.Module.validate(bytes(wasmtime.wat2wasm(text(module))))
        assert validate(bytes(wasmtime.wat2wasm(text(modern(module))))) is None, seed


def test_numbers_are_shown_as_the_text_format_has_them() -> None:
    assert number(I32, 0xFFFFFFFF) == "-1"
    assert number(F32, 0x7FC00000) == "nan:0x400000"
    assert number(F64, 0xFFF0000000000000) == "-inf"
    assert number(F64, 0x8000000000000000) == "-0.0"
    assert number(V128, 1 << 96 | 2) == "i32x4 0x00000002 0x00000000 0x00000000 0x00000001"


def test_nans_count_as_equal_only_where_their_bits_are_open() -> None:
    one, other = Returned((0x7FC00000,)), Returned((0xFFC00001,))
    assert same(one, other, (F32D,))
    assert not same(one, other, (F32,))
    assert not same(one, Returned((0x3F800000,)), (F32D,))


# ---- planted bugs --------------------------------------------------------------------------------


def test_a_planted_difference_is_found_and_reduced() -> None:
    subject = planted.with_other_instructions(planted.xor_is_or)
    module, found = planted.find("i32.xor", subject, seeds=400)
    small = reduce(module, found, subject_class=subject)
    assert compare(small, subject_class=subject).difference is not None
    assert "i32.xor" in text(small)
    assert count(small) < 15, text(small)
    assert len(small.functions) < 3


def reduced(word: str, subject: type[Subject], seeds: int = 1000) -> Module:
    """Reduces the first module with a word in its text that a subject runs wrongly.

    The result must be small.
    """
    module, found = planted.find(word, subject, seeds=seeds)
    small = reduce(module, found, subject_class=subject)
    assert count(small) < 25, text(small)
    return small


def test_lanes_of_another_width_are_found_and_reduced() -> None:
    subject = planted.with_other_instructions(planted.other_lanes)
    small = reduced("i16x8.add", subject)
    assert "i16x8.add" in text(small)


def test_indices_of_64_bits_that_are_cut_are_found_and_reduced() -> None:
    small = reduced("table.get", planted.CutsIndices)
    assert "(table i64" in text(small)


def test_offsets_of_64_bits_that_are_cut_are_found_and_reduced() -> None:
    subject = planted.with_other_instructions(planted.cut_offsets)
    small = reduced("offset=4294967296", subject, seeds=3000)
    assert "i64" in text(small)
    assert any(memory.is64 for memory in small.memories)


def test_loads_from_the_wrong_memory_are_found_and_reduced() -> None:
    subject = planted.ReadsTheFirstMemory
    small = reduced("load", subject)
    assert len(small.memories) > 1


@pytest.mark.parametrize(
    ("subject", "word"),
    [
        (planted.with_other_instructions(planted.notify_wakes), "atomic.notify"),
        (planted.SharesNothing, "atomic.wait"),
        (planted.GivesEachInstanceItsMemories, '(import "host" "m'),
    ],
)
def test_wrong_notifies_and_wrong_shared_memories_are_found_and_reduced(
    subject: type[Subject], word: str
) -> None:
    small = reduced(word, subject, seeds=5000)
    assert word in text(small)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (planted.without_catch_all, "catch_all"),
        (planted.delegate_outwards, "delegate"),
        (planted.rethrow_traps, "rethrow"),
    ],
)
def test_wrong_handling_of_exceptions_is_found_and_reduced(
    change: Callable[[Instruction], Instruction], word: str
) -> None:
    """An engine that catches an exception in the wrong place differs, and the module gets small."""
    subject = planted.with_other_instructions(change)
    small = reduced(word, subject)
    assert word in text(small)


@pytest.mark.parametrize(("subject", "word"), planted.AT_THE_BORDER)
def test_a_wrong_way_of_exceptions_through_the_host_is_found_and_reduced(
    subject: type[Subject], word: str
) -> None:
    small = reduced(word, subject, seeds=3000)
    assert word in text(small)


def test_a_planted_crash_is_reduced() -> None:
    seed = next(s for s in range(100) if "i64.popcnt" in text(generate(s)))
    crash = Difference(CRASH, "")
    small = reduce(generate(seed), crash, subject_class=planted.CrashesAtPopcnt)
    assert "i64.popcnt" in text(small)
    assert count(small) <= 4, text(small)


def _module(*body: Instruction) -> Module:
    """Returns a module with one function of type () -> (i32), which is called once."""
    function = Function(Signature((), (I32,)), [], list(body))
    return Module(functions=[function], globals=[Global(I32, True, 0)], calls=[Call(0)])


def test_globals_are_compared() -> None:
    """An engine that sets no global differs although its results are right."""

    class Forgetful(Subject):
        def read_globals(self) -> list[int]:
            return [0 for _ in super().read_globals()]

    module = _module(("i32.const", 1))
    assert compare(module).difference is None
    found = compare(module, subject_class=Forgetful).difference
    assert found is not None
    assert found.kind == "global"


def test_kinds_of_traps_are_compared() -> None:
    """An engine that traps for another reason differs."""
    divides = (("i32.const", 1), ("i32.const", 0), ("i32.div_s",))

    class Traps(Subject):
        def __init__(self, module: Module, data: bytes) -> None:
            super().__init__(module, encode(_module(("unreachable",))))

    found = compare(_module(*divides), subject_class=Traps).difference
    assert found is not None
    assert found.kind == "trap"


# ---- child processes -----------------------------------------------------------------------------


def _misbehave(what: str) -> str:
    if what == "crash":
        os.abort()
    if what == "hang":
        time.sleep(60)
    if what == "raise":
        raise ValueError("as told")
    return what


def test_a_child_survives_crashes_and_hangs_of_what_it_runs() -> None:
    child = Child(_misbehave, seconds=1)
    try:
        assert child.ask("fine") == "fine"
        assert child.ask("crash") == CRASH
        assert child.ask("fine again") == "fine again"
        assert child.ask("hang") == HANG
        with pytest.raises(RuntimeError, match="as told"):
            child.ask("raise")
    finally:
        child.close()


# This worker prints the messages of fuzz.py's workers, but crashes at seed 3 and hangs at seed 5.
_WORKER = """
import json, os, sys, time
first, stop, step = sys.argv[-3:]
for seed in range(int(first), int(stop), int(step)):
    print(json.dumps({"begin": seed}), flush=True)
    if seed == 3: os.abort()
    if seed == 5: time.sleep(60)
    end = {"end": seed, "calls": 2, "difference": None, "is_left_out": seed == 1}
    print(json.dumps(end), flush=True)
"""

_PARENT = """
import runpy, sys
fuzz = runpy.run_path(sys.argv[1])
options = fuzz["Options"](
    seed=1, count=6, seconds=None, jobs=2, size=1, timeout=1, most=0, reduce=False, dirty=None,
    types=None, vectors="fast", oracle="wasmtime",
)
print(fuzz["Fuzzer"](options, [sys.executable, "-c", sys.argv[2]]).run())
"""


def test_crashes_and_hangs_of_workers_are_findings_with_their_seed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PARENT, str(FUZZ), _WORKER],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert sorted(done.stdout.splitlines()) == [
        "6 modules (1 left out), 8 calls, 2 differences",
        "seed 3: crash: SIGABRT",
        "seed 5: hang: SIGKILL",
    ], done.stderr
