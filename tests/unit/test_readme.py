# SPDX-License-Identifier: MIT
"""The examples, commands and links of the README work."""

from __future__ import annotations

import doctest
import re

import pytest

from helpers import TESTS

ROOT = TESTS.parent
README = ROOT / "README.md"


def test_the_examples_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    text = README.read_text(encoding="utf-8")
    examples = doctest.DocTestParser().get_doctest(text, {}, "README", str(README), 0)
    assert len(examples.examples) > 10
    report: list[str] = []
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    failed, _ = doctest.DocTestRunner(optionflags=flags).run(examples, out=report.append)
    assert failed == 0, "".join(report)


def test_examples_that_cannot_be_run_are_not_shown_as_python() -> None:
    assert "```python" not in README.read_text(encoding="utf-8")


def test_the_first_two_commands_are_make_demo_and_make_test() -> None:
    commands = re.findall(r"^    (\S.*?)(?: +#.*)?$", README.read_text(encoding="utf-8"), re.M)
    assert commands[:2] == ["make demo", "make test"]


def test_the_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
