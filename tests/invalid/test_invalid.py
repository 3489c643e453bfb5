# SPDX-License-Identifier: MIT
"""Malformed and invalid modules are refused with the expected error, class, place and text.

There is one file for each case, written by hand. Its first lines say what is wrong with the module.
Then it holds the module in hexadecimal, where `;` starts a comment, and it ends with a line
`=> Class: message`. After a change of wording, `pytest tests/invalid --bless` writes these lines
anew: read the diff before you commit it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import pywasm3

FOLDER = Path(__file__).resolve().parent
CASES = sorted(FOLDER.glob("*.txt"))
ARROW = "=> "


def module_bytes(text: str) -> bytes:
    """The bytes of the module that a file holds."""
    lines = [line for line in text.splitlines() if not line.startswith(ARROW)]
    return bytes.fromhex("".join(line.partition(";")[0] for line in lines))


def expectation(text: str) -> list[str]:
    """The lines of a file that say the expected error; there must be one."""
    return [line for line in text.splitlines() if line.startswith(ARROW)]


def outcome(data: bytes) -> str:
    """The line that a file ends with if loading the module goes like this."""
    try:
        pywasm3.Module(data)
    except pywasm3.ModuleError as error:
        place = "" if error.function is None else f" in function {error.function}"
        return f"{ARROW}{type(error).__name__}{place}: {error}"
    return f"{ARROW}accepted"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_refused_module_gets_the_expected_error(
    case: Path, request: pytest.FixtureRequest
) -> None:
    text = case.read_text(encoding="utf-8")
    found = outcome(module_bytes(text))
    if request.config.getoption("--bless", default=False):
        kept = [line for line in text.splitlines() if not line.startswith(ARROW)]
        case.write_text("\n".join([*kept, found]) + "\n", encoding="utf-8")
        return
    assert [found] == expectation(text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_golden_is_a_refusal_and_says_what_is_wrong(case: Path) -> None:
    """Each file begins with a comment, and its module is refused."""
    text = case.read_text(encoding="utf-8")
    assert text.startswith("; ")
    assert outcome(module_bytes(text)) != f"{ARROW}accepted"


def test_there_are_goldens() -> None:
    assert len(CASES) > 50
