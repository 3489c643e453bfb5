# SPDX-License-Identifier: MIT
"""pywasm3 and wasmtime accept and refuse the same mutants, and the fuzzer notices differences.

The expected verdicts are wasmtime's. The fuzzer itself is tested with planted bugs: classes that
stand for `pywasm3.Module` and validate wrongly. Those expectations are written by hand.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path
from random import Random

import pytest

import pywasm3
from fuzz import mutate, verdict
from helpers import wat
from spec.suite import ABSENT, Suite, locate

MUTANTS = Path(__file__).with_name("mutants.py")

ONE = wat('(module (func (export "f") (result i32) i32.const 1) (func nop) (memory 1))')
OTHER = wat("(module (global i64 (i64.const 2)) (func (param f32) block end))")
INVALID = wat("(module (func (result i32) i32.const 1))").replace(b"\x41\x01", b"\x42\x01")

needs_suite = pytest.mark.skipif(locate() is None, reason=ABSENT)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the fuzzer's command line."""
    return subprocess.run(
        [sys.executable, str(MUTANTS), *arguments], capture_output=True, text=True, timeout=600
    )


@needs_suite
def test_mutants_agree_with_wasmtime(tmp_path: Path) -> None:
    done = run("--seed", "1", "--count", "3000", "--save", str(tmp_path / "found"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("3000 mutants, ")
    assert not (tmp_path / "found").exists()


# ---- changes -------------------------------------------------------------------------------------


def test_a_seed_is_always_the_same_mutant() -> None:
    corpus = (ONE, OTHER)
    first = [mutate.mutant(seed, corpus) for seed in range(100)]
    assert first == [mutate.mutant(seed, corpus) for seed in range(100)]
    assert len(set(first)) > 80


def test_a_mutant_is_valid_sometimes() -> None:
    """Of 500 mutants, more than 50 are valid and more than 50 are not, by wasmtime's verdict."""
    counts = Counter(verdict.objection(mutate.mutant(s, (ONE, OTHER))) is None for s in range(500))
    assert counts[True] > 50
    assert counts[False] > 50


def test_every_change_makes_mutants() -> None:
    for change in mutate.CHANGES:
        random = Random(1)
        made = set()
        for _ in range(20):
            data = bytearray(ONE)
            change(random, data, OTHER)
            made.add(bytes(data))
        assert made - {ONE}, change.__name__


@needs_suite
def test_parts_make_the_same_module_again() -> None:
    """Valid modules of the suite that are split and joined again are valid and not longer."""
    path = locate()
    assert path is not None
    suite = Suite(path)
    whole = 0
    for name in suite.modules()[::7]:
        data = suite.read(name)
        sections = mutate.split(data)
        if sections is None or verdict.objection(data) is not None:
            continue
        again = [
            (code, mutate.join_bodies(entries))
            if code == mutate.CODE and (entries := mutate.bodies(content))
            else (code, content)
            for code, content in sections
        ]
        # The file may encode sizes in more bytes than needed; join uses the shortest form.
        assert len(mutate.join(again)) <= len(data), name
        assert verdict.objection(mutate.join(again)) is None, name
        whole += mutate.join(again) == data
    assert whole > 100
    suite.close()


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, (1 << 32) - 1])
def test_numbers_are_read_as_they_are_written(value: int) -> None:
    data = mutate.leb(value)
    assert mutate.read_leb(b"\xff" + data + b"\xff", 1) == (value, 1 + len(data))


def test_bytes_that_are_not_a_module_have_no_sections() -> None:
    assert mutate.split(b"") is None
    assert mutate.split(mutate.HEADER) is None
    assert mutate.split(ONE[:-1]) is None
    assert mutate.bodies(b"\2\2\0\x0b") is None
    assert mutate.bodies(b"\x80\x80\x80\x80\x80\x80") is None


# ---- verdicts ------------------------------------------------------------------------------------


def test_verdicts_that_agree() -> None:
    """A module that both accept, or both refuse, makes no difference."""
    assert verdict.judge(ONE) == verdict.Verdict(valid=True)
    assert verdict.judge(b"nothing").kind is None
    assert not verdict.judge(b"nothing").valid


class Blind:
    """Stands for a validator that accepts everything."""

    def __init__(self, data: bytes) -> None:
        pass

    @staticmethod
    def validate(data: bytes) -> None:
        pass


class Strict(Blind):
    """Stands for a validator that refuses everything."""

    def __init__(self, data: bytes) -> None:
        self.validate(data)

    @staticmethod
    def validate(data: bytes) -> None:
        raise pywasm3.InvalidError("too good to be true")


class Forgetful(Strict):
    """Stands for a `Module` whose constructor does not validate, while `validate` refuses all."""

    def __init__(self, data: bytes) -> None:
        pass


def test_an_invalid_module_that_is_accepted_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pywasm3, "Module", Blind)
    found = verdict.judge(INVALID)
    assert found.kind == verdict.UNEXPLAINED
    assert found.text.startswith("we accept it: type mismatch")


def test_a_valid_module_that_is_refused_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pywasm3, "Module", Strict)
    found = verdict.judge(ONE)
    assert found.kind == verdict.UNEXPLAINED
    assert found.text == "wasmtime accepts it, we do not: InvalidError: too good to be true"


def test_an_invalid_module_that_loads_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pywasm3, "Module", Forgetful)
    text = verdict.judge(INVALID).text
    assert text == "validate() raises InvalidError: too good to be true, Module() nothing"


def test_a_module_beyond_a_limit_is_not_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A valid module that is refused for an implementation limit has the verdict "limit"."""

    class Limited(Strict):
        @staticmethod
        def validate(data: bytes) -> None:
            raise pywasm3.UnsupportedError("too many: ")

    monkeypatch.setattr(pywasm3, "Module", Limited)
    assert verdict.judge(ONE).kind == "limit"
    assert verdict.judge(INVALID).kind is None


def test_a_rule_explains_its_direction_and_words_only() -> None:
    """A rule applies only if both errors, or their absence, are as it says."""
    rule = verdict.Rule("limit", ours=None, theirs="too many", why="")
    assert rule.explains(None, "too many locals")
    assert not rule.explains("InvalidError: too many locals", "too many locals")
    assert not rule.explains(None, "type mismatch")
    assert not rule.explains(None, None)


def test_every_rule_says_why() -> None:
    for rule in verdict.RULES:
        assert rule.why
        assert (rule.ours, rule.theirs) != (None, None)


# ---- running what is valid -----------------------------------------------------------------------

_ENDLESS = '''
    import sys
    sys.path[0] = sys.argv[1]
    from fuzz.exercise import exercise
    from helpers import wat

    exercise(wat("""(module
      (import "m" "f" (func (param i32) (result i64)))
      (import "m" "g" (global f32))
      (func (export "loop") (param i64) (loop (br 0)))
      (func $deep (export "deep") (call $deep))
      (func (export "trap") unreachable)
      (func (export "call") (result i64) (call 0 (i32.const 1))))"""))
    exercise(wat("(module (func $start (loop (br 0))) (start $start))"))
    exercise(wat("(module (memory i64 1))"))
    print("done")
'''


def test_running_ends_whatever_runs() -> None:
    """`exercise` survives endless loops, endless recursion, traps and unsupported modules."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_ENDLESS), str(MUTANTS.parents[1])],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "done\n", done.stderr


# ---- processes -----------------------------------------------------------------------------------

# This judge ends the process at the mutant of seed 7.
_CRASH = """
import os, sys
sys.path[0] = sys.argv[1]
from fuzz import mutants

wrong = mutants.mutant(7, mutants.corpus())

def judge(data):
    if data == wrong:
        os.abort()
    return mutants.Verdict(valid=False)

mutants.judge = judge
total = mutants.run_all(1, 40, 2, 0)
print([(finding.seed, finding.kind) for finding in total.findings])
print(total)
"""


@needs_suite
def test_a_crash_is_found_with_its_mutant() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CRASH, str(MUTANTS.parents[1])],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.splitlines() == [
        "[(7, 'crash')]",
        "       1 crash",
        "40 mutants, 0 valid, 1 differences not explained",
    ], done.stderr
