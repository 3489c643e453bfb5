# SPDX-License-Identifier: MIT
"""Random modules with structs, arrays and references agree with wasmtime, and bugs are found.

test_fuzz.py has the tests of all other modules.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import wasmtime

import pywasm3
from fuzz import gc_ops, oracle, planted
from fuzz.encode import encode
from fuzz.gc_types import MAX_CHAIN
from fuzz.generate import generate
from fuzz.legacy import modern
from fuzz.outcome import Returned, Trapped
from fuzz.reduce import reduce
from fuzz.text import text
from fuzz.tree import Module, count, walk
from fuzz.world import FUEL

FUZZ = Path(__file__).with_name("fuzz.py")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork for the reducer")


def with_types(seed: int) -> Module:
    """Returns the module of a seed, which defines types."""
    return generate(seed, types=True)


def test_random_modules_with_types_agree_with_wasmtime() -> None:
    command = [sys.executable, str(FUZZ), "--types", "always", "--count", "200", "--reduce"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(" 0 differences\n")


def test_generated_modules_with_types_are_valid() -> None:
    for seed in range(150):
        module = with_types(seed)
        assert oracle.validate(encode(modern(module))) is None, seed
        pywasm3.Module.validate(encode(module))


def test_the_text_of_a_module_with_types_is_valid() -> None:
    for seed in range(30):
        data = bytes(wasmtime.wat2wasm(text(modern(with_types(seed)))))
        assert oracle.validate(data) is None, seed


def test_a_share_of_the_modules_defines_types() -> None:
    found = [bool(generate(seed).types) for seed in range(200)]
    assert 50 < found.count(True) < 100


def test_every_instruction_on_references_is_generated() -> None:
    """Each occurs in at least 3 of 300 modules, without counting the function of digests."""
    seen: Counter[str] = Counter()
    for seed in range(300):
        module = with_types(seed)
        bodies = [f.body for f in module.functions if f.type.params != (gc_ops.ANY, gc_ops.I32)]
        seen.update({i[0] for body in bodies for i in walk(body)})
    assert [name for name in gc_ops.NAMES if seen[name] < 3] == []


def test_deep_chains_and_groups_of_types_are_generated() -> None:
    depths, groups = set(), set()
    for seed in range(300):
        module = with_types(seed)
        depth: list[int] = []
        for type_ in module.types:
            depth.append(0 if type_.supertype is None else depth[type_.supertype] + 1)
        depths |= {(type_.kind, d) for type_, d in zip(module.types, depth, strict=True)}
        groups |= set(module.groups)
    assert {("struct", MAX_CHAIN - 1), ("func", 2), ("array", 2)} <= depths
    assert {1, 2, 3, 5} <= groups


def test_most_calls_return_and_the_others_trap_in_every_way() -> None:
    kinds: Counter[str] = Counter()
    for seed in range(150):
        engine = oracle.run(with_types(seed))
        if engine.failed is None:
            for call in engine.module.calls:
                engine.refuel(FUEL)
                ended = engine.call(call.function, call.args)
                kinds[ended.phrase if isinstance(ended, Trapped) else type(ended).__name__] += 1
        engine.close()
    assert kinds[Returned.__name__] > kinds.total() / 2
    assert {"null reference", "cast failure", "out of bounds array access"} <= set(kinds)


@pytest.mark.parametrize(
    ("subject", "word"),
    [
        (planted.with_other_instructions(planted.reads_without_sign), "struct.get_s"),
        (planted.with_other_instructions(planted.never_branches_on_null), "br_on_null"),
        (planted.TestsSupertypes, "ref.test"),
        (planted.ForgetsGlobals, "(mut (ref null"),
    ],
)
def test_wrong_reads_casts_and_roots_are_found_and_reduced(
    subject: type[planted.Subject], word: str
) -> None:
    module, found = planted.find(word, subject, types=True)
    small = reduce(module, found, subject_class=subject)
    assert word in text(small)
    assert count(small) < 60, text(small)
